"""Lanes that share every network pass, and whose they are."""

from collections.abc import Callable, Iterable
from typing import final

from preimage_worker.batching import Advance, advance
from preimage_worker.checkpoints import Restored
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.running import Running

LaneName = tuple[str, int]
"""A job's id and a restart: who owns a lane."""


@final
class Group:
    """A batch and the names of its lanes, in the batch's order."""

    def __init__(self, batch: LaneBatch, clock: Callable[[], float]) -> None:
        self.batch = batch
        self.owners: list[LaneName] = []
        self._clock = clock
        self._seconds_per_step = 0.0

    def add(self, running: Running, restored: Restored | None) -> None:
        """Lets every restart of a job that has not ended yet join; all of them or none."""
        batch, owners = self.batch, []
        snapshots = restored.running if restored else {}
        for problem in running.plan.problems:
            if problem.restart in running.finished:
                continue
            snapshot = snapshots.get(problem.restart)
            batch = batch.restore(problem, snapshot) if snapshot else batch.join([problem])
            owners.append((running.delivery.ticket.id, problem.restart))
        self.batch, self.owners = batch, self.owners + owners

    def lanes(self, job: str) -> dict[int, int]:
        """The lanes of a job in the batch, by restart."""
        return {restart: i for i, (owner, restart) in enumerate(self.owners) if owner == job}

    def remove(self, lanes: Iterable[int]) -> None:
        """Takes lanes out; the others keep their order."""
        gone = set(lanes)
        if gone:
            self.batch = self.batch.leave(sorted(gone))
            self.owners = [owner for i, owner in enumerate(self.owners) if i not in gone]

    def run(self, maximum_steps: int, maximum_seconds: float) -> Advance:
        """Takes steps with every lane: at most so many, and no more than the time affords.

        Lanes that failed alone are not in the batch any more. Raises OutOfRoomError.
        """
        affordable = maximum_steps
        if self._seconds_per_step > 0:
            affordable = max(1, int(maximum_seconds / self._seconds_per_step))
        started = self._clock()
        result = advance(self.batch, min(maximum_steps, affordable))
        if result.steps:
            self._seconds_per_step = (self._clock() - started) / result.steps
        self.batch = result.batch
        return result

    def rename(self, kept: Iterable[int]) -> list[LaneName]:
        """Keeps the names of these lanes after a run; returns those of the lanes that failed."""
        stay = set(kept)
        gone = [owner for i, owner in enumerate(self.owners) if i not in stay]
        self.owners = [owner for i, owner in enumerate(self.owners) if i in stay]
        return gone
