"""One trace from the SDK's call through the queue to the worker's run and back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from preimage import AsyncClient, Client, InvalidRequest, JobFailed, Request
from preimage_queue import QueueSettings
from tests.service.stack import Stack, running
from tests.tracing.recorded import Recorded, from_memory, named, way_up
from tests.tracing.worker import working
from tests.worker import jobs

SERVICE = "preimage.v1.PreimageService"
LAYER = "features.3"
RUN = ("wait interactive", "settle interactive", "run interactive")


@pytest.fixture
def queue_settings(redis_url: str) -> QueueSettings:
    return QueueSettings(url=redis_url)


@pytest.fixture
def worker(queue_settings: QueueSettings, memory: InMemorySpanExporter) -> Iterator[None]:
    with working(queue_settings):
        yield


@pytest.fixture
async def stack(queue_settings: QueueSettings, worker: None) -> AsyncIterator[Stack]:
    async with running(queue_settings) as stack:
        yield stack


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(stack.servers[0].target) as connected:
        yield connected


async def finished(memory: InMemorySpanExporter, *awaited: str, runs: int = 1) -> list[Recorded]:
    """All spans, once those that end after the caller has heard of the end are there too."""
    while True:
        spans = from_memory(memory.get_finished_spans())
        names = Counter(each.name for each in spans)
        if all(names[name] >= runs for name in (*awaited, *RUN)):
            return spans
        await asyncio.sleep(0.02)


async def test_a_job_is_one_trace_from_the_call_to_the_end_of_its_run_and_back(
    client: AsyncClient, memory: InMemorySpanExporter, worker: None
) -> None:
    result = await client.invert(jobs.picture(), model="tiny", layer=LAYER, steps=7, seed=1)
    assert result.errors
    await client.close()
    spans = await finished(memory, f"{SERVICE}/DownloadResult")
    (run,) = named(spans, "run interactive")
    (settle,) = named(spans, "settle interactive")
    assert way_up(spans, settle) == [
        "settle interactive",
        "run interactive",
        "wait interactive",
        f"{SERVICE}/CreatePreimage",  # the frontend's
        f"{SERVICE}/CreatePreimage",  # the SDK's
        "preimage submit",
        "preimage invert",
    ]
    for method in ("WatchPreimage", "DownloadResult"):
        server = named(spans, f"{SERVICE}/{method}")[-1]
        assert way_up(spans, server)[-2:] == ["preimage wait", "preimage invert"]
    assert {each.trace for each in spans if each.name.endswith(("interactive", "Preimage"))} == {
        run.trace
    }


async def test_spans_say_what_job_it_was_and_how_it_ended_and_never_what_was_sent(
    client: AsyncClient, memory: InMemorySpanExporter
) -> None:
    job = await client.submit(jobs.picture(), model="tiny", layer=LAYER, steps=7, seed=2)
    await job.result()
    spans = await finished(memory)
    (run,) = named(spans, "run interactive")
    said = {key: value for key, value in run.attributes.items() if key.startswith("preimage.")}
    assert said == {
        "preimage.job_id": job.id,
        "preimage.attempt": 1,
        "preimage.model": "tiny",
        "preimage.layer": LAYER,
        "preimage.worker": "worker-in-threads",
        "preimage.restarts": 1,
        "preimage.outcome": "succeeded",
        "preimage.steps": 7,
        "preimage.stopped_by": ("step_limit",),
    }
    assert run.attributes["messaging.system"] == "redis"
    (wait,) = named(spans, "wait interactive")
    assert wait.start_ns <= wait.end_ns <= run.end_ns
    short = [value for each in spans for value in each.attributes.values()]
    assert all(not isinstance(value, bytes) and len(str(value)) < 128 for value in short)
    assert not any(each.failed or each.events for each in spans)


async def test_waiting_later_belongs_to_the_trace_of_the_submission(
    client: AsyncClient, memory: InMemorySpanExporter
) -> None:
    job = await client.submit(jobs.picture(), model="tiny", layer=LAYER, steps=3, seed=3)
    await job.result()
    spans = await finished(memory)
    (submit,), (wait,) = (named(spans, f"preimage {x}") for x in ("submit", "wait"))
    assert (wait.trace, wait.parent) == (submit.trace, submit.id)


async def test_all_of_it_belongs_to_the_span_of_an_application_that_has_one(
    client: AsyncClient, memory: InMemorySpanExporter
) -> None:
    with trace.get_tracer("application").start_as_current_span("my work"):
        await client.extract_features(jobs.picture(), "tiny", LAYER)
    spans = from_memory(memory.get_finished_spans())
    (settle,) = named(spans, "settle instant")
    assert way_up(spans, settle)[-2:] == ["preimage extract", "my work"]


async def test_a_job_that_fails_marks_its_run_with_the_reason_and_no_words(
    client: AsyncClient, memory: InMemorySpanExporter
) -> None:
    with pytest.raises(JobFailed):
        await client.invert(
            jobs.picture(), model="tiny", layer=LAYER, preset="mv2015", rate_factor=1e6, steps=20
        )
    spans = await finished(memory)
    (run,) = named(spans, "run interactive")
    assert run.failed
    assert run.attributes["preimage.outcome"] == "failed"
    assert run.attributes["error.type"] == "DIVERGED"
    (call,) = named(spans, "preimage invert")
    assert (call.failed, call.attributes["error.type"]) == (True, "DIVERGED")


async def test_a_refused_call_fails_where_it_was_made_and_not_where_it_was_refused(
    client: AsyncClient, memory: InMemorySpanExporter
) -> None:
    with pytest.raises(InvalidRequest):
        await client.invert(jobs.picture(), model="tiny", layer="no such layer")
    spans = named(from_memory(memory.get_finished_spans()), f"{SERVICE}/CreatePreimage")
    server, call = sorted(spans, key=lambda each: each.failed)
    assert not server.failed  # it did what it should
    assert call.failed
    assert server.parent == call.id
    for each in (server, call):
        assert each.attributes["rpc.system.name"] == "grpc"
    assert server.attributes["rpc.response.status_code"] == "INVALID_ARGUMENT"
    assert call.attributes["error.type"] == "INVALID_ARGUMENT"


async def test_a_job_that_follows_an_equal_one_has_a_link_to_its_run(
    queue_settings: QueueSettings, memory: InMemorySpanExporter
) -> None:
    with working(queue_settings):
        pass  # its models are known from here on, and both jobs wait for the next worker
    async with running(queue_settings) as stack, AsyncClient(stack.servers[0].target) as client:
        leader, follower = [
            await client.submit(jobs.picture(), model="tiny", layer=LAYER, steps=2, seed=4)
            for _ in range(2)
        ]
        with working(queue_settings):
            await leader.result()
            await follower.result()
    spans = await finished(memory, "follow interactive")
    (run,) = named(spans, "run interactive", job_id=leader.id)
    assert not named(spans, "run interactive", job_id=follower.id)
    (follow,) = named(spans, "follow interactive", job_id=follower.id)
    assert follow.links == ((run.trace, run.id),)
    assert follow.trace != run.trace
    assert way_up(spans, follow)[-1] == "preimage submit"


async def test_a_repeated_request_is_the_same_job_though_its_trace_is_another(
    client: AsyncClient, memory: InMemorySpanExporter
) -> None:
    settings = {"model": "tiny", "layer": LAYER, "steps": 2, "seed": 5, "request_id": "again"}
    first, second = [await client.submit(jobs.picture(), **settings) for _ in range(2)]
    assert first.id == second.id
    submits = named(from_memory(memory.get_finished_spans()), "preimage submit")
    assert len({each.trace for each in submits}) == 2


async def test_the_synchronous_client_traces_what_its_threads_do(
    stack: Stack, memory: InMemorySpanExporter
) -> None:
    def invert_many() -> None:
        requests = [
            Request(source=jobs.picture(seed), model="tiny", layer=LAYER, steps=2, seed=seed)
            for seed in range(2)
        ]
        with (
            Client(stack.servers[0].target) as client,
            trace.get_tracer("application").start_as_current_span("my work"),
        ):
            assert all(each.error is None for each in client.submit_many(requests))

    await asyncio.to_thread(invert_many)
    spans = await finished(memory, runs=2)
    for settle in named(spans, "settle interactive"):
        assert way_up(spans, settle)[-3:] == ["preimage submit", "preimage invert", "my work"]
    downloads = named(spans, f"{SERVICE}/DownloadResult")
    assert {way_up(spans, each)[-1] for each in downloads} == {"my work"}
