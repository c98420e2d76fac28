"""Many inversions at once, over both clients."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import grpc
import pytest
from google.protobuf.message import Message

import preimage
from preimage import many
from preimage.v1 import preimage_pb2
from tests.client import messages
from tests.client.fake import FakeServer, FakeService
from tests.client.refusals import Refusal


def requests(count: int) -> Iterator[preimage.Request]:
    for seed in range(count):
        yield preimage.Request(source=messages.pixels(), model="hog", layer="hog", seed=seed)


async def test_all_are_settled_each_with_its_index_and_request(
    client: preimage.AsyncClient,
) -> None:
    settled = [each async for each in client.submit_many(requests(9), in_flight=4)]
    assert sorted(each.index for each in settled) == list(range(9))
    for each in settled:
        assert each.error is None
        assert each.request.seed == each.index == each.unwrap().provenance.seed


async def test_as_many_are_in_flight_as_allowed_and_never_more(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    def wait_for_company(_: preimage_pb2.Preimage) -> None:
        with service.lock:
            assert service.lock.wait_for(lambda: service.most_in_flight >= 4, timeout=60)

    service.gate = wait_for_company
    settled = [each async for each in client.submit_many(requests(12), in_flight=4)]
    assert len(settled) == 12
    assert service.most_in_flight == 4


async def test_they_are_yielded_as_they_finish_not_as_they_were_asked_for(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    others_are_out = threading.Event()

    def hold_the_first_back(job: preimage_pb2.Preimage) -> None:
        if job.spec.seed == 0:
            assert others_are_out.wait(60)

    service.gate = hold_the_first_back
    order = []
    async for each in client.submit_many(requests(5), in_flight=2):
        order.append(each.index)
        if len(order) == 4:
            others_are_out.set()
    assert order[-1] == 0
    assert sorted(order) == list(range(5))


async def test_requests_are_read_only_as_places_become_free(client: preimage.AsyncClient) -> None:
    read = []

    def noted() -> Iterator[preimage.Request]:
        for request in requests(10**9):
            read.append(request.seed)
            yield request

    stream = client.submit_many(noted(), in_flight=3)
    async with aclosing(stream):
        for yielded in range(1, 6):
            await anext(stream)
            assert len(read) <= 3 + yielded - 1


async def test_one_that_fails_does_not_stop_the_others(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.refusals["CreatePreimage"].append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "No such layer.", "INVALID_FIELD")
    )
    wrong = preimage.Request(source=b"no picture", model="hog", layer="hog")
    asked = [*requests(3), wrong]
    settled = [each async for each in client.submit_many(asked, in_flight=2)]

    errors = {type(each.error) for each in settled if each.error is not None}
    assert errors == {preimage.InvalidRequest, preimage.BadInput}
    assert sum(each.result is not None for each in settled) == 2
    refused = next(each for each in settled if isinstance(each.error, preimage.InvalidRequest))
    with pytest.raises(preimage.InvalidRequest, match=r"No such layer\."):
        refused.unwrap()


async def test_a_failed_job_is_a_value_too(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    def end(job: preimage_pb2.Preimage) -> None:
        if job.spec.seed == 1:
            job.state = preimage_pb2.STATE_FAILED
        else:
            messages.succeed(job)

    service.end = end
    settled = [each async for each in client.submit_many(requests(3))]
    failed = [each.index for each in settled if isinstance(each.error, preimage.JobFailed)]
    assert failed == [1]


async def test_who_leaves_the_loop_early_cancels_what_is_in_flight(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    def wait_unless_first(job: preimage_pb2.Preimage) -> None:
        cancelled = preimage_pb2.STATE_CANCELLED
        with service.lock:
            if job.spec.seed == 0:
                assert service.lock.wait_for(lambda: len(service.jobs) == 3, timeout=60)
            else:
                assert service.lock.wait_for(lambda: job.state == cancelled, timeout=60)

    service.gate = wait_unless_first
    stream = client.submit_many(requests(10**9), in_flight=3)
    async with aclosing(stream):
        async for each in stream:
            assert each.index == 0
            break
    with service.lock:
        left = [job for job in service.jobs.values() if job.spec.seed > 0]
        assert len(left) == 2
        assert {job.state for job in left} == {preimage_pb2.STATE_CANCELLED}


async def test_an_error_of_the_requests_themselves_comes_through(
    client: preimage.AsyncClient,
) -> None:
    def broken() -> Iterator[preimage.Request]:
        yield from requests(1)
        raise LookupError("no more pictures")

    with pytest.raises(LookupError, match="no more pictures"):
        [each async for each in client.submit_many(broken(), in_flight=1)]


async def test_none_in_flight_is_refused_at_once(client: preimage.AsyncClient) -> None:
    with pytest.raises(preimage.BadInput, match="in_flight"):
        await anext(client.submit_many(requests(1), in_flight=0))


async def test_no_requests_give_no_results(client: preimage.AsyncClient) -> None:
    assert [each async for each in client.submit_many([])] == []


async def test_a_task_that_is_cancelled_while_it_submits_leaves_no_job_behind(
    server: FakeServer,
) -> None:
    service, submitting = server.service, asyncio.Event()
    loop, go_on = asyncio.get_running_loop(), threading.Event()

    def hold(_request: object, _context: object, method: str) -> None:
        if method == "CreatePreimage":
            loop.call_soon_threadsafe(submitting.set)
            assert go_on.wait(60)

    service._note = hold
    async with preimage.AsyncClient(server.target) as client:
        task = asyncio.create_task(client.invert(messages.pixels(), model="hog", layer="hog"))
        await submitting.wait()
        task.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [job.state for job in service.jobs.values()] == [preimage_pb2.STATE_CANCELLED]


def test_a_job_that_is_accepted_after_the_loop_was_left_is_cancelled_too(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, submitting, left = server.service, threading.Event(), threading.Event()
    note, disband = service._note, many._Crew.disband

    def hold_the_second(request: Message, context: grpc.ServicerContext, method: str) -> None:
        if method == "CreatePreimage" and request.spec.seed == 1:
            submitting.set()
            assert left.wait(60)
        note(request, context, method)

    def leave(crew: many._Crew) -> None:
        disband(crew)
        left.set()

    service._note = hold_the_second
    service.gate = lambda _: submitting.wait(60)
    monkeypatch.setattr(many._Crew, "disband", leave)
    with preimage.Client(server.target) as client:
        stream = client.submit_many(requests(2), in_flight=2)
        assert next(stream).index == 0
        assert submitting.wait(60)
        stream.close()
    states = {job.spec.seed: job.state for job in service.jobs.values()}
    assert states == {0: preimage_pb2.STATE_SUCCEEDED, 1: preimage_pb2.STATE_CANCELLED}
