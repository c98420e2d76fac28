"""Waiting for an audit at the terminal."""

from typing import Self, final

from preimage.audits.info import AuditProgress
from preimage.cli.output import say
from preimage.cli.progress import make_bars

__all__ = ["AuditBar"]


@final
class AuditBar:
    """The bar of one audit: its cells, and what is under way; in a log, a line for each cell."""

    def __init__(self, description: str) -> None:
        """Shows `description` beside the bar."""
        self._bars = make_bars()
        self._task = self._bars.add_task(description, total=None, error="waiting")
        self._logged = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, progress: AuditProgress) -> None:
        """Moves the bar."""
        words = f"{progress.inversions_done:,} inversions, {progress.doing}"
        self._bars.update(
            self._task, completed=progress.cells_done, total=progress.cells, error=words
        )
        if self._bars.disable and progress.cells_done > self._logged:
            self._logged = progress.cells_done
            say(f"{progress.cells_done} of {progress.cells}: {progress.doing}")
