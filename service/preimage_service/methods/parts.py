"""The messages of a caller's stream, each awaited for a bounded time, and all of them together."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Generic, TypeVar, final

from google.protobuf.message import Message

from preimage_service.errors import WaitTimeoutError
from preimage_service.settings import Settings

T = TypeVar("T", bound=Message)
M = TypeVar("M", bound=Message)


@final
class Parts(Generic[T]):
    """The messages of an upload.

    Bytes that come earn time to wait for more, so that a trickle of small or empty messages does
    not hold an upload's memory for longer than silence would.
    """

    def __init__(self, requests: AsyncIterator[T], settings: Settings, advice: str) -> None:
        """`advice` is what a caller does who fell silent: "upload the tensor again"."""
        self._requests = aiter(requests)
        self._idle_seconds = settings.upload_idle_seconds
        self._least_bytes_per_second = settings.upload_least_bytes_per_second
        self._advice = advice
        self._patience_seconds = self._idle_seconds

    async def next(self) -> T | None:
        """The next message; None at the end.

        Raises:
            WaitTimeoutError: nothing came for too long, or too little.
        """
        begun = time.monotonic()
        try:
            async with asyncio.timeout(min(self._patience_seconds, self._idle_seconds)):
                part = await anext(self._requests, None)
        except TimeoutError:
            raise WaitTimeoutError(f"{self._fault()}: {self._advice}.") from None
        if part is not None:
            earned = part.ByteSize() / self._least_bytes_per_second
            self._patience_seconds += earned - (time.monotonic() - begun)
        return part

    def _fault(self) -> str:
        if self._patience_seconds >= self._idle_seconds:
            return f"Nothing came for {self._idle_seconds:g} s"
        return f"Less than {self._least_bytes_per_second} bytes a second came"


def detached(header: M, part: Message) -> M:
    """A copy of a header, to be kept while the stream goes on.

    A field keeps all of its message in memory, with fields that nobody knows, and no budget counts
    those.
    """
    part.DiscardUnknownFields()
    copy = type(header)()
    copy.CopyFrom(header)
    return copy
