"""Reading a job shows its newest progress, without reading the whole stream."""

from preimage_queue import Beat, HandBackMode, Queue
from tests.queue.helpers import put, succeed, take_one


def _newest(queue: Queue, job_id: str) -> bytes:
    detail = queue.get_job(job_id, "ada")
    assert detail is not None
    return detail.event


def test_the_newest_progress_is_shown_as_long_as_the_job_is_there(queue: Queue) -> None:
    job_id = put(queue)
    assert _newest(queue, job_id) == b""
    claimed = take_one(queue)
    for step in (10, 20):
        queue.beat("w1", [Beat(job_id, claimed.attempt, step, b"at %d" % step)])
        assert _newest(queue, job_id) == b"at %d" % step
    queue.beat("w1", [Beat(job_id, claimed.attempt, 30)])
    assert _newest(queue, job_id) == b"at 20"
    queue.finish(succeed(claimed))
    assert _newest(queue, job_id) == b"at 20"


def test_progress_of_an_earlier_attempt_is_shown_until_there_is_newer(queue: Queue) -> None:
    job_id = put(queue)
    claimed = take_one(queue)
    queue.beat("w1", [Beat(job_id, claimed.attempt, 10, b"first")])
    queue.hand_back([(job_id, claimed.attempt)], HandBackMode.SILENT)
    again = take_one(queue)
    assert _newest(queue, job_id) == b"first"
    queue.beat("w1", [Beat(job_id, again.attempt, 11, b"second")])
    assert _newest(queue, job_id) == b"second"
