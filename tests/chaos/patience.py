"""Waiting for what must come, for a bounded time."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 120.0


async def until(
    holds: Callable[[], object], check: Callable[[], None] | None = None, what: str = "it"
) -> None:
    """Wait until something holds; `check` raises when waiting has become pointless."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if check:
            check()
        if time.monotonic() > limit:
            raise TimeoutError(f"{what} did not happen within {PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(0.02)
