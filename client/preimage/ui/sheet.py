"""What is seen of one job: its picture beside the original, its curve, its numbers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, final

from nicegui import ui
from PIL import Image

from preimage.ui.chart import Point, chart_options, curve_points, progress_point
from preimage.ui.elements import Picture, Sentence, tag, text
from preimage.ui.words import how_far
from preimage.words import findings, spread_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from preimage.events import Preview, Progress
    from preimage.parts import Size
    from preimage.results import AsyncResult
    from preimage.ui.given import Given

__all__ = ["Sheet"]

_STRETCHED = "Original, in the shape of the model's input"
_ALIKE = 0.02
"""Proportions that differ by less are taken for equal: sizes are whole pixels."""


@final
class Sheet:
    """Shows; knows nothing of how jobs are come by.

    Attributes:
        title: what is inverted.
        status: what the job is doing, or how it ended.
        trouble: why it has no result.
        bar: how far it is.
    """

    def __init__(self) -> None:
        self.title = Sentence("title", quiet=True)
        with tag("div", "pictures"):
            self._original = Picture("Original")
            self._preimage = Picture("Pre-image")
        self._others = tag("div", "others")
        self.bar = ui.linear_progress(0.0, show_value=False, size="8px")
        self.bar.props["aria-label"] = "Progress"
        self.status = Sentence()
        self._steps = Sentence(quiet=True)  # it changes every second
        self.trouble = Sentence("trouble", urgent=True)
        self._findings = tag("dl", "findings")
        self._chart = ui.echart(chart_options([]), renderer="svg").classes("chart")
        self._points: list[Point] = []
        self._given_size: Size | None = None
        self.clear()

    def clear(self) -> None:
        """Empties it."""
        self._points = []
        self._given_size = None
        for sentence in (self.title, self._steps, self.status, self.trouble):
            sentence.say("")
        for picture in (self._original, self._preimage):
            picture.clear()
        self._others.clear()
        self._findings.clear()
        self.bar.visible = self._chart.visible = False

    def original(self, given: Given) -> None:
        """Shows what was given, if it can be seen."""
        if given.shown is not None:
            alternative = f"The picture that was given, {given.name}"
            self._original.show(given.shown, alternative, "Original")
            self._given_size = given.size

    def progress(self, progress: Progress) -> None:
        """Shows how far it is."""
        if not self._points:
            self.status.say("Running …")
        self._steps.say(how_far(progress))
        self.bar.value = round(progress.fraction, 3)
        self._points.append(progress_point(progress))
        measured = "relative error" if progress.activation is None else "activation"
        self._draw(measured, progress.total_steps)

    def preview(self, preview: Preview) -> None:
        """Shows what it looks like by now; of several restarts, the first."""
        if preview.restart == 0:
            caption = f"Pre-image, step {preview.step}"
            self._show(preview.png, f"Pre-image after {preview.step} steps", caption)

    def result(self, result: AsyncResult) -> None:
        """Shows what came of it."""
        best = result.reconstructions[result.best]
        self.settle(result.outcome_sentence or str(result.outcome))
        if best.png is not None:
            self._show(best.png, f"Pre-image, {best.score}", f"Pre-image, {best.score}")
        self._points = curve_points(result.loss_curve) or self._points
        self._draw("relative error" if best.errors is not None else "activation")
        with self._findings:
            for heading, words in _rows(result):
                text("dt", heading.capitalize())
                text("dd", words)
        with self._others:
            for index, each in enumerate(result.reconstructions):
                if index != result.best and each.png is not None:
                    words = f"Restart {each.restart}, {each.score}"
                    Picture(words).show(each.png, words)

    def settle(self, outcome: str) -> None:
        """Says how it ended; an empty sentence where `trouble` does."""
        self.bar.visible = False
        self._steps.say("")
        self.status.say(outcome)

    def _show(self, png: bytes, alternative: str, caption: str) -> None:
        """Shows the pre-image; the original takes its proportions, to be compared place by place.

        Models resize pictures to their input size and do not keep proportions.
        """
        self._preimage.show(png, alternative, caption)
        if self._given_size is None:
            return
        with Image.open(io.BytesIO(png)) as image:
            width, height = image.size
        change = (width * self._given_size.height) / (height * self._given_size.width)
        if abs(change - 1) > _ALIKE:
            self._original.stretch(width, height, _STRETCHED)

    def _draw(self, measured: str, total_steps: int | None = None) -> None:
        self._chart.visible = bool(self._points)
        self._chart.options.clear()
        self._chart.options.update(chart_options(self._points, measured, total_steps))


def _rows(result: AsyncResult) -> Iterator[tuple[str, str]]:
    yield from findings(result.reconstructions[result.best])
    if result.diversity is not None:
        yield "restarts differ by", spread_in_words(result.diversity)
    yield "effort", f"{result.steps} steps, {result.seconds.run:.1f} s"
    yield "preset, seed", f"{result.provenance.preset}, {result.provenance.seed}"
    if result.origin is not None:
        yield "computed by", f"job {result.origin.id}, of the same specification"
    yield "job", result.id
