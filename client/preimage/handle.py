"""What a job does, once for `Job` and `AsyncJob`."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.delivery import Delivery, delivery_of
from preimage.errors import (
    DeadlineExceeded,
    NotAllowed,
    NotFound,
    PreimageError,
    ServiceError,
    Unavailable,
)
from preimage.events import Event, Finished, Preview, Progress, StateChanged
from preimage.jobinfo import JobInfo, job_from_wire, progress_from_wire, state_from_wire
from preimage.tensors import float32_array
from preimage.tracing import JOB_ID, operation
from preimage.v1 import preimage_pb2, preimage_service_pb2
from preimage.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from preimage.calls import Caller
    from preimage.reconstructions import FloatPicture
    from preimage.transport import Stream

    Answer = preimage_service_pb2.WatchPreimageResponse
    Create = Callable[[], Awaitable[preimage_pb2.Preimage]]


@final
class Handle:
    """A job: the last message about it, and the calls that concern it.

    A failover of the service's storage can lose a job that was accepted (replication is
    asynchronous). The service then says NOT_FOUND to a watch; a job that was submitted from here
    and had not ended is submitted again, once, under its request_id.
    """

    def __init__(
        self,
        caller: Caller,
        message: preimage_pb2.Preimage,
        create: Create | None = None,
        trace: str = "",
    ) -> None:
        self.caller = caller
        self.message = message
        self.abandoned = False
        """Nobody waits for the job any more: a watch of it gives up at the first obstacle."""
        self._create = create
        self._trace = trace
        self._lost = False

    @property
    def info(self) -> JobInfo:
        """What was last heard of the job."""
        return job_from_wire(self.message)

    def lose(self, error: NotFound) -> None:
        """Takes note that the service does not know the job.

        Raises:
            NotFound: the error, when the job cannot be submitted again.
        """
        if self._lost or self._create is None:
            raise error
        self._lost = True

    async def restore(self) -> None:
        """Submits the job again if it was lost; its id may be another one afterwards."""
        if self._lost and self._create is not None:
            self.message = await self._create()
            self._lost, self._create = False, None

    def left_alone(self, error: ServiceError) -> ServiceError:
        """Returns the error, saying where the job can be taken up again if that makes sense."""
        job_id = self.message.id
        if isinstance(error, NotAllowed):
            way = (
                f"a token that may read takes it up: client.job({job_id!r}), or "
                f"`preimage watch {job_id} --out FILE`"
            )
        elif error.repeatable:
            way = f"take it up again with client.job({job_id!r}) or `preimage watch {job_id}`"
        else:
            return error
        return with_advice(error, f"Job {job_id} {self._fate(error)}; {way}.")

    def _fate(self, error: ServiceError) -> str:
        ended = self.info.state.terminal
        if not isinstance(error, Unavailable):
            return "has ended" if ended else "goes on"
        # What does not answer may be gone for good: a stack without --data takes its jobs along.
        fate = "has ended, and its result is there" if ended else "goes on"
        return f"{fate} if its queue is still there"

    def late(self, timeout_seconds: float | None) -> DeadlineExceeded:
        """Builds the error of a wait that was too short."""
        return DeadlineExceeded(
            f"Job {self.message.id} has not ended within {timeout_seconds} seconds. It goes on; "
            f"take it up again with client.job({self.message.id!r}) or "
            f"`preimage watch {self.message.id}`, or cancel it."
        )

    def open_watch(self, resume_token: str, timeout_seconds: float | None) -> Stream[Answer]:
        """Begins a stream of what happens to the job, behind the token."""
        request = preimage_service_pb2.WatchPreimageRequest(
            id=self.message.id, resume_token=resume_token
        )
        method = self.caller.stubs.preimages.WatchPreimage
        return self.caller.transport.stream(method, request, timeout_seconds)

    def heard(self, answer: Answer) -> Event | None:
        """Takes note of what a watch has told, and returns the event."""
        match answer.WhichOneof("event"):
            case "state":
                self.message.state = answer.state
                return StateChanged(state_from_wire(answer.state))
            case "progress":
                self.message.progress.CopyFrom(answer.progress)
                return progress_from_wire(answer.progress)
            case "preview":
                preview = answer.preview
                return Preview(preview.restart, preview.step, preview.png)
            case "finished":
                self.message = answer.finished
                return Finished(self.info)
            case _:
                return None

    def watch(self, timeout_seconds: float | None = None) -> Watch[Answer, Event]:
        """Begins to watch the job."""
        self._keep_what_has_ended()
        return Watch(self, timeout_seconds)

    def _keep_what_has_ended(self) -> None:
        # What was seen to end and is unknown later has expired: that is no loss to be made good.
        if self.info.state.terminal and not self._lost:
            self._create = None

    async def refresh(self) -> JobInfo:
        """Asks where the job stands."""
        response = await self.caller.call(
            lambda stubs: stubs.preimages.GetPreimage,
            preimage_service_pb2.GetPreimageRequest(id=self.message.id),
        )
        self.message = response.preimage
        return self.info

    async def cancel(self, reason: str) -> JobInfo:
        """Cancels the job."""
        self._create = None
        response = await self.caller.call(
            lambda stubs: stubs.preimages.CancelPreimage,
            preimage_service_pb2.CancelPreimageRequest(id=self.message.id, reason=reason),
        )
        self.message = response.preimage
        return self.info

    async def abandon(self) -> None:
        """Cancels the job because nobody waits for it any more; never fails."""
        if self.info.state.terminal:
            return
        self.abandoned = True
        self._create = None
        request = preimage_service_pb2.CancelPreimageRequest(
            id=self.message.id, reason="The caller went away."
        )
        try:
            await self.caller.call_once(lambda stubs: stubs.preimages.CancelPreimage, request)
        except PreimageError:
            return

    async def delete(self) -> None:
        """Deletes the job."""
        await self.caller.call(
            lambda stubs: stubs.preimages.DeletePreimage,
            preimage_service_pb2.DeletePreimageRequest(id=self.message.id),
        )

    async def download(self, name: str) -> bytes:
        """Downloads a file of the result."""
        try:
            return await self.caller.download(self.message.id, name)
        except ServiceError as refusal:
            raise self.left_alone(refusal) from None

    async def float_picture(self, index: int) -> FloatPicture:
        """Downloads a float picture: (channels, height, width), in grey levels 0…255."""
        reconstruction = self.message.result.reconstructions[index]
        name = f"{reconstruction.restart}/picture.f32"
        for artifact in reconstruction.artifacts:
            if artifact.name == name:
                return float32_array(await self.download(name), artifact.shape)
        raise PreimageError(f"Job {self.message.id} kept no file {name}.")

    async def wait(
        self,
        timeout_seconds: float | None,
        on_progress: Callable[[Progress], None] | None,
        on_preview: Callable[[Preview], None] | None,
    ) -> Delivery:
        """Waits for the end, then fetches the pictures."""
        with operation("wait", {JOB_ID: self.message.id}, parent=self._trace):
            return await self._wait(timeout_seconds, on_progress, on_preview)

    async def _wait(
        self,
        timeout_seconds: float | None,
        on_progress: Callable[[Progress], None] | None,
        on_preview: Callable[[Preview], None] | None,
    ) -> Delivery:
        self._keep_what_has_ended()
        if not self.info.state.terminal:
            await self._follow(self.watch(timeout_seconds), on_progress, on_preview)
        elif not self.message.HasField("result"):
            await self.refresh()  # a job from a listing comes without its result
        try:
            return await self._delivery()
        except NotFound as error:
            self.lose(error)
            await self._follow(self.watch(timeout_seconds), on_progress, on_preview)
            return await self._delivery()

    async def _delivery(self) -> Delivery:
        error = self.info.error
        if error is not None:
            raise error
        pictures = [await self._png(each) for each in self.message.result.reconstructions]
        return delivery_of(self.message, pictures)

    async def _png(self, reconstruction: preimage_pb2.Reconstruction) -> bytes | None:
        name = f"{reconstruction.restart}/picture.png"
        if any(each.name == name for each in reconstruction.artifacts):
            return await self.download(name)
        return None  # a picture of neither one channel nor three

    async def _follow(
        self,
        watch: Watch[Answer, Event],
        on_progress: Callable[[Progress], None] | None,
        on_preview: Callable[[Preview], None] | None,
    ) -> None:
        try:
            while (event := await watch.read()) is not None:
                if isinstance(event, Progress) and on_progress is not None:
                    on_progress(event)
                elif isinstance(event, Preview) and on_preview is not None:
                    on_preview(event)
        finally:
            await watch.close()


def with_advice(error: ServiceError, advice: str) -> ServiceError:
    """Returns the error with advice behind it."""
    return type(error)(
        f"{error} {advice}",
        code=error.code,
        reason=error.reason,
        violations=error.violations,
        details=error.details,
        retry_after_seconds=error.retry_after_seconds,
        repeatable=error.repeatable,
        advice=advice,
    )
