"""Wrong credentials are told from a Redis that is away, whichever way leads there."""

import asyncio

import pytest

from preimage_queue import AsyncQueue, Queue, QueueRefusedError, QueueSettings
from tests.redis_server import RedisServer


def _wrong(server: RedisServer) -> QueueSettings:
    return QueueSettings(url=f"unix://nobody@{server.socket}?password=wrong")


def test_wrong_credentials_are_refused_in_threads(redis_server: RedisServer) -> None:
    with Queue(_wrong(redis_server)) as queue, pytest.raises(QueueRefusedError):
        queue.stats()


async def test_wrong_credentials_are_refused_in_asyncio(redis_server: RedisServer) -> None:
    async with AsyncQueue(_wrong(redis_server)) as queue, asyncio.timeout(60):
        with pytest.raises(QueueRefusedError):
            await queue.stats()
