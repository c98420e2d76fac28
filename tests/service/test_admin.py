"""Looking after workers and dead letters, on a port of its own."""

import grpc
import pytest
import redis

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1.admin_service_pb2 import (
    DrainWorkerRequest,
    GetQueueStatsRequest,
    ListDeadLettersRequest,
    ListWorkersRequest,
    RequeueDeadLetterRequest,
)
from preimage.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.service.rich import refused
from tests.service.specs import create
from tests.service.stack import Stack
from tests.service.worker import FakeWorker


async def _buried(stack: Stack, worker: FakeWorker) -> str:
    job_id = (await stack.preimages.CreatePreimage(create())).preimage.id
    worker.bury(worker.must_claim())
    return job_id


async def test_workers_are_listed_with_what_the_registry_knows(
    stack: Stack, worker: FakeWorker
) -> None:
    FakeWorker(worker.queue, name="a-fake", slots=4, rate=12.5).announce()
    first, second = (await stack.admin.ListWorkers(ListWorkersRequest())).workers
    assert (first.name, first.slots, first.slot_steps_per_second) == ("a-fake", 4, 12.5)
    assert (second.name, second.device, second.version) == ("fake-1", "cpu", "1.2.3")
    assert second.seen_time.ToMilliseconds() > 0
    assert not second.draining


async def test_a_worker_is_asked_to_drain(stack: Stack, worker: FakeWorker) -> None:
    response = await stack.admin.DrainWorker(DrainWorkerRequest(name="fake-1"))
    assert response.worker.draining
    error = await refused(stack.admin.DrainWorker(DrainWorkerRequest(name="nobody")))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "WORKER_NOT_FOUND")


async def test_dead_letters_are_listed_page_by_page_with_their_errors(
    stack: Stack, worker: FakeWorker
) -> None:
    buried = {await _buried(stack, worker) for _ in range(3)}
    seen, token = [], ""
    while True:
        request = ListDeadLettersRequest(page_size=2, page_token=token)
        page = await stack.admin.ListDeadLetters(request)
        seen += list(page.dead_letters)
        token = page.next_page_token
        if not token:
            break
    assert {letter.preimage.id for letter in seen} == buried
    assert all(letter.tenant == "default" for letter in seen)
    assert seen[0].preimage.state == preimages.STATE_FAILED
    assert seen[0].preimage.error.message == "It ended with WORKER_ERROR."


async def test_a_dead_letter_is_tried_again_under_its_id(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _buried(stack, worker)
    request = RequeueDeadLetterRequest(id=job_id)
    requeued = (await stack.admin.RequeueDeadLetter(request)).preimage
    assert (requeued.id, requeued.state) == (job_id, preimages.STATE_QUEUED)
    assert not requeued.HasField("error")
    assert not (await stack.admin.ListDeadLetters(ListDeadLettersRequest())).dead_letters
    worker.succeed(worker.must_claim())


@pytest.mark.parametrize("job_id", ["", "f" * 32, "x"])
async def test_only_dead_letters_are_tried_again(
    stack: Stack, worker: FakeWorker, job_id: str
) -> None:
    error = await refused(stack.admin.RequeueDeadLetter(RequeueDeadLetterRequest(id=job_id)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "DEAD_LETTER_NOT_FOUND")


async def test_a_dead_letter_whose_inputs_are_gone_cannot_be_tried_again(
    stack: Stack, worker: FakeWorker, redis_url: str
) -> None:
    job_id = await _buried(stack, worker)
    with redis.Redis.from_url(redis_url) as raw:
        raw.delete(*raw.scan_iter("*:blob:*"))
    error = await refused(stack.admin.RequeueDeadLetter(RequeueDeadLetterRequest(id=job_id)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TENSOR_NOT_FOUND")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ListDeadLettersRequest(page_size=201), "page_size"),
        (ListDeadLettersRequest(page_token="1 2"), "page_token"),
        (ListDeadLettersRequest(page_token=f"٣ {'0' * 32}"), "page_token"),
    ],
)
async def test_a_wrong_listing_is_refused(
    stack: Stack, request_: ListDeadLettersRequest, field: str
) -> None:
    assert list((await refused(stack.admin.ListDeadLetters(request_))).fields) == [field]


async def test_figures_of_the_queue(stack: Stack, worker: FakeWorker) -> None:
    await _buried(stack, worker)
    await stack.preimages.CreatePreimage(create())
    worker.must_claim()
    await stack.preimages.CreatePreimage(create())
    stats = await stack.admin.GetQueueStats(GetQueueStatsRequest())
    assert [lane.queued for lane in stats.lanes] == [1, 0, 0]
    assert [lane.HasField("oldest_age") for lane in stats.lanes] == [True, False, False]
    assert (stats.running, stats.dead_letters, stats.workers, stats.slots) == (1, 1, 1, 16)
    assert stats.queued_bytes > 0
    assert stats.redis.eviction_policy == "noeviction"
    assert stats.redis.used_memory_bytes > 0
    assert not stats.redis.append_only


async def test_operators_methods_are_not_on_the_callers_port(stack: Stack) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await AdminServiceStub(stack.channel).ListWorkers(ListWorkersRequest())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
