"""A bound on the memory that uploads hold, all of them together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from preimage_service.errors import QueueBytesFullError
from preimage_service.metrics import Meters

_RETRY_SECONDS = 2.0


@final
class ByteBudget:
    """Bytes that are promised to uploads before they send them. For one event loop."""

    def __init__(self, limit_bytes: int, meters: Meters) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._meters = meters

    @contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Hold a part of the budget.

        Raises:
            QueueBytesFullError: other uploads hold too much now.
        """
        if self._held_bytes + size_bytes > self._limit_bytes:
            raise QueueBytesFullError(
                f"Uploads in progress hold {self._held_bytes} of {self._limit_bytes} bytes; one of"
                f" {size_bytes} bytes does not fit now: try again in a moment.",
                "uploads",
                _RETRY_SECONDS,
            )
        self._change(size_bytes)
        try:
            yield
        finally:
            self._change(-size_bytes)

    def _change(self, by_bytes: int) -> None:
        self._held_bytes += by_bytes
        self._meters.upload_bytes.set(self._held_bytes)
