"""What happens when Redis is away, full, restarted, or does not want us."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from preimage_queue import (
    Beat,
    BeatVerdict,
    FinishVerdict,
    HandBackMode,
    HandBackVerdict,
    Queue,
    QueueBrokenError,
    QueueError,
    QueueFullError,
    QueueRefusedError,
    QueueSettings,
    QueueUnavailableError,
    State,
    WriteVerdict,
)
from preimage_queue.failures import translated, worth_repeating
from preimage_queue.lua import Script
from tests.queue.helpers import a_job, ids, names, put, quick, state_of, succeed, take, take_one
from tests.redis_server import RedisServer


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may stop, fill or reconfigure."""
    with RedisServer(append_only=True) as server:
        yield server


def test_a_redis_that_is_away_is_unavailable_after_a_bounded_number_of_tries() -> None:
    with (
        Queue(quick("unix:///nowhere/at/all")) as queue,
        pytest.raises(QueueUnavailableError, match="cannot be reached") as caught,
    ):
        queue.stats()
    assert caught.value.status == "UNAVAILABLE"
    assert isinstance(caught.value, QueueError)


def test_an_error_of_the_client_library_ends_with_one_mark() -> None:
    away = RedisConnectionError("Error 111 connecting to 127.0.0.1:1. Connect call failed.")
    assert str(translated(away)).endswith("Connect call failed).")


def test_a_redis_that_does_not_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        impatient = quick(url, socket_timeout_seconds=0.05, tries=2)
        with Queue(impatient) as queue, pytest.raises(QueueUnavailableError, match="in time"):
            queue.stats()


def test_each_operation_is_sent_as_often_as_the_settings_say() -> None:
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connections.append(connection)
                connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        with Queue(quick(url, tries=3)) as queue, pytest.raises(QueueUnavailableError):
            queue.stats()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(connections) == 3, "the client library sends nothing again by itself"


def test_a_restarted_redis_gets_the_scripts_again_by_itself(own_server: RedisServer) -> None:
    with Queue(quick(own_server.url)) as queue:
        before = put(queue)
        own_server.restart()
        after = put(queue)
        assert ids(take(queue)) == [before, after]


def test_scripts_that_were_flushed_are_sent_again(queue: Queue, raw: redis.Redis) -> None:
    put(queue)
    raw.script_flush()
    assert len(take(queue)) == 1


def fill(server: RedisServer) -> redis.Redis:
    client = redis.Redis.from_url(server.url)
    client.config_set("maxmemory", 1)
    return client


def test_a_full_redis_takes_no_job_no_blob_and_no_checkpoint(own_server: RedisServer) -> None:
    with Queue(quick(own_server.url)) as queue:
        put(queue)
        job = take_one(queue)
        with fill(own_server) as client:
            before = sorted(names(client))
            for refused in (
                lambda: queue.submit(a_job()),
                lambda: queue.put_blob("ada", b"picture"),
                lambda: queue.put_checkpoint(job.id, job.attempt, 1, b"state"),
            ):
                with pytest.raises(QueueFullError, match="memory limit") as caught:
                    refused()
                assert caught.value.status == "RESOURCE_EXHAUSTED"
            assert sorted(names(client)) == before, "nothing was half written"


def test_in_a_full_redis_jobs_still_run_to_their_end(own_server: RedisServer) -> None:
    with Queue(quick(own_server.url)) as queue:
        for _ in range(6):
            put(queue)
        queued = put(queue)
        with fill(own_server):
            done, failed, back = take(queue, 3)
            (reply,) = queue.beat("w1", [Beat(done.id, done.attempt, 5, b"halfway")])
            assert reply.verdict is BeatVerdict.OK
            stored = queue.put_output(done.id, done.attempt, "x.png", b"png")
            assert stored is WriteVerdict.STORED
            reply_to_end = queue.finish(succeed(done, outputs=("x.png",)))
            assert reply_to_end.verdict is FinishVerdict.ACCEPTED
            marks = [(failed.id, failed.attempt)]
            assert queue.hand_back(marks, HandBackMode.FATAL) == (HandBackVerdict.DEAD,)
            marks = [(back.id, back.attempt)]
            assert queue.hand_back(marks, HandBackMode.FAIL) == (HandBackVerdict.REQUEUED,)
            queue.cancel(queued, "ada", "full")
            assert state_of(queue, queued) is State.CANCELLED
            queue.delete(queued, "ada")
            assert queue.reap().count == 0


def test_a_replica_takes_no_writes(own_server: RedisServer) -> None:
    with redis.Redis.from_url(own_server.url) as client:
        client.replicaof("127.0.0.1", "1")
        with Queue(quick(own_server.url)) as queue, pytest.raises(QueueUnavailableError):
            queue.submit(a_job())


def test_credentials_and_permissions_that_are_missing_are_refused(own_server: RedisServer) -> None:
    with redis.Redis.from_url(own_server.url) as client:
        client.execute_command(
            "ACL", "SETUSER", "worker", "on", ">secret", "~{preimage}*", "+@all", "-@dangerous",
            "+info",
        )  # fmt: skip
        client.execute_command("ACL", "SETUSER", "guest", "on", ">secret", "~{preimage}*", "+ping")
        client.execute_command("ACL", "SETUSER", "default", "off")
    base = f"unix://{{}}@{own_server.socket}"
    with Queue(quick(base.format("worker:secret"))) as queue:
        job_id = put(queue)
        assert ids(take(queue)) == [job_id]
        assert queue.persistence().problems == ()
        queue.stats()
    for user in ("worker:wrong", "guest:secret"):
        with Queue(quick(base.format(user))) as queue, pytest.raises(QueueRefusedError):
            queue.stats()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", QueueFullError),
        ("Error running script (call to f_1): @user_script:9: -OOM command", QueueFullError),
        ("MISCONF Redis is configured to save RDB snapshots", QueueUnavailableError),
        ("READONLY You can't write against a read only replica.", QueueUnavailableError),
        ("BUSY Redis is busy running a script.", QueueUnavailableError),
        ("NOPERM this user has no permissions", QueueRefusedError),
        ("ERR unknown command", QueueBrokenError),
    ],
)
def test_what_redis_says_inside_a_script_is_understood(text: str, kind: type[QueueError]) -> None:
    error = translated(ResponseError(text))
    assert type(error) is kind
    assert f"({text.rstrip('.')})." in str(error)


def test_only_what_may_pass_by_itself_is_worth_repeating() -> None:
    assert worth_repeating(BusyLoadingError("loading"))
    assert worth_repeating(RedisTimeoutError("late"))
    assert not worth_repeating(AuthenticationError("wrong password"))
    assert not worth_repeating(ResponseError("OOM"))


def test_a_script_that_redis_cannot_run_is_a_bug_of_ours(queue: Queue) -> None:
    queue._scripts = {**queue._scripts, "stats": Script.of("return redis.call('NONSENSE')")}
    with pytest.raises(QueueBrokenError, match="refused a script"):
        queue.stats()


def test_a_password_is_not_shown_with_the_settings() -> None:
    settings = QueueSettings(url="redis://worker:secret@localhost:6379/0")
    assert "secret" not in repr(settings)


def test_more_callers_than_connections_wait_for_their_turn(settings: QueueSettings) -> None:
    with Queue(replace(settings, connections=2)) as queue:
        threads = [threading.Thread(target=put, args=(queue,)) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert queue.stats().queued == 24


def test_a_redis_that_may_lose_jobs_is_told_so_in_a_sentence_each() -> None:
    with (
        RedisServer("--maxmemory-policy", "allkeys-lru") as server,
        Queue(quick(server.url)) as queue,
    ):
        persistence = queue.persistence()
    assert not persistence.append_only
    assert persistence.policy == "allkeys-lru"
    assert len(persistence.problems) == 2
    assert all(problem.endswith(".") for problem in persistence.problems)
