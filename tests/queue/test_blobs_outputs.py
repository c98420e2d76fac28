import hashlib
from dataclasses import replace

import pytest
import redis

from preimage_queue import (
    BlobRef,
    FinishReply,
    FinishVerdict,
    HandBackMode,
    OutputChunk,
    Queue,
    QueueSettings,
    Rejected,
    RejectReason,
    WriteVerdict,
)
from tests.queue.helpers import Clock, names, put, stored, succeed, take_one

PICTURE = bytes(range(256)) * 4


def test_a_blob_has_the_name_of_its_content(queue: Queue) -> None:
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert queue.put_blob("ada", PICTURE) == BlobRef(digest, 1024)
    assert queue.read_blob("ada", digest) == PICTURE
    assert queue.read_blob("bob", digest) is None


def test_an_empty_blob_is_a_blob(queue: Queue) -> None:
    ref = queue.put_blob("ada", b"")
    assert isinstance(ref, BlobRef)
    put(queue, blobs=(ref.digest,))
    assert queue.read_blob("ada", ref.digest) == b""


def test_a_blob_stored_twice_counts_once(queue: Queue) -> None:
    queue.put_blob("ada", PICTURE)
    queue.put_blob("ada", PICTURE)
    assert queue.stats().queued_bytes == 1024


def test_uploads_have_a_limit_that_counts_waiting_jobs_too(settings: QueueSettings) -> None:
    with Queue(replace(settings, max_queued_bytes=2000)) as queue:
        put(queue, spec=bytes(1000))
        reply = queue.put_blob("ada", bytes(1001))
        assert isinstance(reply, Rejected)
        assert (reply.reason, reply.limit) == (RejectReason.QUEUED_BYTES, 2000)
        assert isinstance(queue.put_blob("ada", bytes(1000)), BlobRef)


def test_an_upload_that_nobody_uses_expires_and_stops_counting(
    queue: Queue, clock: Clock, raw: redis.Redis
) -> None:
    digest = stored(queue, PICTURE)
    assert 0 < raw.pttl(f"{{preimage}}:blob:ada:{digest}") <= 3600_000
    clock.pass_seconds(3601)
    queue.reap()
    assert queue.stats().queued_bytes == 0
    assert raw.zcard("{preimage}:uploads") == 0


def test_an_output_can_be_read_in_pieces_once_the_job_has_ended(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    assert queue.put_output(job.id, job.attempt, "x.png", PICTURE) is WriteVerdict.STORED
    assert queue.put_output(job.id, job.attempt, "0/y.png", b"y") is WriteVerdict.STORED
    assert queue.read_output(job.id, "ada", "x.png") is None, "not named by an end yet"
    queue.finish(succeed(job, outputs=("x.png", "0/y.png")))
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert detail.job.outputs == ("x.png", "0/y.png")
    assert queue.read_output(job.id, "ada", "0/y.png") == OutputChunk(b"y", 1)
    assert queue.read_output(job.id, "ada", "x.png") == OutputChunk(PICTURE, 1024)
    piece = queue.read_output(job.id, "ada", "x.png", offset=250, length=10)
    assert piece == OutputChunk(PICTURE[250:260], 1024)
    assert queue.read_output(job.id, "ada", "x.png", offset=5000) == OutputChunk(b"", 1024)
    assert queue.read_output(job.id, "ada", "x.png", length=0) == OutputChunk(b"", 1024)
    assert queue.read_output(job.id, "ada", "y.png") is None
    assert queue.read_output(job.id, "bob", "x.png") is None


def test_an_output_that_was_not_stored_holds_up_the_end(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    reply = queue.finish(succeed(job, outputs=("x.png",)))
    assert reply == FinishReply(FinishVerdict.MISSING_OUTPUT, "x.png")
    queue.put_output(job.id, job.attempt, "x.png", b"png")
    assert queue.finish(succeed(job, outputs=("x.png",))).verdict is FinishVerdict.ACCEPTED


def test_outputs_of_an_attempt_that_lost_the_job_are_never_shown(queue: Queue) -> None:
    put(queue)
    old = take_one(queue)
    queue.put_output(old.id, old.attempt, "x.png", b"old")
    queue.hand_back([(old.id, old.attempt)], HandBackMode.SILENT)
    assert queue.put_output(old.id, old.attempt, "x.png", b"late") is WriteVerdict.STALE
    new = take_one(queue)
    queue.put_output(new.id, new.attempt, "x.png", b"new")
    queue.finish(succeed(new, outputs=("x.png",)))
    assert queue.read_output(new.id, "ada", "x.png") == OutputChunk(b"new", 3)


def test_outputs_that_the_end_does_not_name_are_dropped(queue: Queue, raw: redis.Redis) -> None:
    put(queue)
    job = take_one(queue)
    for name in ("kept", "dropped"):
        queue.put_output(job.id, job.attempt, name, b"data")
    queue.finish(succeed(job, outputs=("kept",)))
    assert [name.rsplit(":", 1)[1] for name in names(raw, "{preimage}:output:*")] == ["kept"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "x" * 129])
def test_an_outputs_name_is_a_plain_word(queue: Queue, name: str) -> None:
    with pytest.raises(ValueError, match="output's name"):
        queue.put_output("0" * 32, 1, name, b"")


def test_only_the_newest_checkpoint_is_kept_and_the_next_attempt_finds_it(
    queue: Queue, clock: Clock
) -> None:
    put(queue)
    first = take_one(queue)
    assert queue.read_checkpoint(first.id, first.attempt) is None
    for step in (100, 200):
        verdict = queue.put_checkpoint(first.id, first.attempt, step, b"state at %d" % step)
        assert verdict is WriteVerdict.STORED
    clock.pass_seconds(21)
    queue.reap()
    second = take_one(queue, worker="w2")
    assert second.checkpoint_step == 200
    assert queue.read_checkpoint(second.id, second.attempt) == (200, b"state at 200")
    assert queue.put_checkpoint(first.id, first.attempt, 300, b"late") is WriteVerdict.STALE
    assert queue.read_checkpoint(first.id, first.attempt) is None, "it has lost the job"
    queue.finish(succeed(second))
    assert queue._client.exists(f"{{preimage}}:checkpoint:{first.id}") == 0
