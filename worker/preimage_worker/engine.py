"""The running batch and the jobs in it.

Lanes with the same batch key run together; the queue hands out one key at a time, so there is
mostly one group. At every boundary lanes that ended leave, the errors of their delivered pictures
are measured, and whoever asked for a preview or is due for a checkpoint gets one. The engine knows
neither Redis nor the wire: jobs come in as deliveries and go out as settlements.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import torch

from preimage_logging import concerning
from preimage_worker import spec
from preimage_worker.appraisal import Appraiser
from preimage_worker.batching import OutOfRoomError, raise_if_device_lost
from preimage_worker.checkpoints import Restored, unpack
from preimage_worker.group import Group
from preimage_worker.inversion.errors import CheckpointError
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.jobs import Delivery, Extracted, Failed, Pulse, Returned, Settlement, Ticket
from preimage_worker.models import Models
from preimage_worker.pictures import Limits
from preimage_worker.reference.known import References
from preimage_worker.running import Running, lane_result, pulse, returned
from preimage_worker.settings import Settings
from preimage_worker.verdicts import blame, conclude, too_large

log = logging.getLogger(__name__)


@final
@dataclass(eq=False)
class Boundary:
    """What came of one round of steps."""

    settled: list[Settlement] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    batches: list[tuple[int, int, float]] = field(default_factory=list)
    """Lanes, steps and seconds of every batch that ran."""
    out_of_memory: int = 0
    """Batches that the device had no memory for."""


@final
class Engine:
    """Runs jobs from delivery to settlement. Not thread-safe: one thread owns it."""

    def __init__(
        self,
        models: Models,
        settings: Settings,
        device: torch.device,
        *,
        references: References | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models
        self._settings = settings
        self._device = device
        self._appraise = Appraiser(models, references or References(), device).appraise
        self._clock = clock
        self._groups: dict[spec.BatchKey, Group] = {}
        self._running: dict[str, Running] = {}
        self._cap = settings.slots
        self._limits = Limits.of(settings)
        self.left: Counter[str] = Counter()
        """Lanes that left the batch since somebody last looked and cleared it, by why."""

    @property
    def active(self) -> int:
        """Lanes that are running."""
        return sum(len(group.owners) for group in self._groups.values())

    @property
    def memory_bytes(self) -> int:
        """Memory that torch holds on the device; 0 on a CPU."""
        return torch.cuda.memory_allocated(self._device) if self._device.type == "cuda" else 0

    @property
    def free(self) -> int:
        """Lanes that could join."""
        return max(self._cap - self.active, 0)

    @property
    def ending(self) -> int:
        """Lanes whose schedule is over within two boundaries: where prefetched jobs will join."""
        near = 2 * self._settings.boundary_steps
        return sum(
            report.steps_total - report.step <= near
            for running in self._running.values()
            for report in running.reports.values()
        )

    def has_room(self, delivery: Delivery) -> bool:
        """Whether a job can be admitted now; into an empty batch any job can."""
        return delivery.slots <= self.free or not self._running

    def admit(self, delivery: Delivery) -> Settlement | None:
        """Takes a job into the batch, or settles it at once: extractions and impossible jobs."""
        try:
            return self._extract(delivery) if delivery.extraction else self._join(delivery)
        except Exception as error:  # noqa: BLE001 - whatever one job raises ends that job only
            raise_if_device_lost(error)
            return blame(delivery.ticket, error)

    def boundary(self) -> Boundary:
        """Takes some steps with every lane and looks at them once."""
        result = Boundary()
        for key, group in list(self._groups.items()):
            self._advance(group, result)
            if not group.owners:
                del self._groups[key]
        if not self._groups:
            self._cap = self._settings.slots  # the next jobs may be smaller
        return result

    def drop(self, ticket: Ticket, why: str = "cancelled") -> bool:
        """Takes a job out without a result; False if this attempt is not in the batch."""
        running = self._running.get(ticket.id)
        if running is None or running.delivery.ticket != ticket:
            return False
        self._forget(ticket.id, why)
        return True

    def hand_back(self) -> list[Returned]:
        """Takes every job out of the batch, with a checkpoint each."""
        return [self._hand_back(job) for job in list(self._running)]

    def _forget(self, job: str, why: str) -> None:
        del self._running[job]
        for group in self._groups.values():
            lanes = group.lanes(job).values()
            self.left[why] += len(lanes)
            group.remove(lanes)

    def _extract(self, delivery: Delivery) -> Extracted:
        wanted = delivery.item.extract.representation
        served = self._models.served(wanted.model)
        representation = self._models.representation(wanted.model, wanted.layer)
        assert delivery.sent is not None
        pixels = spec.picture_of(delivery.item, delivery.sent, served.announcement, self._limits)
        code = spec.encode(representation, pixels, self._device)
        return Extracted(delivery, code.numpy(), pixels.shape[0], pixels.shape[1])

    def _join(self, delivery: Delivery) -> Settlement | None:
        wanted = delivery.item.invert.representation
        served = self._models.served(wanted.model)
        representation = self._models.representation(wanted.model, spec.layers_of(wanted))
        plan = spec.plan(
            delivery.item,
            delivery.blobs,
            served.announcement,
            representation,
            sent=delivery.sent,
            limits=self._limits,
            device=self._device,
        )
        restored = unpack(delivery.checkpoint) if delivery.checkpoint else None
        try:
            return self._begin(Running(delivery, plan, checkpoint_at=self._clock()), restored)
        except CheckpointError as error:
            with concerning(delivery.ticket.id, delivery.ticket.trace):
                log.warning("it starts anew: %s", error)
            return self._begin(Running(delivery, plan, checkpoint_at=self._clock()), None)

    def _begin(self, running: Running, restored: Restored | None) -> Settlement | None:
        plan = running.plan
        if restored:
            running.finished.update(restored.finished)
        if running.done:
            return conclude(running, self._appraise)
        group = self._groups.get(plan.key) or self._new_group(plan)
        group.add(running, restored)
        self._groups[plan.key] = group
        self._running[running.delivery.ticket.id] = running
        return None

    def _new_group(self, plan: spec.Plan) -> Group:
        key = plan.key
        batch = LaneBatch.empty(
            plan.representation,
            key.family,
            key.height,
            key.width,
            device=self._device,
            precision=key.precision,
            loss=key.loss,
            coordinates=key.coordinates,
        )
        return Group(batch, self._clock)

    def _advance(self, group: Group, into: Boundary) -> None:
        lanes, started = len(group.owners), self._clock()
        try:
            result = group.run(self._settings.boundary_steps, self._settings.boundary_seconds)
        except OutOfRoomError:
            into.out_of_memory += 1
            into.settled.extend(self._make_room(group))
            return
        failed = group.rename(result.kept)
        for (job, restart), report in zip(group.owners, result.reports, strict=True):
            self._running[job].note(restart, report, lanes)
        self.left["failed"] += len(failed)
        errors = [result.failures[index] for index in sorted(result.failures)]
        for (job, _), error in zip(failed, errors, strict=True):
            if job in self._running:
                into.settled.append(blame(self._running[job].delivery.ticket, error))
                self._forget(job, "failed")
        into.batches.append((lanes, result.steps, self._clock() - started))
        into.settled.extend(self._leave(group))
        into.pulses.extend(self._pulses(group))

    def _leave(self, group: Group) -> list[Settlement]:
        """Measures the lanes that ended and settles the jobs that have no lane left."""
        now, settled = self._clock(), list[Settlement]()
        ended: list[int] = []
        for index, (job, restart) in enumerate(group.owners):
            running = self._running[job]
            outcome = running.ended(restart, now)
            if outcome is None:
                continue
            ended.append(index)
            self.left[outcome.name.lower()] += 1
            try:
                running.finish(lane_result(running, group.batch, index, restart, outcome))
            except Exception as error:  # noqa: BLE001 - the measurement of one job ends that job only
                raise_if_device_lost(error)
                running.fault = error
        jobs = dict.fromkeys(group.owners[index][0] for index in ended)
        group.remove(ended)
        for job in jobs:
            running = self._running[job]
            if running.fault or running.done:
                settled.append(conclude(running, self._appraise))
                self._forget(job, "failed")
        return settled

    def _pulses(self, group: Group) -> list[Pulse]:
        """What is new of every running job of the group."""
        now, pulses = self._clock(), list[Pulse]()
        for job in dict.fromkeys(owner for owner, _ in group.owners):
            running = self._running[job]
            due = now - running.checkpoint_at >= self._settings.checkpoint_seconds
            if due:
                running.checkpoint_at = now
            pulses.append(pulse(running, group.batch, group.lanes(job), checkpoint=due))
        return pulses

    def _make_room(self, group: Group) -> list[Settlement]:
        """Halves the batch after memory ran out; the rest goes back to the queue, uncounted.

        One job alone is given up when its own lanes do not fit.
        """
        jobs = list(dict.fromkeys(owner for owner, _ in group.owners))
        if len(jobs) == 1:
            return [self._give_up(jobs[0])]
        self._cap = max(len(group.owners) // 2, 1)
        settled: list[Settlement] = []
        while len(group.owners) > self._cap and len(jobs) > 1:
            settled.append(self._hand_back(jobs.pop()))
        return settled

    def _give_up(self, job: str) -> Failed:
        running = self._running[job]
        self._forget(job, "failed")
        return Failed(running.delivery.ticket, too_large(running))

    def _hand_back(self, job: str) -> Returned:
        running = self._running[job]
        group = next(each for each in self._groups.values() if each.lanes(job))
        result = returned(running, group.batch, group.lanes(job))
        self._forget(job, "handed_back")
        return result
