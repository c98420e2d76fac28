"""Equal jobs are computed once: what counts as equal, who is told what, and what stays apart."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1 import preimage_service_pb2 as service
from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage_queue import Queue, QueueSettings
from tests.service.rich import refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack, running
from tests.service.tokens import bearer, entry, write
from tests.service.worker import HOG, TOY, FakeWorker, engined

USE, REFRESH, BYPASS = (
    service.CACHE_CONTROL_USE,
    service.CACHE_CONTROL_REFRESH,
    service.CACHE_CONTROL_BYPASS,
)


@pytest.fixture
def worker(queue: Queue) -> FakeWorker:
    """A worker that says what engine it has."""
    worker = FakeWorker(queue, catalogue=engined(TOY, HOG))
    worker.announce()
    return worker


async def made(
    stack: Stack,
    spec: specs.PreimageSpec | None = None,
    cache: service.CacheControl.ValueType = service.CACHE_CONTROL_UNSPECIFIED,
) -> preimages.Preimage:
    request = create(spec)
    request.cache_control = cache
    return (await stack.preimages.CreatePreimage(request)).preimage


async def read(stack: Stack, job: preimages.Preimage) -> preimages.Preimage:
    return (await stack.preimages.GetPreimage(service.GetPreimageRequest(id=job.id))).preimage


async def picture(stack: Stack, job: preimages.Preimage) -> bytes:
    request = service.DownloadResultRequest(id=job.id, name="0/picture.png")
    return b"".join([chunk.data async for chunk in stack.preimages.DownloadResult(request)])


async def computed(
    stack: Stack, worker: FakeWorker, spec: specs.PreimageSpec
) -> preimages.Preimage:
    """A job that a worker has done."""
    job = await made(stack, spec)
    worker.succeed(worker.must_claim())
    return job


async def test_an_equal_job_has_the_result_at_once(stack: Stack, worker: FakeWorker) -> None:
    first = await computed(stack, worker, from_code())
    second = await made(stack)
    assert second.id != first.id
    assert second.state == preimages.STATE_SUCCEEDED
    assert second.origin == preimages.Origin(id=first.id, cached=True)
    assert second.result == (await read(stack, first)).result
    assert await picture(stack, second) == await picture(stack, first)
    assert worker.claim() is None
    assert not (await read(stack, first)).HasField("origin")


async def test_each_of_two_equal_jobs_is_deleted_by_itself(
    stack: Stack, worker: FakeWorker
) -> None:
    first = await computed(stack, worker, from_code())
    second = await made(stack)
    before = await picture(stack, first)
    await stack.preimages.DeletePreimage(service.DeletePreimageRequest(id=first.id))
    assert await picture(stack, second) == before
    assert (await made(stack)).origin.cached
    for job in (second, *[await made(stack) for _ in range(2)]):
        await stack.preimages.DeletePreimage(service.DeletePreimageRequest(id=job.id))


async def test_a_result_that_everybody_deleted_is_gone(stack: Stack, worker: FakeWorker) -> None:
    first = await computed(stack, worker, from_code())
    await stack.preimages.DeletePreimage(service.DeletePreimageRequest(id=first.id))
    assert (await made(stack)).state == preimages.STATE_QUEUED


async def test_an_equal_job_shares_a_run_and_ends_with_it(stack: Stack, worker: FakeWorker) -> None:
    first, second = await made(stack), await made(stack)
    assert second.state == preimages.STATE_QUEUED
    assert second.origin == preimages.Origin(id=first.id, cached=False)
    claimed = worker.must_claim()
    assert worker.claim() is None
    worker.progress(claimed, 7)
    seen = await read(stack, second)
    assert (seen.state, seen.progress.step, seen.attempt) == (preimages.STATE_RUNNING, 7, 1)
    worker.succeed(claimed)
    assert (await read(stack, second)).state == preimages.STATE_SUCCEEDED
    assert await picture(stack, second) == await picture(stack, first)


async def test_whoever_shares_a_run_watches_its_progress(stack: Stack, worker: FakeWorker) -> None:
    _, second = await made(stack), await made(stack)
    claimed = worker.must_claim()
    worker.progress(claimed, 7)
    watch = stack.preimages.WatchPreimage(service.WatchPreimageRequest(id=second.id))
    seen: list[str] = []
    async for event in watch:
        word = event.WhichOneof("event")
        assert word is not None
        seen.append(word)
        if word == "progress":
            assert event.progress.step == 7
            worker.succeed(claimed)
    assert seen == ["state", "state", "progress", "finished"]


async def test_a_cancelled_leader_leaves_its_follower_in_the_queue(
    stack: Stack, worker: FakeWorker
) -> None:
    first, second = await made(stack), await made(stack)
    await stack.preimages.CancelPreimage(service.CancelPreimageRequest(id=first.id))
    assert (await read(stack, second)).state == preimages.STATE_QUEUED
    claimed = worker.must_claim()
    assert claimed.id == second.id
    worker.succeed(claimed)
    done = await read(stack, second)
    assert done.state == preimages.STATE_SUCCEEDED
    assert not done.HasField("origin")


async def test_refresh_computes_anew_and_later_jobs_get_the_new_result(
    stack: Stack, worker: FakeWorker
) -> None:
    first = await computed(stack, worker, from_code())
    second = await made(stack, cache=REFRESH)
    assert second.state == preimages.STATE_QUEUED
    worker.succeed(worker.must_claim())
    assert (await made(stack)).origin.id == second.id
    assert (await read(stack, first)).state == preimages.STATE_SUCCEEDED


async def test_a_bypassing_job_neither_gets_nor_gives(stack: Stack, worker: FakeWorker) -> None:
    alone = await made(stack, cache=BYPASS)
    again = await made(stack, cache=BYPASS)
    assert {worker.must_claim().id, worker.must_claim().id} == {alone.id, again.id}


async def test_a_bypassing_job_is_not_served_from_the_cache(
    stack: Stack, worker: FakeWorker
) -> None:
    await computed(stack, worker, from_code())
    job = await made(stack, cache=BYPASS)
    worker.succeed(worker.must_claim())
    assert not (await read(stack, job)).HasField("origin")


async def test_an_unknown_cache_control_is_named(stack: Stack, worker: FakeWorker) -> None:
    request = create()
    request.cache_control = 9  # type: ignore[assignment]
    error = await refused(stack.preimages.CreatePreimage(request))
    assert "cache_control" in error.fields


async def test_invert_answers_at_once_with_a_kept_result(stack: Stack, worker: FakeWorker) -> None:
    first = await computed(stack, worker, from_code())
    response = await stack.preimages.Invert(service.InvertRequest(spec=from_code()))
    assert response.preimage.origin.id == first.id
    assert list(response.pictures) == [await picture(stack, first)]


SAME = {
    "the_lane": specs.PreimageSpec(lane=specs.LANE_BATCH),
    "previews": specs.PreimageSpec(progress=specs.ProgressOptions(preview_every_steps=5)),
    "one_restart_in_words": specs.PreimageSpec(restarts=1),
    "the_default_preset": specs.PreimageSpec(optimiser=specs.Optimiser(preset="mv2016")),
    "the_steps_of_the_preset": specs.PreimageSpec(optimiser=specs.Optimiser(steps=350)),
    "the_default_precision": specs.PreimageSpec(
        optimiser=specs.Optimiser(precision=specs.PRECISION_FLOAT32)
    ),
    "a_factor_of_one": specs.PreimageSpec(priors=specs.Priors(factor=1)),
    "rates_as_they_are": specs.PreimageSpec(optimiser=specs.Optimiser(rate_factor=1)),
    "the_objective_in_words": specs.PreimageSpec(
        objective=specs.Objective(kind=specs.OBJECTIVE_KIND_INVERT)
    ),
    "the_models_own_size": specs.PreimageSpec(
        representation=specs.Representation(input_size=tensors.PictureSize(height=8, width=8))
    ),
    "an_empty_mask": specs.PreimageSpec(representation=specs.Representation(mask=specs.Mask())),
}


@pytest.mark.parametrize("name", SAME)
async def test_a_job_stays_equal_with(name: str, stack: Stack, worker: FakeWorker) -> None:
    await computed(stack, worker, from_code())
    spec = from_code()
    spec.MergeFrom(SAME[name])
    assert (await made(stack, spec)).origin.cached


async def test_a_deadline_changes_no_result_that_is_there(stack: Stack, worker: FakeWorker) -> None:
    await computed(stack, worker, from_code())
    spec = from_code()
    spec.deadline.FromSeconds(5)
    assert (await made(stack, spec)).origin.cached


OTHER = {
    "another_seed": specs.PreimageSpec(seed=1),
    "more_restarts": specs.PreimageSpec(restarts=2),
    "fewer_steps": specs.PreimageSpec(optimiser=specs.Optimiser(steps=349)),
    "another_preset": specs.PreimageSpec(optimiser=specs.Optimiser(preset="mv2015")),
    "another_precision": specs.PreimageSpec(
        optimiser=specs.Optimiser(precision=specs.PRECISION_TF32)
    ),
    "weaker_priors": specs.PreimageSpec(priors=specs.Priors(factor=0.5)),
    "no_jitter": specs.PreimageSpec(optimiser=specs.Optimiser(jitter=False)),
    "a_mask": specs.PreimageSpec(
        representation=specs.Representation(
            mask=specs.Mask(channels=[specs.IndexRange(begin=0, end=2)])
        )
    ),
    "a_target_error": specs.PreimageSpec(stopping=specs.StoppingRule(target_error=0.1)),
    "another_objective": specs.PreimageSpec(
        objective=specs.Objective(kind=specs.OBJECTIVE_KIND_COSINE)
    ),
}


@pytest.mark.parametrize("name", OTHER)
async def test_a_job_is_another_one_with(name: str, stack: Stack, worker: FakeWorker) -> None:
    await computed(stack, worker, from_code())
    spec = from_code()
    spec.MergeFrom(OTHER[name])
    assert (await made(stack, spec)).state == preimages.STATE_QUEUED


async def test_a_job_is_another_one_with_another_input(stack: Stack, worker: FakeWorker) -> None:
    await computed(stack, worker, from_code())
    changed = code(4, 8, 8)
    changed.data = changed.data[4:] + changed.data[:4]
    for spec in (from_code(changed), from_picture(), from_picture(png(32, 32), model="hog")):
        assert (await made(stack, spec)).state == preimages.STATE_QUEUED


async def test_a_job_is_another_one_for_another_engine(
    stack: Stack, worker: FakeWorker, queue_settings: QueueSettings
) -> None:
    await computed(stack, worker, from_code())
    FakeWorker(worker.queue, catalogue=engined(TOY, engine="2")).announce()
    async with running(queue_settings) as informed:
        assert (await made(informed)).state == preimages.STATE_QUEUED


async def test_a_worker_that_names_no_engine_is_asked_every_time(
    stack: Stack, queue: Queue
) -> None:
    worker = FakeWorker(queue)
    worker.announce()
    await computed(stack, worker, from_code())
    assert (await made(stack)).state == preimages.STATE_QUEUED


async def test_a_failed_job_is_computed_again(stack: Stack, worker: FakeWorker) -> None:
    first, second = await made(stack), await made(stack)
    worker.fail(worker.must_claim(), "DIVERGED")
    for job in (first, second):
        assert (await read(stack, job)).state == preimages.STATE_FAILED
    assert (await made(stack)).state == preimages.STATE_QUEUED


@pytest.fixture
async def frugal(queue_settings: QueueSettings) -> AsyncIterator[Stack]:
    """A frontend whose operator has switched the cache off."""
    off = QueueSettings(url=queue_settings.url, cache_seconds=0)
    async with running(off) as stack:
        yield stack


async def test_an_operator_can_switch_it_off(frugal: Stack, worker: FakeWorker) -> None:
    await computed(frugal, worker, from_code())
    first, second = await made(frugal), await made(frugal)
    assert {worker.must_claim().id, worker.must_claim().id} == {first.id, second.id}
    assert frugal.metric("preimage_cache_requests_total", outcome="bypass") == 3


async def test_what_equal_jobs_meant_is_counted(stack: Stack, worker: FakeWorker) -> None:
    await made(stack)
    await made(stack)
    worker.succeed(worker.must_claim())
    await made(stack)
    for cache in (USE, REFRESH, BYPASS):
        await made(stack, cache=cache)
    repeated = create(request_id="mine")
    for _ in range(2):
        await stack.preimages.CreatePreimage(repeated)
    counts = {
        word: stack.metric("preimage_cache_requests_total", outcome=word)
        for word in ("miss", "shared", "hit", "refresh", "bypass")
    }
    assert counts == {"miss": 1, "shared": 1, "hit": 3, "refresh": 1, "bypass": 1}


async def test_no_tenant_gets_or_sees_what_another_has_computed(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> None:
    file = write(
        tmp_path, entry("mine", "mine", tenant="first"), entry("theirs", "theirs", tenant="second")
    )
    async with running(queue_settings, tokens=file) as stack:
        await stack.preimages.CreatePreimage(create(), metadata=bearer("mine"))
        worker.succeed(worker.must_claim())
        reply = await stack.preimages.CreatePreimage(create(), metadata=bearer("theirs"))
        assert reply.preimage.state == preimages.STATE_QUEUED
        assert not reply.preimage.HasField("origin")
        again = await stack.preimages.CreatePreimage(create(), metadata=bearer("mine"))
        assert again.preimage.origin.cached
