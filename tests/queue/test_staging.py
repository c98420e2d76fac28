"""Bytes come ahead of the script that takes them, and are never left behind."""

from typing import Any

import pytest
import redis

from preimage_queue import BlobRef, Queue, QueueSettings, QueueUnavailableError, Rejected
from preimage_queue.connections import connect
from tests.queue.helpers import names, put, quick, stored, succeed, take_one

STAGED = "{preimage}:stage:*"


class Forgetful:
    """A client whose Redis forgets staged bytes so often, as one that restarts."""

    def __init__(self, client: redis.Redis, times: int) -> None:
        self._client, self._left = client, times

    def set(self, *arguments: Any, **options: Any) -> object:
        self._left -= 1
        return None if self._left >= 0 else self._client.set(*arguments, **options)

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


def test_what_is_taken_is_where_it_belongs_and_nothing_stays_staged(
    queue: Queue, raw: redis.Redis
) -> None:
    digest = stored(queue, b"code")
    assert queue.read_blob("ada", digest) == b"code"
    put(queue)
    claimed = take_one(queue)
    queue.put_checkpoint(claimed.id, claimed.attempt, 10, b"state")
    assert queue.read_checkpoint(claimed.id, claimed.attempt) == (10, b"state")
    assert raw.ttl(f"{{preimage}}:checkpoint:{claimed.id}") == -1
    assert names(raw, STAGED) == []


def test_what_is_refused_or_known_is_dropped(settings: QueueSettings, raw: redis.Redis) -> None:
    with Queue(quick(settings.url, max_queued_bytes=10)) as queue:
        assert isinstance(queue.put_blob("ada", bytes(11)), Rejected)
    with Queue(settings) as queue:
        digest = stored(queue, b"code")
        put(queue, blobs=(digest,))
        assert isinstance(queue.put_blob("ada", b"code"), BlobRef)
        claimed = take_one(queue)
        queue.finish(succeed(claimed))
        queue.put_checkpoint(claimed.id, claimed.attempt, 10, b"late")
    assert names(raw, STAGED) == []


def test_bytes_that_redis_forgot_are_sent_again(redis_url: str) -> None:
    settings = quick(redis_url)
    with Queue(settings, Forgetful(connect(settings), times=2)) as queue:  # type: ignore[arg-type]
        digest = stored(queue, b"code")
        assert queue.read_blob("ada", digest) == b"code"


def test_a_redis_that_forgets_for_ever_is_an_outage(redis_url: str) -> None:
    settings = quick(redis_url)
    client: Any = Forgetful(connect(settings), times=10**6)
    with Queue(settings, client) as queue, pytest.raises(QueueUnavailableError, match="restarted"):
        queue.put_blob("ada", b"code")


def test_staged_bytes_go_by_themselves_where_their_script_never_comes(
    queue: Queue, raw: redis.Redis
) -> None:
    class CutError(Exception):
        """The producer dies between the two."""

    def die(*_: object) -> None:
        raise CutError

    client: Any = queue._client
    client.evalsha = die
    with pytest.raises(CutError):
        queue.put_blob("ada", b"code")
    (left,) = names(raw, STAGED)
    assert 0 < raw.ttl(left) <= 60
