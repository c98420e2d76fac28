"""What is told of each attempt: a line of the log when it begins and ends, and its spans.

    wait    from the moment when the job entered the queue to its claim
      run     from the claim to the end of the attempt
        settle  from the first try to settle it; nothing is waited for inside but the queue

They belong to the span that the job brings from its frontend; those of a further attempt are its
further children. Jobs that followed this one and end with it have a span `follow` each, in traces
of their own, with a link to the run. Names and attributes are those of OpenTelemetry's conventions
for messaging where they have any: https://opentelemetry.io/docs/specs/semconv/messaging/.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import final

from preimage_logging import concerning
from preimage_queue import Claimed, Follower
from preimage_tracing import NO_SPAN, Attributes, Kind, Span, begin, is_on

log = logging.getLogger(__name__)

_NS_PER_MS = 1_000_000


@final
@dataclass(frozen=True)
class Ending:
    """How an attempt ended."""

    outcome: str
    """succeeded, failed, cancelled, crashed, handed_back or lost."""
    reason: str = ""
    """Why it did not do its work, in one word; empty if nothing went wrong."""
    words: str = ""
    """The same as a sentence, for the log."""
    attributes: Attributes = field(default_factory=dict)
    """What else its span says."""


LOST = Ending("lost", "LEASE_LOST", "another worker has the job by now, or nobody")
"""What this attempt says is not believed any more."""


@final
class Attempt:
    """One attempt, from its claim."""

    def __init__(self, claimed: Claimed, worker: str, kind: str = "job") -> None:
        """Begins; `kind` is "job" or "audit", `worker` the name of this process."""
        self._claimed = claimed
        self._kind = kind
        self._begun = time.monotonic()
        self._settle: Span = NO_SPAN
        self.run: Span = self._trace(worker) if is_on() else NO_SPAN
        with self.concerning():
            log.info("attempt %d", claimed.attempt)

    @contextmanager
    def concerning(self) -> Iterator[None]:
        """Lines of the block are about this job, and spans of it belong to the run."""
        with concerning(self._claimed.id, self._claimed.trace, self._kind), self.run.entered():
            yield

    @contextmanager
    def settling(self) -> Iterator[None]:
        """What is done in the block settles it. A further try goes on with the same span."""
        if self._settle is NO_SPAN and self.run is not NO_SPAN:
            self._settle = self._begin("settle", Kind.CLIENT, self.run.traceparent)
        with concerning(self._claimed.id, self._claimed.trace, self._kind), self._settle.entered():
            yield

    def end(self, ending: Ending) -> None:
        """The attempt is over."""
        seconds = time.monotonic() - self._begun
        words = ": ".join(filter(None, (ending.reason, ending.words)))
        with self.concerning():
            log.info(
                "attempt %d %s after %.2f s%s",
                self._claimed.attempt,
                ending.outcome.replace("_", " "),
                seconds,
                f": {words}" if words else "",
            )
        self._settle.end()
        self.run.note({"preimage.outcome": ending.outcome, **ending.attributes})
        if ending.reason:
            self.run.fail(ending.reason)
        self.run.end()

    def lead(self, followers: Sequence[Follower]) -> None:
        """These jobs have ended with this one, as it did."""
        now_ns = time.time_ns()
        for each in followers:
            begin(
                f"follow {self._claimed.lane}",
                Kind.CONSUMER,
                parent=each.trace,
                attributes=self._about("receive", "follow", each.id),
                links=[self.run.traceparent],
                start_ns=now_ns - each.waited_ms * _NS_PER_MS,
            ).end()

    def _trace(self, worker: str) -> Span:
        """The wait, which is over, and the run."""
        claimed, now_ns = self._claimed, time.time_ns()
        waited_ms = max(claimed.now_ms - claimed.queued_ms, 0)  # by Redis' clock alone
        wait = self._begin(
            "wait", Kind.CONSUMER, claimed.trace, start_ns=now_ns - waited_ms * _NS_PER_MS
        )
        wait.end()
        run = self._begin("run", Kind.CONSUMER, wait.traceparent, start_ns=now_ns)
        run.note({"preimage.worker": worker, "preimage.restarts": claimed.slots})
        return run

    def _begin(
        self, operation: str, kind: Kind, parent: str, *, start_ns: int | None = None
    ) -> Span:
        kinds = {"wait": "receive", "run": "process", "settle": "settle"}
        return begin(
            f"{operation} {self._claimed.lane}",
            kind,
            parent=parent,
            attributes=self._about(kinds[operation], operation, self._claimed.id),
            start_ns=start_ns,
        )

    def _about(self, kind: str, operation: str, job_id: str) -> Attributes:
        claimed = self._claimed
        return {
            "messaging.system": "redis",
            "messaging.destination.name": claimed.lane.value,
            "messaging.operation.name": operation,
            "messaging.operation.type": kind,
            "messaging.message.id": job_id,
            "preimage.job_id": job_id,
            "preimage.attempt": claimed.attempt,
            "preimage.model": claimed.model,
            "preimage.layer": claimed.layer,
        }
