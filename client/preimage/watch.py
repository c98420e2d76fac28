"""Watching a job over streams that break.

The position in the stream of events is the resume token of the last answer. A broken stream is
opened again behind it, so that no event is seen twice; the server then repeats the state at hand,
which is left out here when it has been seen. What counts as broken: the service cannot be reached,
turns the call away for now, or ends the stream before the terminal answer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

from preimage.calls import chance
from preimage.errors import DeadlineExceeded, NotFound, ServiceError, Unavailable
from preimage.events import Finished, Preview, StateChanged
from preimage.jobinfo import progress_from_wire, state_from_wire
from preimage.retry import WATCHES
from preimage.v1 import preimage_service_pb2

if TYPE_CHECKING:
    from preimage.enums import State
    from preimage.events import Event
    from preimage.handle import Handle
    from preimage.transport import Stream
    from preimage.v1 import preimage_pb2

Answer = preimage_service_pb2.WatchPreimageResponse


@final
class Watch:
    """The events of one job, read one at a time."""

    def __init__(self, handle: Handle, timeout_seconds: float | None = None) -> None:
        self._handle = handle
        self._timeout_seconds = timeout_seconds
        self._end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._stream: Stream[Answer] | None = None
        self._resume_token = ""
        self._failures = 0
        self._state: State | None = None
        self._finished = False

    async def read(self) -> Event | None:
        """Returns the next event; None: `Finished` was the last one.

        Raises:
            DeadlineExceeded: the time is over.
            NotFound: there is no such job (any more).
            Unavailable: the service did not come back.
        """
        while not self._finished:
            answer = await self._answer()
            event = self._event(answer)
            if event is not None:
                return event
        return None

    async def close(self) -> None:
        """Ends the watch; the job goes on."""
        if self._stream is not None:
            await self._stream.close()
            self._stream = None

    async def _answer(self) -> Answer:
        while True:
            try:
                await self._handle.restore()
                answer = await self._opened().read()
                if answer is None:
                    raise Unavailable("The stream ended before the job did.", repeatable=True)
            except NotFound as error:
                await self.close()
                self._handle.lose(error)
                self._resume_token = ""
            except ServiceError as error:
                await self.close()
                await self._pause(error)
            except DeadlineExceeded as error:
                raise self._late() from error
            else:
                self._failures = 0
                self._resume_token = answer.resume_token or self._resume_token
                return answer

    def _opened(self) -> Stream[Answer]:
        if self._stream is None:
            caller = self._handle.caller
            request = preimage_service_pb2.WatchPreimageRequest(
                id=self._handle.info.id, resume_token=self._resume_token
            )
            self._stream = caller.transport.stream(
                caller.stubs.preimages.WatchPreimage, request, self._remaining_seconds()
            )
        return self._stream

    async def _pause(self, error: ServiceError) -> None:
        delay_seconds = WATCHES.delay_seconds(error, self._failures, chance())
        if delay_seconds is None or self._handle.abandoned:
            raise self._handle.left_alone(error)
        remaining_seconds = self._remaining_seconds()
        if remaining_seconds is not None and delay_seconds >= remaining_seconds:
            raise self._late()
        await self._handle.caller.transport.sleep(delay_seconds)
        self._failures += 1

    def _remaining_seconds(self) -> float | None:
        if self._end is None:
            return None
        remaining_seconds = self._end - time.monotonic()
        if remaining_seconds <= 0:
            raise self._late()
        return remaining_seconds

    def _late(self) -> DeadlineExceeded:
        job_id = self._handle.info.id
        return DeadlineExceeded(
            f"Job {job_id} has not ended within {self._timeout_seconds} seconds. It goes on; take "
            f"it up again with client.job({job_id!r}), or cancel it."
        )

    def _event(self, answer: Answer) -> Event | None:
        match answer.WhichOneof("event"):
            case "state":
                return self._state_changed(answer.state)
            case "progress":
                self._handle.message.progress.CopyFrom(answer.progress)
                return progress_from_wire(answer.progress)
            case "preview":
                preview = answer.preview
                return Preview(preview.restart, preview.step, preview.png)
            case "finished":
                self._finished = True
                self._handle.message = answer.finished
                return Finished(self._handle.info)
            case _:
                return None

    def _state_changed(self, number: preimage_pb2.State.ValueType) -> StateChanged | None:
        self._handle.message.state = number
        state = state_from_wire(number)
        if state is self._state:
            return None
        self._state = state
        return StateChanged(state)
