"""A dashboard, from rows of panels: ids, widths, links and variables, the same way for all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import heatmap, stat, table, text, timeseries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DataSourceRef

TAG: Final = "preimage"
RUNBOOK: Final = "preimage-runbook"
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")


Panel: TypeAlias = timeseries.Panel | stat.Panel | heatmap.Panel | table.Panel | text.Panel


@final
@dataclass(frozen=True)
class Row:
    """Panels beside each other under a title; they share the width."""

    title: str
    panels: Sequence[Panel]
    height: int = 8
    per_line: int = 0
    """Panels in one line; 0 for all of them."""


@final
@dataclass(frozen=True)
class Board:
    """One dashboard."""

    slug: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[build.QueryVariable] = field(default_factory=tuple)

    @property
    def uid(self) -> str:
        """What links name it by."""
        return f"preimage-{self.slug}"

    def build(self) -> model.Dashboard:
        """The dashboard as a value."""
        board = (
            build.Dashboard(f"preimage: {self.title}")
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .time("now-1h", "now")
            .refresh("30s")
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .readonly()
            .with_variable(
                build.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
            )
            .link(_all_boards())
            .link(build.DashboardLink("Runbook").type(DashboardLinkType.LINK).url(f"/d/{RUNBOOK}"))
        )
        for variable in self.variables:
            board = board.with_variable(variable)
        number = 0
        for row in self.rows:
            number += 1
            board = board.with_row(build.Row(row.title).id(number))
            columns = 24 // (row.per_line or len(row.panels))
            for panel in row.panels:
                number += 1
                board = board.with_panel(panel.id(number).span(columns).height(row.height))
        return board.build()


def choice(name: str, label: str, values: str) -> build.QueryVariable:
    """A variable whose values Prometheus knows, several or all of them at a time.

    Args:
        name: as queries say it, `$name`.
        label: as people read it.
        values: a query like `label_values(metric, label)`.
    """
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(values)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _all_boards() -> build.DashboardLink:
    return (
        build.DashboardLink("preimage")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=True)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )
