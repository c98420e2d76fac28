"""The thread that talks to the queue: claims, beats, settlements, checkpoints, announcements.

It is the only one that does. When the queue cannot be reached the courier keeps what it could not
deliver and tries again, while the loop goes on computing: a restart of Redis costs nothing but the
time in which nobody new can join.
"""

import logging
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import final

from preimage_logging import concerning
from preimage_queue import BatchRef, BeatVerdict, Claimed, Queue, QueueError
from preimage_worker import metrics
from preimage_worker.announcing import Profile, notice
from preimage_worker.attempts import LOST, Attempt, Ending
from preimage_worker.checkpoints import fits, pack
from preimage_worker.intake import Intake, ticket_for
from preimage_worker.jobs import Drop, Pulse, Returned, Settlement, Ticket
from preimage_worker.leases import Leases
from preimage_worker.mailbox import Mailbox, Offer
from preimage_worker.models import Models
from preimage_worker.pictures import Limits
from preimage_worker.reaping import reap
from preimage_worker.results.events import event
from preimage_worker.results.provenance import Surroundings
from preimage_worker.settings import Settings
from preimage_worker.settling import WORKER_ERROR, Settler, ending_of, ticket_of

log = logging.getLogger(__name__)

_IDLE_SECONDS = (0.02, 0.25)
"""An idle worker asks for work this often: at first, and after a while without any."""
_HOUSEKEEPING_SECONDS = 4.0
"""Between two announcements, and between two calls of the reaper."""
_TROUBLE_SECONDS = 0.5
"""Pause after the queue could not be reached."""
_REPEAT_SECONDS = 30.0
"""Between two lines of the log that say the same of an outage, which may last for hours."""
_MAXIMUM_EXTRACTIONS = 4
"""Claimed at once at most: each holds up the batch for a forward pass."""


@final
class Courier:
    """Carries jobs and news between the queue and the mailbox."""

    def __init__(
        self,
        queue: Queue,
        mailbox: Mailbox,
        models: Models,
        settings: Settings,
        profile: Profile,
    ) -> None:
        self._queue = queue
        self._mailbox = mailbox
        self._models = models
        self._settings = settings
        self._profile = profile
        self._leases = Leases(settings.stall_seconds)
        where = Surroundings(profile.name, profile.device)
        self._settler = Settler(queue, models, where)
        self._attempts: dict[Ticket, Attempt] = {}
        self._undelivered: deque[Settlement] = deque()
        self._checkpoints: dict[str, Pulse] = {}
        self._intake = Intake(queue, mailbox, Limits.of(settings), self._leases.holds)
        self._batch: BatchRef | None = None
        self._offer: Offer | None = None
        self._last_offer = Offer(0, 0, 0, 0.0)
        self._token = secrets.token_hex(8)
        self._beat_at = self._housekeeping_at = 0.0
        self._complaint, self._complained_at = "", 0.0
        self._away = False
        self._idle_since = time.monotonic()
        self._closing = threading.Event()
        self.draining = threading.Event()
        """Set when an operator asks the worker to leave; no more jobs are claimed."""
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Publishes the models, registers the worker and starts claiming; raises QueueError."""
        for model in self._models.announcements():
            self._queue.publish_model(model.name, model.SerializeToString())
        self._announce()
        self._intake.start()
        self._thread.start()

    def close(self, patience_seconds: float) -> None:
        """Delivers what there is, takes leave of the registry and ends, within the time given."""
        self.draining.set()
        self._closing.set()
        self._mailbox.wake()
        self._thread.join(patience_seconds)

    def abandon(self) -> None:
        """Hands back every job, uncounted and as it stands: for when the device does not return."""
        for ticket in self._leases.tickets():
            self._carry_out(Returned(ticket))
        self._queue.retire(self._profile.name)

    def accuse(self, words: str) -> None:
        """Hands back every job, counted: one of them may have broken the device.

        Each is tried again alone, so the culprit does not break a third device for the others.
        """
        for ticket in self._leases.tickets():
            self._give_up(ticket, words)
            self._release(ticket)

    @property
    def active(self) -> int:
        """Jobs that this worker holds."""
        return len(self._leases)

    def _run(self) -> None:
        while not (self._closing.is_set() and not self._busy()):
            try:
                self._round()
            except QueueError as error:
                self._complain(error)
                # Not a wait for news: those do not help against a refusal that comes at once.
                time.sleep(_TROUBLE_SECONDS)
            except Exception:
                # A bug here must not stop the beats of every other job.
                log.exception("the courier failed in one round and goes on")
                time.sleep(_TROUBLE_SECONDS)
            else:
                self._notice_answers()
                self._mailbox.wait_for_news(self._pause())
        self._leave()

    def _complain(self, error: QueueError) -> None:
        kind, now = type(error).__name__, time.monotonic()
        metrics.QUEUE_ERRORS.labels(kind).inc()
        said = kind == self._complaint and now - self._complained_at < _REPEAT_SECONDS
        log.log(logging.DEBUG if said else logging.WARNING, "the queue does not answer: %s", error)
        if not said:
            self._complaint, self._complained_at, self._away = kind, now, True

    def _notice_answers(self) -> None:
        if self._away:
            log.info("the queue answers again")
            self._away = False

    def _round(self) -> None:
        now = time.monotonic()
        previews = self._take_news(now)
        self._settle()
        if previews or now - self._beat_at >= self._settings.beat_seconds:
            self._beat_at = now
            self._beat(now)
            self._write_checkpoints()
        if now - self._housekeeping_at >= _HOUSEKEEPING_SECONDS:
            self._housekeeping_at = now
            self._announce()
            reap(self._queue)
        self._claim()
        metrics.JOBS_ACTIVE.set(len(self._leases))

    def _busy(self) -> bool:
        self._undelivered.extend(self._mailbox.take_settlements())
        return bool(self._undelivered)

    def _pause(self) -> float:
        if self._leases or self._undelivered:
            return min(self._settings.beat_seconds, _IDLE_SECONDS[1])
        shortest, longest = _IDLE_SECONDS
        idle = time.monotonic() - self._idle_since
        return min(longest, max(shortest, idle / 10)) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter

    def _take_news(self, now: float) -> bool:
        """What the loop left; whether there is a preview, which is not kept waiting."""
        self._undelivered.extend(self._mailbox.take_settlements())
        pulses = self._mailbox.take_pulses()
        for pulse in pulses:
            self._leases.note(pulse, event(pulse), now)
            if pulse.snapshot:
                self._checkpoints[pulse.ticket.id] = pulse
        return any(pulse.preview for pulse in pulses)

    def _settle(self) -> None:
        while self._undelivered:
            settlement = self._undelivered[0]
            ticket = ticket_of(settlement)
            self._carry_out(settlement)
            self._undelivered.popleft()
            self._release(ticket)

    def _carry_out(self, settlement: Settlement) -> None:
        ticket = ticket_of(settlement)
        attempt = self._attempts.get(ticket)
        with attempt.settling() if attempt else concerning(ticket.id, ticket.trace):
            try:
                followers = self._settler.settle(settlement)
            except QueueError:
                raise
            except Exception:
                log.exception("its result could not be made")
                self._give_up(ticket, "The worker could not make the result into files.")
                return
        if attempt and followers:
            attempt.lead(followers)
        self._end(ticket, LOST if followers is None else ending_of(settlement))

    def _give_up(self, ticket: Ticket, words: str) -> None:
        self._settler.give_up(ticket, words)
        self._end(ticket, Ending("crashed", WORKER_ERROR, words))

    def _end(self, ticket: Ticket, ending: Ending) -> None:
        if attempt := self._attempts.pop(ticket, None):
            attempt.end(ending)

    def _release(self, ticket: Ticket) -> None:
        self._leases.release(ticket)
        self._checkpoints.pop(ticket.id, None)
        self._idle_since = time.monotonic()
        if not self._leases:
            self._batch = None

    def _beat(self, now: float) -> None:
        for ticket in self._leases.stalled(now):
            metrics.STALLED.inc()
            with concerning(ticket.id, ticket.trace):
                log.error("it has stood still for too long: its lease is given up")
            self._lose(ticket)
        if not self._leases:
            return
        tickets = {ticket.id: ticket for ticket in self._leases.tickets()}
        with metrics.BEAT_SECONDS.time():
            replies = self._queue.beat(self._profile.name, self._leases.beats())
        for reply in replies:
            ticket = tickets[reply.id]
            if reply.verdict is BeatVerdict.LOST:
                metrics.LOST.inc()
                with concerning(ticket.id, ticket.trace):
                    log.warning("the lease was lost")
                self._lose(ticket)
            elif reply.verdict is BeatVerdict.CANCEL:
                self._mailbox.drop(Drop(ticket, cancelled=True))

    def _lose(self, ticket: Ticket) -> None:
        self._end(ticket, LOST)
        self._release(ticket)
        self._mailbox.drop(Drop(ticket, cancelled=False))

    def _write_checkpoints(self) -> None:
        while self._checkpoints:
            job, pulse = next(iter(self._checkpoints.items()))
            if self._leases.holds(pulse.ticket):
                self._write_checkpoint(pulse)
            del self._checkpoints[job]

    def _write_checkpoint(self, pulse: Pulse) -> None:
        assert pulse.snapshot is not None
        job, attempt = pulse.ticket.id, pulse.ticket.attempt
        if not fits(pulse.snapshot):
            with concerning(job, pulse.ticket.trace):
                log.warning("its lanes are too large for a checkpoint")
            return
        data = pack(pulse.snapshot)
        self._queue.put_checkpoint(job, attempt, pulse.snapshot_step, data)
        metrics.CHECKPOINTS.inc()
        metrics.CHECKPOINT_BYTES.inc(len(data))

    def _claim(self) -> None:
        if fresh := self._mailbox.take_offer():
            self._offer = self._last_offer = fresh
        if self._offer is None or self.draining.is_set() or self._intake.busy:
            return
        claimed = self._queue.claim(
            self._profile.name,
            self._token,
            pools=self._models.pools(),
            free_slots=self._offer.free,
            capacity_slots=self._offer.slots,
            current=self._batch,
            held=self._leases.slots_by_tenant(),
            max_instant=_MAXIMUM_EXTRACTIONS,
        )
        # Only now: a claim whose answer was lost is repeated with its token, and finds its jobs.
        self._token = secrets.token_hex(8)
        if claimed:
            self._accept(claimed)

    def _accept(self, claimed: Sequence[Claimed]) -> None:
        now = time.monotonic()
        metrics.CLAIMED.inc(len(claimed))
        metrics.REDELIVERED.inc(sum(each.attempt > 1 for each in claimed))
        for each in claimed:
            ticket = ticket_for(each)
            self._attempts[ticket] = Attempt(each, self._profile.name)
            self._leases.add(ticket, each.slots, now)
            self._intake.take(each)
            if each.slots:
                self._batch = each.batch
                self._offer = None  # the loop offers again once they have joined

    def _announce(self) -> None:
        said = notice(
            self._profile,
            self._models,
            active=self._last_offer.active,
            batch_key=self._batch.batch_key if self._batch else "",
            rate=self._last_offer.steps_per_second,
        )
        answer = self._queue.announce(said)
        if answer.drain and not self.draining.is_set():
            log.info("asked to drain: no more jobs are taken")
            self.draining.set()
            self._mailbox.wake()
        for model in self._models.announcements():
            if model.name in answer.unknown_models:
                self._queue.publish_model(model.name, model.SerializeToString())

    def _leave(self) -> None:
        """Hands back what was claimed and never joined the batch, and says farewell."""
        self._intake.close()
        try:
            self.abandon()
        except QueueError as error:
            log.warning("could not take leave of the queue: %s", error)
