"""A job in the caller's hands: `Job` for `Client`, `AsyncJob` for `AsyncClient`.

Both are thin: everything that happens stands once in `preimage.handle`, as coroutines. `Job` runs
them to their end at once, `AsyncJob` hands them to the caller's event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.results import AsyncResult, Result
from preimage.running import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from preimage.enums import State
    from preimage.events import Event, Preview, Progress
    from preimage.handle import Handle
    from preimage.jobinfo import JobInfo
    from preimage.reconstructions import FloatPicture


class JobView:
    """What `Job` and `AsyncJob` share: what was last heard of the job."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    @property
    def id(self) -> str:
        """The server's name for the job."""
        return self._handle.info.id

    @property
    def request_id(self) -> str:
        """The name of the request that created it."""
        return self._handle.info.request_id

    @property
    def state(self) -> State:
        """Where the job stood when it was last heard of."""
        return self._handle.info.state

    @property
    def info(self) -> JobInfo:
        """All that was last heard of the job."""
        return self._handle.info

    def __repr__(self) -> str:
        info = self.info
        return f"<{type(self).__name__} {info.id}: {info.model} {info.layer}, {info.state}>"


@final
class Job(JobView):
    """A job, from `Client.submit`, `Client.job` or `Client.jobs`."""

    def refresh(self) -> JobInfo:
        """Asks the server where the job stands."""
        return run(self._handle.refresh())

    def watch(self) -> Iterator[Event]:
        """Yields what happens to the job until it is terminal; the last event is `Finished`.

        A stream that breaks is resumed by itself, for about a minute, and no event is seen twice.
        If the service has forgotten an unfinished job that this client submitted, which a failover
        of its storage can cause, the request is submitted again, once.

        Raises:
            NotFound: there is no such job (any more).
            Unavailable: the service did not come back.
        """
        watch = self._handle.watch()
        try:
            while (event := run(watch.read())) is not None:
                yield event
        finally:
            run(watch.close())

    def result(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
    ) -> Result:
        """Waits for the end and fetches the pictures.

        Args:
            timeout_seconds: how long to wait; the job goes on afterwards. None: no limit.
            on_progress: called with every progress.
            on_preview: called with every preview.

        Raises:
            JobFailed: it ended FAILED.
            JobCancelled: it ended CANCELLED.
            DeadlineExceeded: it had not ended in time.
        """
        delivery = run(self._handle.wait(timeout_seconds, on_progress, on_preview))
        return Result(**delivery, fetch_float_picture=self._float_picture, fetch_file=self.download)

    def cancel(self, reason: str = "") -> JobInfo:
        """Cancels the job: at once if it waits, at the next boundary if it runs.

        Args:
            reason: why, for the record; at most 200 characters.
        """
        return run(self._handle.cancel(reason))

    def delete(self) -> None:
        """Deletes the terminal job with all that belongs to it.

        Raises:
            NotReady: it is not terminal; cancel it first.
        """
        run(self._handle.delete())

    def download(self, name: str) -> bytes:
        """Downloads a file of the result by its name: "0/picture.png", "0/picture.f32"."""
        return run(self._handle.download(name))

    def _float_picture(self, index: int) -> FloatPicture:
        return run(self._handle.float_picture(index))


@final
class AsyncJob(JobView):
    """A job, from `AsyncClient.submit`, `AsyncClient.job` or `AsyncClient.jobs`."""

    async def refresh(self) -> JobInfo:
        """Asks the server where the job stands."""
        return await self._handle.refresh()

    async def watch(self) -> AsyncIterator[Event]:
        """Yields what happens to the job until it is terminal; see `Job.watch`."""
        watch = self._handle.watch()
        try:
            while (event := await watch.read()) is not None:
                yield event
        finally:
            await watch.close()

    async def result(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
    ) -> AsyncResult:
        """Waits for the end and fetches the pictures; see `Job.result`."""
        delivery = await self._handle.wait(timeout_seconds, on_progress, on_preview)
        return AsyncResult(
            **delivery,
            fetch_float_picture=self._handle.float_picture,
            fetch_file=self._handle.download,
        )

    async def cancel(self, reason: str = "") -> JobInfo:
        """Cancels the job; see `Job.cancel`."""
        return await self._handle.cancel(reason)

    async def delete(self) -> None:
        """Deletes the terminal job with all that belongs to it; see `Job.delete`."""
        await self._handle.delete()

    async def download(self, name: str) -> bytes:
        """Downloads a file of the result; see `Job.download`."""
        return await self._handle.download(name)
