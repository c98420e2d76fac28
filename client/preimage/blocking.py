"""The transport of `Client`: gRPC's synchronous stubs. Its coroutines block and never suspend."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, final

import grpc

from preimage.answering import Options, answer_of, answered
from preimage.apart import apart, check_that_threads_may_start
from preimage.errors import PreimageError
from preimage.tracing import begin_call, calling, carrying, end_call, peeked
from preimage.transport import Stubs, closed
from preimage_tracing import NO_SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from preimage.connection import Connection
    from preimage_tracing import Span

Q = TypeVar("Q")
A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


@final
class SyncTransport:
    """Calls that block. May be shared between threads."""

    def __init__(self, connection: Connection, sleep: Callable[[float], None] = time.sleep) -> None:
        self._connection = connection
        self._sleep = sleep
        self._closed = False
        options, credentials = connection.options, connection.credentials
        self._channel = (
            grpc.insecure_channel(connection.target, options)
            if credentials is None
            else grpc.secure_channel(connection.target, credentials, options)
        )
        self._stubs = Stubs(self._channel)

    @property
    def target(self) -> str:
        """Where the service is looked for."""
        return self._connection.target

    @property
    def stubs(self) -> Stubs:
        """The services."""
        if self._closed:
            raise closed(self.target)
        return self._stubs

    async def unary(
        self, call: grpc.UnaryUnaryMultiCallable[Q, A], request: Q, timeout_seconds: float
    ) -> A:
        """One request, one answer."""
        with calling(request, self.target) as span:
            options = Options(timeout_seconds, carrying(self._connection.metadata, span))
            return answer_of(call, request, options, self._connection)

    async def send(
        self,
        call: grpc.StreamUnaryMultiCallable[Q, A],
        requests: Iterable[Q],
        timeout_seconds: float,
    ) -> A:
        """Many requests, one answer."""
        first, everything = peeked(requests)
        with calling(first, self.target) as span:
            options = Options(timeout_seconds, carrying(self._connection.metadata, span))
            return answer_of(call, everything, options, self._connection)

    def stream(
        self, call: grpc.UnaryStreamMultiCallable[Q, A], request: Q, timeout_seconds: float | None
    ) -> SyncStream[A]:
        """One request, many answers."""

        def begin() -> Answers[A]:
            check_that_threads_may_start()
            return call(request, timeout=timeout_seconds, metadata=metadata)

        span = begin_call(request, self.target)
        try:
            metadata = carrying(self._connection.metadata, span)
            started = apart(begin)
        except BaseException as error:
            end_call(span, error)
            raise
        return SyncStream(started, self._connection, span)

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        self._sleep(seconds)

    async def close(self) -> None:
        """Ends every call and closes the channel."""
        self._closed = True
        apart(self._channel.close)


class Answers(Protocol[A_co]):
    """What gRPC's synchronous stubs return for a stream."""

    def __next__(self) -> A_co: ...

    def __iter__(self) -> Iterator[A_co]: ...

    def cancel(self) -> object:
        """Ends the call."""
        ...


@final
class SyncStream(Generic[A]):
    """Answers that are waited for."""

    def __init__(self, call: Answers[A], connection: Connection, span: Span) -> None:
        self._call: Answers[A] | None = call
        self._connection = connection
        self._span = span

    async def read(self) -> A | None:
        """Returns the next answer; None: there are no more, or it is closed."""
        try:
            return apart(self._next)
        except PreimageError as refusal:
            self._end(refusal)
            raise

    async def close(self) -> None:
        """Ends the call."""
        try:
            apart(self._let_go)
        finally:
            self._end()

    def _next(self) -> A | None:
        return answered(self._step, self._connection)

    def _step(self) -> A | None:
        return None if self._call is None else next(self._call, None)

    def _let_go(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None  # gRPC takes the call's lock once more when it is forgotten

    def _end(self, error: BaseException | None = None) -> None:
        end_call(self._span, error)
        self._span = NO_SPAN
