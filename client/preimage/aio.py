"""The client for asyncio: the surface of `Client`, awaited.

It uses gRPC's asyncio stubs, and belongs to the event loop in which it was first used. What happens
in a call stands once, in `preimage.core`, for this client and for `Client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, Unpack, final

from preimage.audits.clients import AsyncAuditing
from preimage.awaiting import AsyncTransport
from preimage.connection import Connection
from preimage.core import Core
from preimage.inverting import invert_async
from preimage.jobs import AsyncJob
from preimage.many import invert_many_async
from preimage.settings import make_request, raised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from preimage.enums import State
    from preimage.events import Preview, Progress
    from preimage.features import Features
    from preimage.jobinfo import JobInfo
    from preimage.models import ModelInfo
    from preimage.parts import Unit
    from preimage.pictures import PictureSource
    from preimage.request import Request, Settings, Task
    from preimage.results import AsyncResult
    from preimage.settled import Settled
    from preimage.sources import Source


@final
class AsyncClient(AsyncAuditing):
    """A connection to the service, for asyncio.

        async with preimage.AsyncClient("127.0.0.1:8790") as client:
            result = await client.invert(picture, model="squeezenet1_0", layer="features.5")

    Arguments, results and errors are those of `Client`.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        token: str | None = None,
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        timeout_seconds: float = 60.0,
    ) -> None:
        """Opens no connection yet; the first call does. Arguments as for `Client`."""
        connection = Connection.resolve(
            target=target, token=token, ca=ca, certificate=certificate, key=key
        )
        self._core = Core(AsyncTransport(connection), timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection. Jobs go on."""
        await self._core.close()

    async def invert(
        self,
        source: Source,
        *,
        model: str,
        layer: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> AsyncResult:
        """Finds a picture whose code is that of `source`, and waits for it; see `Client.invert`.

        When the task is cancelled, so is the job.
        """
        request = make_request(source, model, layer, request_id, **settings)
        return await invert_async(self._core, request, on_progress, on_preview)

    async def maximise(
        self,
        *,
        model: str,
        layer: str,
        unit: int | Unit | None = None,
        direction: Source | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> AsyncResult:
        """Finds a picture to which a unit answers strongly, and waits; see `Client.maximise`."""
        source = raised(unit, direction)
        request = make_request(source, model, layer, request_id, "maximise", **settings)
        return await invert_async(self._core, request, on_progress, on_preview)

    async def caricature(
        self,
        picture: PictureSource,
        *,
        model: str,
        layer: str,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> AsyncResult:
        """Exaggerates what a layer sees in a picture; see `Client.caricature`."""
        request = make_request(picture, model, layer, request_id, "caricature", **settings)
        return await invert_async(self._core, request, on_progress, on_preview)

    async def submit(
        self,
        source: Source,
        *,
        model: str,
        layer: str | None = None,
        task: Task = "invert",
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> AsyncJob:
        """Hands in a job and returns as soon as it is accepted; see `Client.submit`."""
        request = make_request(source, model, layer, request_id, task, **settings)
        return AsyncJob(await self._core.submit(request))

    def submit_many(
        self, requests: Iterable[Request], *, in_flight: int = 32
    ) -> AsyncIterator[Settled[AsyncResult]]:
        """Inverts many and yields them as they finish, in any order; see `Client.submit_many`.

        Who leaves the loop early closes the iterator (`contextlib.aclosing`), so that those in
        flight are cancelled at once.
        """
        return invert_many_async(self._core, requests, in_flight)

    async def job(self, job_id: str) -> AsyncJob:
        """Takes up a job by the server's name for it; see `Client.job`."""
        return AsyncJob(await self._core.job(job_id))

    async def cancel(self, job_id: str, reason: str = "") -> JobInfo:
        """Cancels a job by the server's name for it; see `Client.cancel`."""
        return await self._core.named(job_id).cancel(reason)

    async def delete(self, job_id: str) -> None:
        """Deletes a terminal job with all that belongs to it; see `Client.delete`."""
        await self._core.named(job_id).delete()

    async def jobs(
        self,
        *,
        state: State | str | None = None,
        model: str | None = None,
        layer: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[AsyncJob]:
        """Yields the caller's jobs, newest first; see `Client.jobs`."""
        pages = self._core.pages(state, model, layer, limit)
        while (page := await pages.read()) is not None:
            for handle in page:
                yield AsyncJob(handle)

    async def models(self) -> tuple[ModelInfo, ...]:
        """Returns the models by name, without their layers."""
        return await self._core.models()

    async def model(self, name: str) -> ModelInfo:
        """Returns one model with its layers; see `Client.model`."""
        return await self._core.model(name)

    async def extract_features(
        self,
        picture: PictureSource,
        model: str,
        layer: str,
        *,
        input_size: tuple[int, int] | None = None,
    ) -> Features:
        """Computes the code of a picture on the service; see `Client.extract_features`."""
        return await self._core.extract_features(picture, model, layer, input_size)
