"""Fixtures for all tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
import redis
from playwright.async_api import Browser

from tests.browser import chromium
from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for the whole session, without persistence. Use `redis_url` for an empty one."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Where an empty Redis is. Everything in it belongs to the test."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium for one test; skips without one, and fails in CI."""
    async with chromium() as found:
        yield found
