"""The messages of a caller's stream, each awaited for a bounded time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar, final

from google.protobuf.message import Message

from preimage_service.errors import WaitTimeoutError

T = TypeVar("T")
M = TypeVar("M", bound=Message)


@final
class Parts(Generic[T]):
    """The messages of an upload."""

    def __init__(self, requests: AsyncIterator[T], idle_seconds: float, advice: str) -> None:
        """`advice` is what a caller does who fell silent: "upload the tensor again"."""
        self._requests = aiter(requests)
        self._idle_seconds = idle_seconds
        self._advice = advice

    async def next(self) -> T | None:
        """The next message; None at the end.

        Raises:
            WaitTimeoutError: nothing came for too long.
        """
        try:
            async with asyncio.timeout(self._idle_seconds):
                return await anext(self._requests, None)
        except TimeoutError:
            sentence = f"Nothing came for {self._idle_seconds:g} s: {self._advice}."
            raise WaitTimeoutError(sentence) from None


def detached(header: M, part: Message) -> M:
    """A copy of a header, to be kept while the stream goes on.

    A field keeps all of its message in memory, with fields that nobody knows, and no budget counts
    those.
    """
    part.DiscardUnknownFields()
    copy = type(header)()
    copy.CopyFrom(header)
    return copy
