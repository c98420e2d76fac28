"""What gRPC's synchronous stubs answer, or raise, in the SDK's own words.

What they raise is the call itself, which takes its lock once more when it is forgotten. That is to
happen on the thread that made the call (see `preimage.apart`), and not at some collection: so it
may not know frames that know it, nor may what is raised in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar, final

import grpc

from preimage.apart import apart
from preimage.transport import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.connection import Connection

Q = TypeVar("Q")
Q_contra = TypeVar("Q_contra", contravariant=True)
A = TypeVar("A")


class Options(NamedTuple):
    """What is the same of calls of either kind."""

    timeout_seconds: float
    metadata: tuple[tuple[str, str], ...]


class Method(Protocol[Q_contra, A]):
    """What gRPC's synchronous stubs have for a call with one answer."""

    def __call__(
        self,
        request: Q_contra,
        /,
        timeout: float | None = None,
        metadata: tuple[tuple[str, str], ...] | None = None,
    ) -> A:
        """Makes it."""
        ...

    def future(
        self,
        request: Q_contra,
        /,
        timeout: float | None = None,
        metadata: tuple[tuple[str, str], ...] | None = None,
    ) -> grpc.Future[A]:
        """Begins it, on threads of gRPC's."""
        ...


def answer_of(call: Method[Q, A], request: Q, options: Options, connection: Connection) -> A:
    """Makes a call with one answer, which is cancelled when nobody waits any more.

    Raises:
        PreimageError: it failed.
    """
    begun = _Begun(lambda: call.future(request, *options), connection)
    return apart(
        begun.answer,
        begun.give_up,
        directly=lambda: answered(lambda: call(request, *options), connection),
    )


@final
class _Begun(Generic[A]):
    """A call with one answer. One thread waits for it; another may give it up at any moment."""

    def __init__(self, begin: Callable[[], grpc.Future[A]], connection: Connection) -> None:
        self._begin = begin
        self._connection = connection
        self._future: grpc.Future[A] | None = None
        self._is_given_up = False

    def answer(self) -> A:
        self._future = self._begin()
        if self._is_given_up:
            self._future.cancel()
        try:
            return answered(self._result, self._connection)
        finally:
            self._future = None  # forgotten here, like a stream's

    def _result(self) -> A:
        assert self._future is not None
        return self._future.result()

    def give_up(self) -> None:
        self._is_given_up = True
        if (future := self._future) is not None:
            future.cancel()


def answered(wait: Callable[[], A], connection: Connection) -> A:
    """What somebody waits for.

    Raises:
        PreimageError: the call failed.
    """
    try:
        return wait()
    except grpc.RpcError as error:
        refusals = [translated(error, connection)]
        error.__traceback__ = None
    raise refusals.pop()  # not in the handler, and no frame has a name for it
