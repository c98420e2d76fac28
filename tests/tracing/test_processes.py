"""A whole stack that sends its spans and writes its log as JSON: jobs that end in every way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preimage import Client, Job, JobFailed, State
from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack
from tests.tracing.collector import Collector
from tests.tracing.recorded import Recorded, named, way_up
from tests.worker import jobs
from tests.worker.process import until

LONG = 3000
"""Steps that take longer than anything that a test does meanwhile."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def stack(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    variables = {"PREIMAGE_LOG_FORMAT": "json", **collector.variables}
    with tiny_stack(folder, **variables) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.target) as connected:
        yield connected


def submitted(client: Client, seed: int, steps: int, **settings: Any) -> Job:
    return client.submit(
        jobs.picture(seed), model="tiny", layer="features.3", seed=seed, steps=steps, **settings
    )


def runs(job: Job) -> None:
    until(lambda: (progress := job.refresh().progress) is not None and progress.step > 0)


def lines(stack: Stack, name: str) -> list[dict[str, Any]]:
    """The log of a process, without the audit log's lines; every line must be an object."""
    text = (stack.logs / f"{name}.log").read_text("utf-8")
    read = [json.loads(line) for line in text.splitlines()]
    return [each for each in read if "caller" not in each]


def about(stack: Stack, job: Job, name: str) -> list[dict[str, Any]]:
    return [each for each in lines(stack, name) if each.get("job_id") == job.id]


def spans_of(collector: Collector, job: Job) -> list[Recorded]:
    spans = collector.spans
    trace = {each.trace for each in spans if each.attributes.get("preimage.job_id") == job.id}
    return [each for each in spans if each.trace in trace]


def ended(collector: Collector, job: Job, attempts: int) -> list[Recorded]:
    def last() -> list[Recorded]:
        return named(collector.spans, "run interactive", job_id=job.id, attempt=attempts)

    until(lambda: bool(last()))
    return spans_of(collector, job)


def test_further_attempts_are_further_runs_of_the_same_trace(
    stack: Stack, client: Client, collector: Collector
) -> None:
    job = submitted(client, 1, LONG)
    runs(job)
    stack.restart("worker-0")  # it hands the job back
    until(lambda: job.refresh().attempt == 2 and job.state is State.RUNNING)
    until(lambda: len(named(collector.spans, "wait interactive", job_id=job.id)) == 2)
    stack.kill("worker-0")  # what it had not sent is lost with it
    stack.restart("worker-0")
    until(lambda: job.refresh().attempt == 3 and job.state is State.RUNNING)
    job.cancel("enough")
    until(lambda: job.refresh().state is State.CANCELLED)
    spans = ended(collector, job, 3)
    waits, attempts = (named(spans, f"{x} interactive", job_id=job.id) for x in ("wait", "run"))
    assert [each.attributes["preimage.attempt"] for each in waits] == [1, 2, 3]
    outcomes = [each.attributes["preimage.outcome"] for each in attempts]
    assert outcomes == ["handed_back", "cancelled"]
    assert len({each.trace for each in (*waits, *attempts)}) == 1
    assert len({each.parent for each in waits}) == 1
    for each in attempts:
        assert way_up(spans, each)[:2] == ["run interactive", "wait interactive"]
        assert way_up(spans, each)[2].endswith("/CreatePreimage")
    assert not any(each.failed for each in attempts)


def test_every_line_of_the_log_is_an_object_and_names_its_job_and_trace(
    stack: Stack, client: Client, collector: Collector
) -> None:
    good = submitted(client, 2, 5)
    good.result(timeout_seconds=240)
    bad = submitted(client, 3, 20, preset="mv2015", rate_factor=1e6)
    with pytest.raises(JobFailed):
        bad.result(timeout_seconds=240)
    client.delete(good.id)
    for name in ("frontend", "worker-0"):
        for line in lines(stack, name):
            assert {"time", "level", "process", "logger", "message"} <= line.keys(), line
            assert not any(word.id in line["message"] for word in (good, bad)), line
    (run,) = [each for each in ended(collector, bad, 1) if each.name == "run interactive"]
    begun, over = about(stack, bad, "worker-0")
    assert begun["message"] == "attempt 1"
    assert over["message"].startswith("attempt 1 failed after ")
    assert "DIVERGED" in over["message"]
    assert {each["trace_id"] for each in (begun, over)} == {run.trace}
    assert {each["process"] for each in (begun, over)} == {"worker"}
    told = [each["message"] for each in about(stack, good, "frontend")]
    assert [told[0].split(",")[0], told[-1]] == ["created", "deleted"]
    assert {each["trace_id"] for each in about(stack, bad, "frontend")} == {run.trace}


def test_services_are_told_apart_by_their_names(
    stack: Stack, client: Client, collector: Collector
) -> None:
    submitted(client, 8, 2).result(timeout_seconds=240)
    names = {"preimage-service", "preimage-worker"}
    until(lambda: names <= {each.service for each in collector.spans})


def test_no_line_and_no_span_holds_what_was_sent(
    stack: Stack, client: Client, collector: Collector, tmp_path: Path
) -> None:
    job = client.submit(
        jobs.picture(9), model="tiny", layer="features.3", steps=2, request_id="my-secret-name"
    )
    job.result(timeout_seconds=240)
    ended(collector, job, 1)
    assert "my-secret-name" not in repr(collector.spans)
    logs = [path.read_text("utf-8") for path in stack.logs.glob("[fw]*.log")]
    assert not any("my-secret-name" in text or "PNG" in text for text in logs)
