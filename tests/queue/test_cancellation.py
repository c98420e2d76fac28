"""A cancelled task ends, also when Redis' answer comes in the same moment."""

import asyncio
from typing import Any

import pytest

from preimage_queue import AsyncQueue, QueueSettings


class LosingClient:
    """Loses a cancellation as asyncio.wait_for of Python 3.11 can: it answers instead."""

    async def evalsha(self, *_: object) -> list[Any]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return []
        raise AssertionError

    async def aclose(self) -> None:
        pass


async def test_a_cancellation_that_the_client_loses_is_raised_again() -> None:
    client: Any = LosingClient()
    async with AsyncQueue(QueueSettings(), client) as queue:
        task = asyncio.create_task(queue.list_models())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_time_limit_that_the_client_loses_still_holds() -> None:
    client: Any = LosingClient()
    async with AsyncQueue(QueueSettings(), client) as queue:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await queue.list_models()
