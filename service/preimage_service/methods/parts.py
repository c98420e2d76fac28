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

    A caller may be silent for so long, and slow for so long: bytes that come earn back what was
    waited for them. Else messages that are empty or tiny would hold an upload's memory for ever.
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
            async with asyncio.timeout(self._patience_seconds):
                part = await anext(self._requests, None)
        except TimeoutError:
            raise WaitTimeoutError(f"{self._fault()}: {self._advice}.") from None
        if part is not None:
            earned = part.ByteSize() / self._least_bytes_per_second
            left = self._patience_seconds + earned - (time.monotonic() - begun)
            self._patience_seconds = min(left, self._idle_seconds)
        return part

    def _fault(self) -> str:
        """What used up the patience: silence, if most of it was left."""
        if self._patience_seconds > self._idle_seconds / 2:
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
