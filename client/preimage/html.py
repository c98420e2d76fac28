"""How a result looks in a notebook: the picture beside a small table. Everything is escaped."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from preimage.words import findings, spread_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from preimage.reconstructions import Reconstruction
    from preimage.results import ResultView


def result_as_html(result: ResultView) -> str:
    """Renders the best picture, the numbers beside it, and the other restarts as thumbnails."""
    best = result.reconstructions[result.best]
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in _rows(result)
    )
    others = "".join(_image(each, height=64) for each in result.reconstructions if each is not best)
    return (
        "<div style='display:flex;gap:1em;align-items:flex-start'>"
        f"{_image(best, height=227)}<div><table>{rows}</table>{others}</div></div>"
    )


def _image(reconstruction: Reconstruction, *, height: int) -> str:
    if reconstruction.png is None:
        return ""
    data = b64encode(reconstruction.png).decode("ascii")
    return (
        f"<img src='data:image/png;base64,{data}' style='height:{height}px' "
        f"alt='pre-image {reconstruction.restart}'>"
    )


def _rows(result: ResultView) -> Iterator[tuple[str, str]]:
    best = result.reconstructions[result.best]
    yield "representation", f"{result.model} {result.layer}"
    yield "outcome", result.outcome_sentence or str(result.outcome)
    yield from findings(best)
    if result.diversity is not None:
        yield "restarts differ by", spread_in_words(result.diversity)
    yield "effort", f"{result.steps} steps, {result.network_passes} network passes"
    yield "seconds", f"{result.seconds.queue:.1f} waiting, {result.seconds.run:.1f} running"
    yield "preset, seed", f"{result.provenance.preset}, {result.provenance.seed}"
    if result.origin is not None:
        yield "computed by", f"job {result.origin.id}, of the same specification"
    yield "job", result.id
