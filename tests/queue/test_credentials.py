"""Wrong credentials are told from a Redis that is away, whichever way leads there."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from preimage_queue import AsyncQueue, Queue, QueueRefusedError, QueueSettings
from tests.queue.helpers import put
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


@pytest.fixture
def ada(raw: redis.Redis, redis_server: RedisServer) -> str:
    """The URL of a user whose password it leaves out."""
    raw.execute_command("ACL", "SETUSER", "ada", "on", ">f00d", "~*", "&*", "+@all")
    return f"unix://ada@{redis_server.socket}"


def test_the_password_may_stand_in_a_file(ada: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("f00d\n")
    with Queue(QueueSettings(url=ada, password_file=str(file))) as queue:
        put(queue)
        assert queue.stats().queued == 1
    file.write_text("beef")
    with (
        Queue(QueueSettings(url=ada, password_file=str(file))) as queue,
        pytest.raises(QueueRefusedError),
    ):
        queue.stats()


@pytest.mark.parametrize("connect", [Queue, AsyncQueue])
def test_a_password_that_cannot_be_read_is_named_by_its_file(
    connect: Callable[[QueueSettings], object], tmp_path: Path
) -> None:
    settings = QueueSettings(password_file=str(tmp_path / "nowhere"))
    with pytest.raises(
        ValueError, match=r"password, from PREIMAGE_QUEUE_PASSWORD_FILE, cannot be read.*nowhere"
    ):
        connect(settings)


def test_a_redis_that_wants_a_password_says_where_to_write_it(
    raw: redis.Redis, redis_server: RedisServer
) -> None:
    raw.execute_command("CONFIG", "SET", "requirepass", "f00d")
    try:
        with (
            Queue(QueueSettings(url=f"unix://{redis_server.socket}")) as queue,
            pytest.raises(QueueRefusedError, match="PREIMAGE_QUEUE_PASSWORD_FILE"),
        ):
            queue.stats()
    finally:
        raw.execute_command("CONFIG", "SET", "requirepass", "")
