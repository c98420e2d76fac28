"""The transport of `AsyncClient`: gRPC's asyncio stubs, in the event loop of the first call."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar, cast, final

import grpc
from grpc import aio

from preimage.tracing import begin_call, calling, carrying, end_call, peeked
from preimage.transport import Stubs, closed, translated
from preimage_tracing import NO_SPAN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from preimage.connection import Connection
    from preimage_tracing import Span

Q = TypeVar("Q")
A = TypeVar("A")


@final
class AsyncTransport:
    """Calls that are awaited.

    Stubs of an asyncio channel are told from the others by their type stubs only; the casts below
    say which ones these are.
    """

    def __init__(
        self,
        connection: Connection,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._sleep = sleep
        self._closed = False
        self._channel: aio.Channel | None = None
        self._stubs: Stubs | None = None

    @property
    def target(self) -> str:
        """Where the service is looked for."""
        return self._connection.target

    @property
    def stubs(self) -> Stubs:
        """The services. The channel is made here, because it belongs to the running loop."""
        if self._closed:
            raise closed(self.target)
        if self._stubs is None:
            self._channel = self._open()
            self._stubs = Stubs(self._channel)
        return self._stubs

    def _open(self) -> aio.Channel:
        target, options = self._connection.target, self._connection.options
        if self._connection.credentials is None:
            return aio.insecure_channel(target, options)
        return aio.secure_channel(target, self._connection.credentials, options)

    async def unary(
        self, call: grpc.UnaryUnaryMultiCallable[Q, A], request: Q, timeout_seconds: float
    ) -> A:
        """One request, one answer."""
        begin = cast("aio.UnaryUnaryMultiCallable[Q, A]", call)
        with calling(request, self.target) as span, self.translating():
            metadata = self._metadata(span)
            return await begin(request, timeout=timeout_seconds, metadata=metadata)

    async def send(
        self,
        call: grpc.StreamUnaryMultiCallable[Q, A],
        requests: Iterable[Q],
        timeout_seconds: float,
    ) -> A:
        """Many requests, one answer."""
        begin = cast("aio.StreamUnaryMultiCallable[Q, A]", call)
        first, everything = peeked(requests)
        with calling(first, self.target) as span, self.translating():
            metadata = self._metadata(span)
            return await begin(everything, timeout=timeout_seconds, metadata=metadata)

    def stream(
        self, call: grpc.UnaryStreamMultiCallable[Q, A], request: Q, timeout_seconds: float | None
    ) -> AsyncStream[Q, A]:
        """One request, many answers."""
        begin = cast("aio.UnaryStreamMultiCallable[Q, A]", call)
        span = begin_call(request, self.target)
        started = begin(request, timeout=timeout_seconds, metadata=self._metadata(span))
        return AsyncStream(started, self, span)

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._sleep(seconds)

    async def close(self) -> None:
        """Ends every call and closes the channel."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turns what gRPC raises inside the block into a `PreimageError`."""
        try:
            yield
        except aio.AioRpcError as error:
            raise translated(error, self._connection) from error
        except asyncio.CancelledError:
            # gRPC also says "cancelled" to calls that were under way when the channel was closed.
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise closed(self.target) from None
            raise

    def _metadata(self, span: Span) -> aio.Metadata:
        return aio.Metadata(*carrying(self._connection.metadata, span))


@final
class AsyncStream(Generic[Q, A]):
    """Answers that are awaited."""

    def __init__(
        self, call: aio.UnaryStreamCall[Q, A], transport: AsyncTransport, span: Span
    ) -> None:
        self._call = call
        self._transport = transport
        self._span = span

    async def read(self) -> A | None:
        """Returns the next answer; None: there are no more."""
        try:
            with self._transport.translating():
                answer = await self._call.read()
        except BaseException as error:
            self._end(error)
            raise
        return None if answer is aio.EOF else cast("A", answer)

    async def close(self) -> None:
        """Ends the call."""
        self._call.cancel()
        self._end()

    def _end(self, error: BaseException | None = None) -> None:
        end_call(self._span, error)
        self._span = NO_SPAN
