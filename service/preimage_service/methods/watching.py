"""WatchPreimage and WatchAudit: what happens to a job, from any point on, until it is terminal.

A resume token is "<event id>+<n>": go on behind that event of the job's stream, and skip the first
n messages of the next one, because an event with progress and preview makes two messages. So a
stream that breaks anywhere goes on with the very next message.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar, final

from preimage.v1.audit_service_pb2 import WatchAuditRequest, WatchAuditResponse
from preimage.v1.preimage_service_pb2 import WatchPreimageRequest, WatchPreimageResponse
from preimage.v1.work_pb2 import WorkEvent
from preimage_queue import Event, EventPage, Job, JobDetail, State, is_id
from preimage_service.audit_errors import AuditNotFoundError
from preimage_service.audits import to_audit
from preimage_service.backend import Backend
from preimage_service.errors import (
    InvalidRequestError,
    MissingError,
    PreimageNotFoundError,
    Violation,
)
from preimage_service.methods.reading import is_audit, read_job
from preimage_service.resources import WIRE_STATES, to_preimage
from preimage_service.waiting import WATCHING, bridged

A = TypeVar("A", WatchPreimageResponse, WatchAuditResponse)

_TOKEN = re.compile(r"([0-9]{1,18}-[0-9]{1,18})?\+([0-9])")
_EVENTS_A_LOOK = 20
"""Previews are some 100 KB each: a look fetches a few MB at most."""


@final
@dataclass(frozen=True, slots=True)
class Position:
    """A place in a job's stream."""

    after: str = ""
    """Behind this event; empty: at the beginning."""

    seen: int = 0
    """Messages of the next event that were sent already."""

    @classmethod
    def read(cls, token: str) -> Self:
        """The place that a resume token names.

        Raises:
            InvalidRequestError: it is no token of ours.
        """
        if not token:
            return cls()
        match = _TOKEN.fullmatch(token)
        if match is None:
            sentence = "is none that a watch has sent; leave it out to begin with the first event"
            raise InvalidRequestError([Violation("resume_token", sentence)])
        return cls(match[1] or "", int(match[2]))

    @property
    def token(self) -> str:
        """The resume token of this place."""
        return f"{self.after}+{self.seen}"


@final
@dataclass(frozen=True, slots=True)
class _Telling(Generic[A]):
    """How the story of one kind of job is told."""

    holds: Callable[[Job], bool]
    """Whether a job is of this kind: all others are not found."""

    missing: Callable[[str], MissingError]
    state: Callable[[State], A]
    work: Callable[[WorkEvent], Iterator[A]]
    """The messages of a beat."""

    finished: Callable[[JobDetail], A]


def watch(
    backend: Backend, tenant: str, request: WatchPreimageRequest
) -> AsyncIterator[WatchPreimageResponse]:
    """Stream a job's events behind the token, then its terminal resource.

    Raises:
        PreimageNotFoundError: there is no such job, or it was deleted meanwhile.
        DrainingError: the process is about to end; resume elsewhere.
    """
    return _tell(backend, tenant, request, _OF_PREIMAGES)


def watch_audit(
    backend: Backend, tenant: str, request: WatchAuditRequest
) -> AsyncIterator[WatchAuditResponse]:
    """Stream how far an audit is behind the token, then its terminal resource.

    Raises:
        AuditNotFoundError: there is no such audit, or it was deleted meanwhile.
        DrainingError: the process is about to end; resume elsewhere.
    """
    return _tell(backend, tenant, request, _OF_AUDITS)


async def _tell(
    backend: Backend,
    tenant: str,
    request: WatchPreimageRequest | WatchAuditRequest,
    telling: _Telling[A],
) -> AsyncIterator[A]:
    position = Position.read(request.resume_token)
    if not is_id(request.id):
        raise telling.missing(request.id)
    pace, opening = WATCHING, True
    with backend.meters.watchers.track_inprogress():
        while True:
            page = await _look(backend, tenant, request.id, position, telling)
            if opening and _needs_state(page, resumed=bool(request.resume_token)):
                yield _at(position, telling.state(page.job.state))
            opening = False
            for event in page.events:
                for message in _messages(event, position, telling):
                    yield message
                position = Position(event.id)
            if page.more:
                continue
            if page.job.state.terminal:
                break
            await backend.gate.sleep(pace.seconds)
            pace = pace.after(something=bool(page.events))
        detail = await bridged(backend, lambda: read_job(backend, tenant, request.id))
        if detail is None:
            raise telling.missing(request.id)
        yield _at(position, telling.finished(detail))


async def _look(
    backend: Backend, tenant: str, job_id: str, position: Position, telling: _Telling[A]
) -> EventPage:
    page = await bridged(
        backend,
        lambda: backend.queue.read_events(job_id, tenant, position.after, _EVENTS_A_LOOK),
    )
    if page is None or not telling.holds(page.job):
        raise telling.missing(job_id)
    return page


def _needs_state(page: EventPage, *, resumed: bool) -> bool:
    """Whether the state at hand has to be told, because no event tells it first."""
    return resumed or not page.events or page.events[0].state is None


def _messages(event: Event, position: Position, telling: _Telling[A]) -> Iterator[A]:
    """The messages of an event that were not sent yet, each with the place behind it."""
    parts = list(_parts(event, telling))
    for index, message in enumerate(parts, start=1):
        last = index == len(parts)
        place = Position(event.id) if last else Position(position.after, index)
        if index > position.seen:
            yield _at(place, message)


def _at(place: Position, message: A) -> A:
    message.resume_token = place.token
    return message


def _parts(event: Event, telling: _Telling[A]) -> Iterator[A]:
    if event.state is None:
        yield from telling.work(WorkEvent.FromString(event.payload))
    elif not event.state.terminal:  # the resource itself tells the end
        yield telling.state(event.state)


def _preimage_work(work: WorkEvent) -> Iterator[WatchPreimageResponse]:
    if work.HasField("progress"):
        yield WatchPreimageResponse(progress=work.progress)
    if work.HasField("preview"):
        yield WatchPreimageResponse(preview=work.preview)


def _audit_work(work: WorkEvent) -> Iterator[WatchAuditResponse]:
    if work.HasField("audit"):
        yield WatchAuditResponse(progress=work.audit)


_OF_PREIMAGES: Final = _Telling(
    holds=lambda job: not is_audit(job),
    missing=PreimageNotFoundError,
    state=lambda state: WatchPreimageResponse(state=WIRE_STATES[state]),
    work=_preimage_work,
    finished=lambda detail: WatchPreimageResponse(finished=to_preimage(detail)),
)
_OF_AUDITS: Final = _Telling(
    holds=is_audit,
    missing=AuditNotFoundError,
    state=lambda state: WatchAuditResponse(state=WIRE_STATES[state]),
    work=_audit_work,
    finished=lambda detail: WatchAuditResponse(finished=to_audit(detail)),
)
