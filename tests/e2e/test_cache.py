"""Equal jobs through everything: one run, the same bytes, and nobody lost with a worker."""

from preimage import Client, Job, Origin, State
from preimage.embedded import Stack
from tests.worker import jobs
from tests.worker.process import metric, until

STEPS = 300
LONG = 1500
"""Steps that take longer than anything that a test does meanwhile."""
FILES = ("0/picture.png", "0/picture.f32")


def submitted(client: Client, seed: int, steps: int) -> Job:
    return client.submit(
        jobs.picture(seed), model="tiny", layer="features.3", seed=seed, steps=steps
    )


def lane_steps(stack: Stack) -> float:
    """Steps that the worker has taken in its life."""
    return metric(stack.announcements["worker-0"]["metrics"], "preimage_lane_steps_total")


def files_of(job: Job) -> list[bytes]:
    job.result(timeout_seconds=240)
    return [job.download(name) for name in FILES]


def runs(job: Job) -> None:
    """Waits until a job has taken some steps."""
    until(lambda: (progress := job.refresh().progress) is not None and progress.step > 0)
    assert job.state is State.RUNNING


def test_equal_jobs_are_one_run_and_have_the_same_bytes(stack: Stack, client: Client) -> None:
    client.invert(jobs.picture(), model="tiny", layer="features.3", steps=1)
    before = lane_steps(stack)
    first, second = submitted(client, 21, STEPS), submitted(client, 21, STEPS)
    expected = files_of(first)
    assert files_of(second) == expected
    later = submitted(client, 21, STEPS)
    assert later.state is State.SUCCEEDED
    assert later.result().cached
    assert files_of(later) == expected
    assert lane_steps(stack) - before == STEPS
    origins = [job.refresh().origin for job in (first, second, later)]
    assert origins == [None, Origin(first.id, cached=False), Origin(first.id, cached=True)]


def test_a_refreshed_job_runs_and_has_the_same_picture(stack: Stack, client: Client) -> None:
    settings = {"model": "tiny", "layer": "features.3", "seed": 22, "steps": STEPS}
    first = client.invert(jobs.picture(22), **settings)  # type: ignore[arg-type]  # settings by name
    before = lane_steps(stack)
    again = client.invert(jobs.picture(22), cache="refresh", **settings)  # type: ignore[arg-type]  # settings by name
    assert lane_steps(stack) - before == STEPS
    assert again.origin is None
    assert (again.pixels == first.pixels).all()


def test_a_cancelled_run_leaves_its_follower_with_a_result(client: Client) -> None:
    first, second = submitted(client, 23, LONG), submitted(client, 23, LONG)
    runs(second)
    first.cancel()
    result = second.result(timeout_seconds=240)
    assert (result.origin, result.steps) == (None, LONG)
    assert first.refresh().state is State.CANCELLED


def test_a_killed_worker_loses_neither_of_two_equal_jobs(stack: Stack, client: Client) -> None:
    first, second = submitted(client, 24, LONG), submitted(client, 24, LONG)
    runs(second)
    stack.kill("worker-0")
    until(stack.supervise)
    assert files_of(second) == files_of(first)
    assert second.refresh().origin == Origin(first.id, cached=False)
    assert first.refresh().attempt == second.info.attempt == 2
