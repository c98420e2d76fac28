"""The kinds of panels there are: lines over time, a number, a heatmap, a table, a text."""

from typing import Final, TypeVar

from deploy.grafana.source.board import SOURCE
from deploy.grafana.source.pages import link_to
from grafana_foundation_sdk.builders import common, heatmap, stat, table, text, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus as prom
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import DashboardLinkType
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

Query = tuple[str, str]
"""An expression, and what its series are called: text with `{{label}}`."""
Marks = tuple[tuple[float, str], ...]
"""Values from which on a number has a colour."""
Kind = TypeVar("Kind", timeseries.Panel, stat.Panel, heatmap.Panel, table.Panel)

INTERVAL: Final = "$__rate_interval"


def pick(metric: str, where: str = "") -> str:
    """The series of a metric, all of them or those with some labels."""
    return f"{metric}{{{where}}}" if where else metric


def rate(metric: str, where: str = "") -> str:
    """How fast a counter grows, each second."""
    return f"rate({pick(metric, where)}[{INTERVAL}])"


def rates(metric: str, by: str = "", where: str = "") -> str:
    """The same summed up, by some labels or over everything."""
    return f"sum by ({by}) ({rate(metric, where)})" if by else f"sum({rate(metric, where)})"


def quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """An estimate of a quantile of a histogram, over everything or by some labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rates(f'{histogram}_bucket', labels, where)})"


def lines(
    title: str,
    unit: str,
    about: str,
    *queries: Query,
    alerts: tuple[str, ...] = (),
    stacked: bool = False,
    top: float | None = None,
) -> timeseries.Panel:
    """Lines over time, from zero; `top` is the end of the axis where there is a natural one."""
    panel = _filled(timeseries.Panel(), title, about, queries, alerts)
    panel = (
        panel.unit(unit)
        .min(0)
        .fill_opacity(30 if stacked else 5)
        .show_points(looks.VisibilityMode.NEVER)
        .tooltip(
            common.VizTooltipOptions()
            .mode(looks.TooltipDisplayMode.MULTI)
            .sort(looks.SortOrder.DESCENDING)
        )
        .legend(
            common.VizLegendOptions()
            .display_mode(looks.LegendDisplayMode.LIST)
            .placement(looks.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    return panel if top is None else panel.max(top)


def number(
    title: str,
    unit: str,
    about: str,
    query: Query,
    *,
    marks: Marks = (),
    alerts: tuple[str, ...] = (),
) -> stat.Panel:
    """The newest value, large; green until it reaches one of `marks`."""
    steps = [model.Threshold(None, "green"), *(model.Threshold(*mark) for mark in marks)]
    return (
        _filled(stat.Panel(), title, about, (query,), alerts)
        .unit(unit)
        .color_mode(looks.BigValueColorMode.VALUE)
        .graph_mode(looks.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    )


def heat(title: str, unit: str, about: str, histogram: str, where: str = "") -> heatmap.Panel:
    """How a histogram's values spread over time."""
    query = rates(f"{histogram}_bucket", "le", where), "{{le}}"
    panel = _filled(heatmap.Panel(), title, about, (query,), (), heat=True)
    return (
        panel.unit(unit)
        .calculate(calculate=False)
        .color(_shades())
        .y_axis(heatmap.YAxisConfig().unit(unit))
    )


def _shades() -> heatmap.HeatmapColorOptions:
    """Grafana's own defaults: what is not said here would be 0, and no colour at all."""
    return (
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.SCHEME)
        .scheme("Oranges")
        .fill("dark-orange")
        .scale(HeatmapColorScale.EXPONENTIAL)
        .exponent(0.5)
        .steps(64)
    )


def rows(title: str, about: str, query: Query) -> table.Panel:
    """A line for each series, with its labels: for what is known of processes."""
    return _filled(table.Panel(), title, about, (query,), (), instant=True).unit("short")


def words(title: str, markdown: str) -> text.Panel:
    """A text."""
    return text.Panel().title(title).mode(TextMode.MARKDOWN).content(markdown)


def _filled(
    panel: Kind,
    title: str,
    about: str,
    queries: tuple[Query, ...],
    alerts: tuple[str, ...],
    *,
    heat: bool = False,
    instant: bool = False,
) -> Kind:
    panel = panel.title(title).description(about).datasource(SOURCE)
    panel = panel.links([_link(alert) for alert in alerts])
    for letter, (expression, legend) in zip("ABCDEFGH", queries, strict=False):
        query = prom.Dataquery().ref_id(letter).expr(expression).legend_format(legend)
        if heat:
            query = query.format(PromQueryFormat.HEATMAP)
        query = query.instant().format(PromQueryFormat.TABLE) if instant else query.range()
        panel = panel.with_target(query)
    return panel


def _link(alert: str) -> build.DashboardLink:
    return build.DashboardLink(f"Runbook: {alert}").type(DashboardLinkType.LINK).url(link_to(alert))
