"""The report of an audit: its four files, and a typed look at the numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

from preimage.audits.figures import figures_of
from preimage.audits.html import report_as_html
from preimage.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("report.json", "report.html", "report.md", "report.csv")
"""Of the files, in the order of `AuditReport`'s fields."""

INCONCLUSIVE = "inconclusive"
"""Stands for a question of a verdict that is open."""


@final
@dataclass(frozen=True)
class AuditRow:
    """One layer under one defence."""

    layer: str
    """The layer."""
    defence: str
    """The defence; "none" for codes as they are."""
    verdict: str
    """The verdict in a few words: "recovered", "inconclusive"."""
    recovered: str
    """Whether pictures were recovered: "yes", "not by the attacks listed", "inconclusive"."""
    linkable: str
    """Whether codes were linked to their pictures, in the same words."""
    reasons: tuple[str, ...]
    """Why, in sentences."""
    figures: Mapping[str, float | None] = field(repr=False)
    """What was measured, by names such as "fve.p90"; None: it was not."""
    data: Mapping[str, Any] = field(repr=False)
    """All that report.json holds of the row."""


@final
@dataclass(frozen=True)
class AuditReport:
    """A report, in all of its forms; one that its auditor did not write is empty."""

    json: str
    """Every number, for programs."""
    html: str
    """One self-contained page, for people."""
    markdown: str
    """For a review in text."""
    csv: str
    """One line for each row."""

    @classmethod
    def load(cls, place: str | Path) -> Self:
        """Reads a report from a folder that `save` has written, or from a report.json alone.

        Raises:
            BadInput: there is none, or it is no report.
        """
        path = Path(place)
        folder = path if path.is_dir() else path.parent
        found = path / NAMES[0] if path.is_dir() else path
        if not found.is_file():
            raise BadInput(f"There is no report at {found}.")
        texts = [_read(found), *(_read(folder / name) for name in NAMES[1:])]
        report = cls(*texts)
        if not isinstance(report.data.get("rows"), list):
            raise BadInput(f"{found} is no report of an audit.")
        return report

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """All that report.json holds.

        Raises:
            BadInput: it is no JSON object.
        """
        try:
            found = json.loads(self.json)
        except ValueError as error:
            raise BadInput(f"The report is no JSON: {error}.") from None
        if not isinstance(found, dict):
            raise BadInput("The report is no JSON object.")
        return found

    @cached_property
    def rows(self) -> tuple[AuditRow, ...]:
        """Every layer under every defence, from the one that gives away most."""
        return tuple(map(_row, self.data.get("rows", ())))

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Layers and defences without a row, each with the reason, in sentences."""
        return tuple(
            f"{each.get('layer')} with {each.get('defence')} was not tried: {each.get('reason')}"
            for each in self.data.get("left_out", ())
        )

    def row(self, layer: str, defence: str = "none") -> AuditRow:
        """Returns the row of a layer under a defence.

        Raises:
            BadInput: there is none.
        """
        for each in self.rows:
            if (each.layer, each.defence) == (layer, defence):
                return each
        known = ", ".join(f"{each.layer} with {each.defence}" for each in self.rows)
        raise BadInput(f"The report has no row of {layer} with {defence}; there are {known}.")

    def save(self, folder: str | Path) -> Path:
        """Writes the files that there are into a folder, which is made if need be; returns it."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        texts = (self.json, self.html, self.markdown, self.csv)
        for name, text in zip(NAMES, texts, strict=True):
            if not text:
                continue
            (place / name).write_bytes(text.encode())
        return place

    def __repr__(self) -> str:
        """The verdicts, one a line."""
        lines = (f"  {each.layer} with {each.defence}: {each.verdict}" for each in self.rows)
        return "\n".join(("<AuditReport", *lines, ">"))

    def _repr_html_(self) -> str:
        return report_as_html(self)


def report_from_files(files: Mapping[str, bytes]) -> AuditReport:
    """Builds a report of its files by name."""
    return AuditReport(*(files[name].decode("utf-8") for name in NAMES))


def _read(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from None


def _row(data: Mapping[str, Any]) -> AuditRow:
    verdict = data.get("verdict")
    verdict = verdict if isinstance(verdict, dict) else {}
    return AuditRow(
        layer=str(data.get("layer", "")),
        defence=str(data.get("defence", "")),
        verdict=str(data.get("label", verdict.get("finding", ""))),
        recovered=str(verdict.get("recovered", "")),
        linkable=str(verdict.get("linkable", "")),
        reasons=tuple(map(str, verdict.get("reasons", ()))),
        figures=figures_of(data),
        data=data,
    )
