"""One cell of the grid: a job as a small picture and a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.ui.elements import Picture, plain_button, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.events import Preview, Progress
    from preimage.jobs import AsyncJob
    from preimage.results import AsyncResult
    from preimage.ui.running import Order

    Opener = Callable[[AsyncResult, AsyncJob], None]

__all__ = ["Cell"]


@final
class Cell:
    """A `Follower` of one job of the grid.

    Attributes:
        order: what it asks for.
        is_over: whether its job has ended.
    """

    def __init__(self, order: Order, name: str, on_open: Opener) -> None:
        self.order = order
        self.is_over = False
        self._what = name
        self._on_open = on_open
        self._job: AsyncJob | None = None
        self._result: AsyncResult | None = None
        self._picture = Picture("")
        self._words = text("p", "Waiting", "words")
        self._open = plain_button("Open", "visibility", self._show).props("dense")
        self._open.props["aria-label"] = f"Open {self._what}"
        self._open.visible = False

    def accepted(self, job: AsyncJob) -> None:
        """The job is there."""
        self._job = job

    def progress(self, progress: Progress) -> None:
        """It is so far."""
        self._words.text = f"{progress.fraction:.0%}, error {progress.relative_error:.1%}"

    def preview(self, preview: Preview) -> None:
        """It looks like this by now."""
        if preview.restart == 0:
            self._picture.show(preview.png, f"{self._what} after {preview.step} steps")

    def done(self, result: AsyncResult) -> None:
        """It has a result."""
        best = result.reconstructions[result.best]
        self._result, self.is_over = result, True
        if best.png is not None:
            self._picture.show(best.png, f"Pre-image of {self._what}")
        self._words.text = best.score
        self._open.visible = True

    def failed(self, sentence: str) -> None:
        """It has none."""
        self.is_over = True
        self._words.text = sentence

    def give_up(self) -> None:
        """It is not waited for any more."""
        if not self.is_over:
            self.failed("Cancelled.")

    def _show(self) -> None:
        if self._result is not None and self._job is not None:
            self._on_open(self._result, self._job)
