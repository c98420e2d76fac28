"""Jobs in the caller's hands, over both clients."""

import asyncio
import threading
from datetime import UTC, datetime

import grpc
import pytest

import preimage
from preimage.v1 import preimage_pb2
from tests.client import messages
from tests.client.fake import FakeService
from tests.client.refusals import Refusal, not_found, unavailable


@pytest.fixture
async def job(client: preimage.AsyncClient) -> preimage.AsyncJob:
    return await client.submit(messages.pixels(), model="hog", layer="cells", seed=5)


async def events_of(job: preimage.AsyncJob) -> list[preimage.Event]:
    return [event async for event in job.watch()]


async def test_a_submitted_job_tells_what_it_is(job: preimage.AsyncJob) -> None:
    assert (job.id, job.state) == ("job-1", preimage.State.QUEUED)
    assert (job.info.model, job.info.layer, job.info.seed) == ("hog", "cells", 5)
    assert (job.info.lane, job.info.restarts, job.info.progress) == ("interactive", 1, None)
    assert "job-1" in repr(getattr(job, "plain", job))


async def test_a_watch_yields_typed_events_and_ends_with_the_finished_job(
    job: preimage.AsyncJob,
) -> None:
    events = await events_of(job)
    kinds = [type(event) for event in events]
    assert kinds == [
        preimage.StateChanged,
        preimage.StateChanged,
        preimage.Progress,
        preimage.Preview,
        preimage.Progress,
        preimage.Finished,
    ]
    assert events[-1].job.state is preimage.State.SUCCEEDED
    assert job.state is preimage.State.SUCCEEDED


async def test_a_result_after_a_watch_needs_no_second_watch(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    await events_of(job)
    result = await job.result()
    assert result.id == "job-1"
    assert len(service.requests["WatchPreimage"]) == 1


@pytest.mark.parametrize("after", range(5))
async def test_a_stream_that_breaks_is_resumed_and_no_event_is_seen_twice(
    job: preimage.AsyncJob, service: FakeService, after: int
) -> None:
    service.cuts.extend([after, after + 1])
    events = await events_of(job)
    assert events[:-1] == [
        preimage.StateChanged(preimage.State.QUEUED),
        preimage.StateChanged(preimage.State.RUNNING),
        preimage.Progress(10, 100, 1.5, 0.25),
        preimage.Preview(0, 10, messages.png()),
        preimage.Progress(20, 100, 1.5, 0.25),
    ]
    assert isinstance(events[-1], preimage.Finished)
    tokens = [each.resume_token for each in service.requests["WatchPreimage"]]
    assert tokens == ["", str(after or ""), str(after + 1)][: 3 if after < 4 else 2]


async def test_a_resumed_watch_does_not_repeat_the_state_at_hand(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.cuts.append(3)
    states = [event for event in await events_of(job) if isinstance(event, preimage.StateChanged)]
    assert [event.state for event in states] == ["QUEUED", "RUNNING"]


async def test_a_stream_that_ends_too_early_is_resumed(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.cut_with = Refusal(grpc.StatusCode.CANCELLED, "The server stops.")
    service.cuts.append(2)
    assert len(await events_of(job)) == 6


async def test_patience_with_a_watch_is_bounded_and_the_job_is_named(
    job: preimage.AsyncJob, service: FakeService, naps: list[float]
) -> None:
    service.refusals["WatchPreimage"].extend([unavailable()] * 50)
    said = r"Job job-1 goes on if its queue is still there; take it .* client\.job\('job-1'\)"
    with pytest.raises(preimage.Unavailable, match=said):
        await events_of(job)
    assert len(service.requests["WatchPreimage"]) == 11
    assert len(naps) == 10
    assert 32 < sum(naps) < 66  # doubling from half a second to ten, each at least half


async def test_a_job_that_has_ended_is_named_when_its_files_cannot_be_fetched(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.refusals["DownloadResult"].extend([unavailable()] * 9)
    said = "Job job-1 has ended, and its result is there if its queue is still there; take it up"
    with pytest.raises(preimage.Unavailable, match=said):
        await job.result()


async def test_patience_begins_anew_with_every_answer(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    refusals = [unavailable()] * 8
    service.refusals["WatchPreimage"].extend(refusals)
    service.cuts.append(2)
    stream = job.watch()
    first = [await anext(stream) for _ in range(2)]
    service.refusals["WatchPreimage"].extend(refusals)
    rest = [event async for event in stream]
    assert len(first + rest) == 6


async def test_a_wait_can_be_limited_and_the_job_goes_on(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    done = threading.Event()
    service.gate = lambda _: done.wait(60)
    try:
        with pytest.raises(preimage.DeadlineExceeded, match=r"job-1 has not ended within 0\.2"):
            await job.result(timeout_seconds=0.2)
        assert not service.requests["CancelPreimage"]
    finally:
        done.set()
    assert (await job.result(timeout_seconds=60)).id == "job-1"


async def test_a_job_that_the_service_lost_is_submitted_again_under_its_name(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    lost = service.jobs.pop("job-1")
    result = await job.result()
    assert result.id == job.id == "job-2"
    assert result.request_id == lost.request_id
    first, second = service.requests["CreatePreimage"]
    assert first == second


async def test_a_job_that_is_lost_before_its_pictures_are_fetched_is_submitted_again(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.refusals["DownloadResult"].append(not_found())
    result = await job.result()
    assert result.id == "job-1"
    assert len(service.requests["CreatePreimage"]) == 2


async def test_a_job_that_ended_and_expired_is_not_submitted_again(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    await events_of(job)
    service.jobs.clear()
    service.refusals["DownloadResult"].append(not_found())
    with pytest.raises(preimage.NotFound):
        await job.result()
    with pytest.raises(preimage.NotFound):
        await events_of(job)
    assert len(service.requests["CreatePreimage"]) == 1


async def test_the_events_of_a_job_that_was_submitted_again_are_seen_from_the_first(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.cuts.append(2)
    stream = job.watch()
    seen = [await anext(stream) for _ in range(2)]
    service.jobs.clear()
    seen += [event async for event in stream]

    states = [event.state for event in seen if isinstance(event, preimage.StateChanged)]
    assert states == ["QUEUED", "RUNNING", "QUEUED", "RUNNING"]
    tokens = [each.resume_token for each in service.requests["WatchPreimage"]]
    assert tokens == ["", "2", ""]


async def test_a_job_is_submitted_again_only_once(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    del service.jobs["job-1"]
    service.refusals["WatchPreimage"].extend([not_found()] * 2)
    with pytest.raises(preimage.NotFound):
        await job.result()
    assert len(service.requests["CreatePreimage"]) == 2


async def test_submitting_again_is_as_patient_as_the_watch(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    del service.jobs["job-1"]
    service.refusals["CreatePreimage"].extend([unavailable()] * 8)
    assert (await job.result()).request_id == job.request_id


async def test_a_job_of_somebody_else_is_not_submitted_again(
    client: preimage.AsyncClient, job: preimage.AsyncJob, service: FakeService
) -> None:
    taken_up = await client.job("job-1")
    del service.jobs["job-1"]
    with pytest.raises(preimage.NotFound):
        await taken_up.result()
    assert len(service.requests["CreatePreimage"]) == 1


async def test_a_job_that_was_cancelled_is_not_submitted_again(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    await job.cancel("enough")
    service.jobs["job-1"].state = preimage_pb2.STATE_RUNNING
    await job.refresh()
    del service.jobs["job-1"]
    with pytest.raises(preimage.NotFound):
        await job.result()
    assert len(service.requests["CreatePreimage"]) == 1


async def test_cancelling_passes_the_reason_on(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    info = await job.cancel("enough")
    assert service.requests["CancelPreimage"][0].reason == "enough"
    assert job.state is info.state is preimage.State.CANCELLED
    with pytest.raises(preimage.JobCancelled, match="enough"):
        await job.result()


async def test_a_deleted_job_is_gone(
    client: preimage.AsyncClient, job: preimage.AsyncJob, service: FakeService
) -> None:
    await job.delete()
    assert [each.id for each in service.requests["DeletePreimage"]] == ["job-1"]
    with pytest.raises(preimage.NotFound, match="Submit the request again"):
        await client.job("job-1")


async def test_a_job_is_taken_up_by_its_id_with_its_result(
    client: preimage.AsyncClient, job: preimage.AsyncJob
) -> None:
    await events_of(job)
    again = await client.job("job-1")
    assert again.state is preimage.State.SUCCEEDED
    assert (await again.result()).seconds.run == 2.25


async def test_refreshing_asks_the_server(job: preimage.AsyncJob, service: FakeService) -> None:
    service.jobs["job-1"].state = preimage_pb2.STATE_RUNNING
    service.jobs["job-1"].start_time.FromSeconds(1_000_000_000)
    info = await job.refresh()
    assert job.state is preimage.State.RUNNING
    assert info.started == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    assert info.ended is None


async def test_listing_fetches_page_after_page(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    for seed in range(5):
        await client.submit(messages.pixels(), model="hog", layer="hog", seed=seed)
    assert [job.info.seed async for job in client.jobs()] == [4, 3, 2, 1, 0]
    assert len(service.requests["ListPreimages"]) == 3


async def test_listing_stops_at_the_limit(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    for seed in range(5):
        await client.submit(messages.pixels(), model="hog", layer="hog", seed=seed)
    assert [job.info.seed async for job in client.jobs(limit=3)] == [4, 3, 2]
    assert [job async for job in client.jobs(limit=0)] == []
    assert [each.page_size for each in service.requests["ListPreimages"]] == [3, 1]


async def test_listing_can_be_narrowed(
    client: preimage.AsyncClient, service: FakeService, job: preimage.AsyncJob
) -> None:
    await client.submit(messages.pixels(), model="squeezenet1_0", layer="features.1")
    await job.cancel()
    found = [each.id async for each in client.jobs(state="cancelled", model="hog")]
    assert found == ["job-1"]
    states = service.requests["ListPreimages"][0].filter.states
    assert list(states) == [preimage_pb2.STATE_CANCELLED]
    with pytest.raises(preimage.BadInput, match="'QUEUED', 'RUNNING'"):
        [each async for each in client.jobs(state="sleeping")]


async def test_a_listed_job_fetches_its_result_when_it_is_asked(
    client: preimage.AsyncClient, job: preimage.AsyncJob
) -> None:
    await events_of(job)
    listed = [each async for each in client.jobs()]
    assert (await listed[0].result()).id == "job-1"


async def test_closing_the_client_ends_its_watches_with_a_sentence(
    client: preimage.AsyncClient, job: preimage.AsyncJob, service: FakeService
) -> None:
    done, watching = threading.Event(), threading.Event()

    def hold(_: preimage_pb2.Preimage) -> None:
        watching.set()
        assert done.wait(60)

    async def close_when_watched() -> None:
        await asyncio.to_thread(watching.wait, 60)
        await client.close()

    async def wait() -> None:
        with pytest.raises(preimage.PreimageError, match="is closed"):
            await job.result()

    service.gate = hold
    plain = getattr(job, "plain", None)
    waiting = asyncio.to_thread(lambda: asyncio.run(wait())) if plain else wait()
    try:
        await asyncio.gather(waiting, close_when_watched())
    finally:
        done.set()
