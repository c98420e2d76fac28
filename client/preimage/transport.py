"""The edge at which the SDK awaits or blocks, as an interface written for coroutines.

`preimage.blocking` implements it with gRPC's synchronous stubs and never suspends;
`preimage.awaiting` implements it with gRPC's asyncio stubs. Wrapping the latter for plain Python
instead would break programs that have event loops in several threads (grpc#25364).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, final

from preimage.errors import PreimageError
from preimage.status import Failure, error_of
from preimage.v1 import (
    audit_service_pb2_grpc,
    model_service_pb2_grpc,
    preimage_service_pb2_grpc,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import grpc
    from grpc import aio

    from preimage.connection import Connection

Q = TypeVar("Q")
A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Stream(Protocol[A_co]):
    """Answers of the server, one after the other."""

    async def read(self) -> A_co | None:
        """Returns the next answer; None: there are no more."""
        ...

    async def close(self) -> None:
        """Ends the call."""
        ...


@final
class Stubs:
    """The services over one channel, of either kind."""

    def __init__(self, channel: grpc.Channel | aio.Channel) -> None:
        either = cast("grpc.Channel", channel)
        self.preimages = preimage_service_pb2_grpc.PreimageServiceStub(either)
        self.models = model_service_pb2_grpc.ModelServiceStub(either)
        self.audits = audit_service_pb2_grpc.AuditServiceStub(either)


class Transport(Protocol):
    """Calls of the service; each raises `PreimageError` when it fails."""

    @property
    def target(self) -> str:
        """Where the service is looked for."""
        ...

    @property
    def stubs(self) -> Stubs:
        """The services."""
        ...

    async def unary(
        self, call: grpc.UnaryUnaryMultiCallable[Q, A], request: Q, timeout_seconds: float
    ) -> A:
        """One request, one answer."""
        ...

    async def send(
        self,
        call: grpc.StreamUnaryMultiCallable[Q, A],
        requests: Iterable[Q],
        timeout_seconds: float,
    ) -> A:
        """Many requests, one answer."""
        ...

    def stream(
        self, call: grpc.UnaryStreamMultiCallable[Q, A], request: Q, timeout_seconds: float | None
    ) -> Stream[A]:
        """One request, many answers; None: without a time limit."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...

    async def close(self) -> None:
        """Ends every call and closes the channel."""
        ...


def translated(error: grpc.RpcError, connection: Connection) -> PreimageError:
    """Translates what gRPC raises, from stubs of either kind."""
    # Both kinds of RpcError answer these three; their common base class promises none of them.
    call = cast("grpc.Call", error)
    trailers: Any = call.trailing_metadata() or ()
    failure = Failure(call.code(), call.details() or "", tuple(trailers), connection.secure)
    return error_of(failure, connection.target)


def closed(target: str) -> PreimageError:
    """Says that a client was used after its end."""
    return PreimageError(
        f"The client of {target} is closed. Use its jobs and results (above all float_picture) "
        "inside its `with` block."
    )
