"""Clients of Redis that do what is asked once, and wait for a bounded time.

The client library would send every command up to ten times more by itself, also those that must not
be repeated; here it sends once, and `executors` repeats whole scripts, which recognise it.
"""

from pathlib import Path
from typing import Any, NotRequired, TypedDict
from urllib.parse import unquote, urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from preimage_queue.settings import QueueSettings

__all__ = ["connect", "connect_async"]


class _Options(TypedDict):
    max_connections: int
    timeout: float
    socket_timeout: float
    socket_connect_timeout: float
    health_check_interval: int
    legacy_responses: bool
    password: NotRequired[str]


def connect(settings: QueueSettings) -> redis.Redis:
    """Make a client for threads. Nothing is sent yet.

    Raises:
        ValueError: The URL has a scheme other than redis, rediss or unix, or a database that is no
            number; or the password cannot be read.
    """
    _check_database(settings.url)
    pool: Any = redis.BlockingConnectionPool
    return redis.Redis.from_pool(
        pool.from_url(settings.url, retry=Retry(NoBackoff(), 0), **_options(settings))
    )


def connect_async(settings: QueueSettings) -> redis.asyncio.Redis:
    """Make a client for one event loop. Nothing is sent yet.

    Raises:
        ValueError: The URL has a scheme other than redis, rediss or unix, or a database that is no
            number; or the password cannot be read.
    """
    _check_database(settings.url)
    pool: Any = redis.asyncio.BlockingConnectionPool
    return redis.asyncio.Redis.from_pool(
        pool.from_url(settings.url, retry=AsyncRetry(NoBackoff(), 0), **_options(settings))
    )


def _check_database(url: str) -> None:
    """See that the database is a number: the client library takes every other word for 0."""
    parts = urlsplit(url)
    name = unquote(parts.path).strip("/")
    if parts.scheme in {"redis", "rediss"} and name and not name.isdecimal():
        raise ValueError(f"its database is {name!r}: write a number, as in redis://HOST:6379/0")


def _options(settings: QueueSettings) -> _Options:
    options: _Options = {
        "max_connections": settings.connections,
        "timeout": settings.connection_wait_seconds,
        "socket_timeout": settings.socket_timeout_seconds,
        "socket_connect_timeout": settings.socket_timeout_seconds,
        "health_check_interval": 0,
        "legacy_responses": False,
    }
    if settings.password_file:
        options["password"] = _password(settings.password_file)
    return options


def _password(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"its password, from PREIMAGE_QUEUE_PASSWORD_FILE, cannot be read: {error}"
        ) from None
