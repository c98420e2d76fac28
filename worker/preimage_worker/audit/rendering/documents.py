"""The four documents of a report."""

import json
from dataclasses import dataclass
from typing import Final, final

from preimage_worker.audit.plain import from_plain, to_json
from preimage_worker.audit.records import AuditReport
from preimage_worker.audit.rendering import environment, sheet
from preimage_worker.audit.rendering.cells import COLUMNS
from preimage_worker.audit.rendering.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TICKS,
    TOP,
    WIDTH,
    across,
    up,
)
from preimage_worker.audit.rendering.gallery import Gallery, example, strips
from preimage_worker.audit.rendering.glance import glance
from preimage_worker.audit.rendering.view import View, view

_FRAME: Final = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "right": RIGHT,
    "top": TOP,
    "bottom": BOTTOM,
    "ticks": TICKS,
    "across": across,
    "up": up,
}


@final
@dataclass(frozen=True)
class Documents:
    """Each as UTF-8."""

    json: bytes
    """Every figure with all of its digits; `plain.from_plain` reads it back."""
    markdown: bytes
    csv: bytes
    """One line a row."""
    html: bytes
    """One file that needs no other, no network and no script."""

    def files(self) -> dict[str, bytes]:
        """By the names that they have on a disk."""
        return {
            "report.json": self.json,
            "report.md": self.markdown,
            "report.csv": self.csv,
            "report.html": self.html,
        }


def read(text: str | bytes) -> AuditReport:
    """The report that report.json holds.

    Raises:
        ValueError: this is no JSON, or no report of this version.
    """
    return from_plain(AuditReport, json.loads(text))


def render(report: AuditReport, gallery: Gallery | None = None) -> Documents:
    """Writes a report: the same bytes for equal reports and pictures.

    Args:
        report: what was found.
        gallery: pictures, if whoever owns them asked for them; only the page shows any.
    """
    shown = view(report)
    return Documents(
        json=to_json(report).encode(),
        markdown=_markdown(shown).encode(),
        csv=sheet.to_csv(report).encode(),
        html=_html(shown, gallery).encode(),
    )


def _markdown(shown: View) -> str:
    template = environment.markdown().get_template("report.md.jinja")
    return template.render(view=shown, glance=glance(shown.rows), columns=COLUMNS)


def _html(shown: View, gallery: Gallery | None) -> str:
    rows = [each.row for each in shown.rows]
    template = environment.html().get_template("report.html.jinja")
    return template.render(
        view=shown,
        glance=glance(shown.rows),
        columns=COLUMNS,
        frame=_FRAME,
        strips=strips(gallery, rows),
        example=example(gallery, rows),
    )
