"""A progress bar on stderr while a job runs; nothing where stderr is no terminal."""

from typing import Self, final

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from preimage.cli.output import errors
from preimage.events import Progress

__all__ = ["JobBar", "make_bars"]


def make_bars() -> Bars:
    """Bars with steps, relative error and time; invisible unless stderr is a terminal."""
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[error]}"),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
        transient=True,
    )


def _score(progress: Progress) -> str:
    if progress.activation is not None:
        return f"activation {progress.activation:.3g}"
    return f"error {progress.relative_error:.1%}"


@final
class JobBar:
    """The bar of one job."""

    def __init__(self, description: str) -> None:
        """Shows `description` beside the bar."""
        self._bars = make_bars()
        self._task = self._bars.add_task(description, total=None, error="waiting")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Moves the bar."""
        self._bars.update(
            self._task,
            completed=progress.step,
            total=progress.total_steps,
            error=_score(progress),
        )
