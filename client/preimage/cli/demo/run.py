"""Hands all jobs of the demonstration in at once and waits for them.

The worker runs those of one layer in one batch. A thread waits for each job; the threads sleep.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, final

from rich.progress import Progress as Bars
from rich.progress import TaskID

from preimage.cli.demo.pictures import DemoPicture
from preimage.cli.demo.plan import Entry
from preimage.cli.progress import make_bars
from preimage.client import Client
from preimage.errors import PreimageError
from preimage.events import Progress
from preimage.jobs import Job
from preimage.results import Result

__all__ = ["Row", "invert_all"]


@final
@dataclass(frozen=True)
class Row:
    """How one job of the demonstration ended."""

    entry: Entry
    """The representation."""
    picture: DemoPicture
    """The picture whose code was inverted."""
    result: Result | None
    """The pre-image, unless it failed."""
    error: PreimageError | None = None
    """Why it failed, if it did."""

    @property
    def stem(self) -> str:
        """A name for its files, without suffix."""
        return f"{self.picture.name}-{self.entry.model}-{self.entry.layer}"

    def numbers(self) -> dict[str, Any]:
        """What is known of it, as an object of results.json."""
        known: dict[str, Any] = {
            "representation": self.entry.model,
            "layer": self.entry.layer,
            "picture": self.picture.name,
        }
        if self.result is None:
            return {**known, "failure": str(self.error)}
        fidelity = self.result.fidelity
        return {
            **known,
            "error": self.result.errors.relative,
            "error_delivered": self.result.errors.relative_delivered,
            "psnr_db": fidelity.psnr_db if fidelity else None,
            "passes": self.result.network_passes,
            "seconds": self.result.seconds.run,
        }


def invert_all(
    client: Client, entries: Sequence[Entry], pictures: Sequence[DemoPicture]
) -> list[Row]:
    """Inverts every picture from every representation, with a bar for each representation."""
    pairs = [(entry, picture) for entry in entries for picture in pictures]
    with make_bars() as bars, ThreadPoolExecutor(max(1, len(pairs))) as threads:
        tasks = {
            entry: bars.add_task(entry.title, total=entry.steps * len(pictures), error="waiting")
            for entry in entries
        }
        jobs = [_submit(client, entry, picture) for entry, picture in pairs]
        rows = [
            threads.submit(_wait, job, entry, picture, _Share(bars, tasks[entry]).show)
            for job, (entry, picture) in zip(jobs, pairs, strict=True)
        ]
        return [row.result() for row in rows]


@final
class _Share:
    """What one job adds to the bar of its representation."""

    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars = bars
        self._task = task
        self._steps = 0

    def show(self, progress: Progress) -> None:
        """Adds the steps since the last call; a job that resumes may have gone back."""
        advance, self._steps = progress.step - self._steps, progress.step
        error = f"error {progress.relative_error:.1%}"
        self._bars.update(self._task, advance=advance, error=error)


def _submit(client: Client, entry: Entry, picture: DemoPicture) -> Job | PreimageError:
    try:
        return client.submit(
            picture.path, model=entry.model, layer=entry.layer, **entry.settings(picture)
        )
    except PreimageError as error:
        return error


def _wait(
    job: Job | PreimageError, entry: Entry, picture: DemoPicture, show: Callable[[Progress], None]
) -> Row:
    if isinstance(job, PreimageError):
        return Row(entry, picture, None, job)
    try:
        return Row(entry, picture, job.result(on_progress=show))
    except PreimageError as error:
        return Row(entry, picture, None, error)
