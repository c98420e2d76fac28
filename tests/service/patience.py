"""Waiting in tests for what must come, however slow the machine is."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 120.0


async def eventually(look: Callable[[], Any]) -> Any:  # noqa: ANN401  what was seen
    """What `look` sees, as soon as it sees something; it may be a coroutine function."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            seen = look()
            seen = await seen if inspect.isawaitable(seen) else seen
            if seen:
                return seen
            await asyncio.sleep(0.02)
