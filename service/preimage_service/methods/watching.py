"""WatchPreimage: what happens to a job, from any point on, until it is terminal.

A resume token is "<event id>+<n>": go on behind that event of the job's stream, and skip the first
n messages of the next one, because an event with progress and preview makes two messages. So a
stream that breaks anywhere goes on with the very next message.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Self, final

from preimage.v1.preimage_service_pb2 import WatchPreimageRequest, WatchPreimageResponse
from preimage.v1.work_pb2 import WorkEvent
from preimage_queue import Event, EventPage
from preimage_service.backend import Backend
from preimage_service.errors import InvalidRequestError, PreimageNotFoundError, Violation
from preimage_service.methods.reading import is_id, read_detail
from preimage_service.resources import WIRE_STATES, to_preimage
from preimage_service.waiting import WATCHING, bridged

_TOKEN = re.compile(r"(\d{1,18}-\d{1,18})?\+(\d)")
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


async def watch(
    backend: Backend, tenant: str, request: WatchPreimageRequest
) -> AsyncIterator[WatchPreimageResponse]:
    """Stream a job's events behind the token, then its terminal resource.

    Raises:
        PreimageNotFoundError: there is no such job, or it was deleted meanwhile.
        DrainingError: the process is about to end; resume elsewhere.
    """
    position = Position.read(request.resume_token)
    if not is_id(request.id):
        raise PreimageNotFoundError(request.id)
    pace, opening = WATCHING, True
    with backend.meters.watchers.track_inprogress():
        while True:
            page = await _look(backend, tenant, request.id, position)
            if opening and _needs_state(page, request):
                yield WatchPreimageResponse(
                    resume_token=position.token, state=WIRE_STATES[page.job.state]
                )
            opening = False
            for event in page.events:
                for message in _messages(event, position):
                    yield message
                position = Position(event.id)
            if page.more:
                continue
            if page.job.state.terminal:
                break
            await backend.gate.sleep(pace.seconds)
            pace = pace.after(something=bool(page.events))
        detail = await bridged(backend, lambda: read_detail(backend, tenant, request.id))
        yield WatchPreimageResponse(resume_token=position.token, finished=to_preimage(detail))


async def _look(backend: Backend, tenant: str, job_id: str, position: Position) -> EventPage:
    page = await bridged(
        backend,
        lambda: backend.queue.read_events(job_id, tenant, position.after, _EVENTS_A_LOOK),
    )
    if page is None:
        raise PreimageNotFoundError(job_id)
    return page


def _needs_state(page: EventPage, request: WatchPreimageRequest) -> bool:
    """Whether the state at hand has to be told, because no event tells it first."""
    return bool(request.resume_token) or not page.events or page.events[0].state is None


def _messages(event: Event, position: Position) -> Iterator[WatchPreimageResponse]:
    """The messages of an event that were not sent yet, each with the place behind it."""
    parts = list(_parts(event))
    for index, message in enumerate(parts, start=1):
        last = index == len(parts)
        place = Position(event.id) if last else Position(position.after, index)
        if index > position.seen:
            message.resume_token = place.token
            yield message


def _parts(event: Event) -> Iterator[WatchPreimageResponse]:
    if event.state is not None:
        if not event.state.terminal:  # the resource itself tells the end
            yield WatchPreimageResponse(state=WIRE_STATES[event.state])
        return
    work = WorkEvent.FromString(event.payload)
    if work.HasField("progress"):
        yield WatchPreimageResponse(progress=work.progress)
    if work.HasField("preview"):
        yield WatchPreimageResponse(preview=work.preview)
