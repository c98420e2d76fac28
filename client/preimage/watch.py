"""Watching a job over streams that break.

The position in the stream of events is the resume token of the last answer. A broken stream is
opened again behind it, so that no event is seen twice; the server then repeats the state at hand,
which is left out here when it has been seen. What counts as broken: the service cannot be reached,
turns the call away for now, or ends the stream before the terminal answer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, final

from preimage.calls import chance
from preimage.errors import DeadlineExceeded, NotFound, ServiceError, Unavailable
from preimage.events import StateChanged
from preimage.retry import WATCHES
from preimage.v1 import audit_service_pb2, preimage_service_pb2

if TYPE_CHECKING:
    from preimage.calls import Caller
    from preimage.enums import State
    from preimage.transport import Stream

A = TypeVar("A", preimage_service_pb2.WatchPreimageResponse, audit_service_pb2.WatchAuditResponse)
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Watched(Protocol[A, E_co]):
    """What is watched: a job of any kind."""

    caller: Caller
    abandoned: bool
    """Nobody waits for it any more: a watch gives up at the first obstacle."""

    async def restore(self) -> None:
        """Brings it back if the service has lost it, where that can be done."""
        ...

    def lose(self, error: NotFound) -> None:
        """Takes note that the service does not know it, or raises the error."""
        ...

    def left_alone(self, error: ServiceError) -> ServiceError:
        """Returns the error, saying where it can be taken up again if that makes sense."""
        ...

    def late(self, timeout_seconds: float | None) -> DeadlineExceeded:
        """Builds the error of a wait that was too short."""
        ...

    def open_watch(self, resume_token: str, timeout_seconds: float | None) -> Stream[A]:
        """Begins a stream behind the token."""
        ...

    def heard(self, answer: A) -> E_co | StateChanged | None:
        """Takes note of an answer and returns its event; None: it holds none that is known."""
        ...


@final
class Watch(Generic[A, E]):
    """The events of one job, read one at a time."""

    def __init__(self, watched: Watched[A, E], timeout_seconds: float | None = None) -> None:
        self._watched: Watched[A, E] = watched
        self._timeout_seconds = timeout_seconds
        self._end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._stream: Stream[A] | None = None
        self._resume_token = ""
        self._failures = 0
        self._failing_since: float | None = None
        self._state: State | None = None
        self._finished = False

    async def read(self) -> E | StateChanged | None:
        """Returns the next event; None: that of the end was the last one.

        Raises:
            DeadlineExceeded: the time is over.
            NotFound: there is no such job (any more).
            Unavailable: the service did not come back.
        """
        while not self._finished:
            answer = await self._answer()
            self._finished = answer.WhichOneof("event") == "finished"
            event = self._watched.heard(answer)
            if event is not None and not self._is_known(event):
                return event
        return None

    async def close(self) -> None:
        """Ends the watch; the job goes on."""
        if self._stream is not None:
            await self._stream.close()
            self._stream = None

    def _is_known(self, event: E | StateChanged) -> bool:
        if not isinstance(event, StateChanged):
            return False
        known, self._state = self._state, event.state
        return event.state is known

    async def _answer(self) -> A:
        while True:
            try:
                await self._watched.restore()
                answer = await self._opened().read()
                if answer is None:
                    raise Unavailable("The stream ended before the job did.", repeatable=True)
            except NotFound as error:
                await self.close()
                self._watched.lose(error)
                self._resume_token = ""
            except ServiceError as error:
                await self.close()
                await self._pause(error)
            except DeadlineExceeded as error:
                if self._end is None:
                    raise  # of a call to restore a lost job: nobody set a limit to the wait
                raise self._late() from error
            else:
                self._failures, self._failing_since = 0, None
                self._resume_token = answer.resume_token or self._resume_token
                return answer

    def _opened(self) -> Stream[A]:
        if self._stream is None:
            self._stream = self._watched.open_watch(self._resume_token, self._remaining_seconds())
        return self._stream

    async def _pause(self, error: ServiceError) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        failing_seconds = now - self._failing_since
        delay_seconds = WATCHES.delay_seconds(error, self._failures, chance(), failing_seconds)
        if delay_seconds is None or self._watched.abandoned:
            raise self._watched.left_alone(error)
        remaining_seconds = self._remaining_seconds()
        if remaining_seconds is not None and delay_seconds >= remaining_seconds:
            raise self._late()
        await self._watched.caller.transport.sleep(delay_seconds)
        self._failures += 1

    def _remaining_seconds(self) -> float | None:
        if self._end is None:
            return None
        remaining_seconds = self._end - time.monotonic()
        if remaining_seconds <= 0:
            raise self._late()
        return remaining_seconds

    def _late(self) -> DeadlineExceeded:
        return self._watched.late(self._timeout_seconds)
