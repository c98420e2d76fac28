"""Listing, cancelling and deleting jobs."""

import grpc
import pytest

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1.preimage_service_pb2 import (
    CancelPreimageRequest,
    DeletePreimageRequest,
    GetPreimageRequest,
    ListPreimagesRequest,
    PreimageFilter,
)
from tests.service.rich import refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack
from tests.service.worker import FakeWorker


async def _made(stack: Stack, request_id: str = "") -> str:
    return (await stack.preimages.CreatePreimage(create(request_id=request_id))).preimage.id


async def test_a_list_goes_from_new_to_old_page_by_page(stack: Stack, worker: FakeWorker) -> None:
    made = [await _made(stack) for _ in range(5)]
    seen: list[str] = []
    token = ""
    while True:
        page = await stack.preimages.ListPreimages(
            ListPreimagesRequest(page_size=2, page_token=token)
        )
        assert len(page.preimages) <= 2
        seen += [preimage.id for preimage in page.preimages]
        token = page.next_page_token
        if not token:
            break
    assert set(seen) == set(made)
    assert seen == sorted(made, reverse=True)


async def test_a_list_has_specifications_but_no_results(stack: Stack, worker: FakeWorker) -> None:
    await _made(stack, request_id="named")
    worker.succeed(worker.must_claim())
    (only,) = (await stack.preimages.ListPreimages(ListPreimagesRequest())).preimages
    assert (only.request_id, only.state) == ("named", preimages.STATE_SUCCEEDED)
    assert only.spec.representation.layer == "conv"
    assert not only.HasField("result")


async def test_a_filter_selects_by_state_model_and_layer(stack: Stack, worker: FakeWorker) -> None:
    conv = await _made(stack)
    spec = from_code(code(10), "fc")
    dense = (await stack.preimages.CreatePreimage(create(spec))).preimage.id
    hog = (
        await stack.preimages.CreatePreimage(create(from_picture(png(32, 32), "hog")))
    ).preimage.id
    await stack.preimages.CancelPreimage(CancelPreimageRequest(id=dense))

    async def ids(**wish: object) -> set[str]:
        request = ListPreimagesRequest(filter=PreimageFilter(**wish))  # type: ignore[arg-type]
        return {each.id for each in (await stack.preimages.ListPreimages(request)).preimages}

    assert await ids() == {conv, dense, hog}
    assert await ids(states=[preimages.STATE_QUEUED]) == {conv, hog}
    assert await ids(states=[preimages.STATE_QUEUED, preimages.STATE_CANCELLED]) == {
        conv,
        dense,
        hog,
    }
    assert await ids(model="toy") == {conv, dense}
    assert await ids(model="toy", layer="conv") == {conv}
    assert await ids(model="toy", states=[preimages.STATE_RUNNING]) == set()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ListPreimagesRequest(page_size=-1), "page_size"),
        (ListPreimagesRequest(page_size=201), "page_size"),
        (ListPreimagesRequest(page_token="somewhere"), "page_token"),
        (
            ListPreimagesRequest(filter=PreimageFilter(states=[preimages.STATE_UNSPECIFIED])),
            "filter.states[0]",
        ),
        (ListPreimagesRequest(filter=PreimageFilter(states=[1, 9])), "filter.states[1]"),  # type: ignore[list-item]
    ],
)
async def test_a_wrong_listing_is_refused(
    stack: Stack, request_: ListPreimagesRequest, field: str
) -> None:
    error = await refused(stack.preimages.ListPreimages(request_))
    assert list(error.fields) == [field]


async def test_a_queued_job_is_cancelled_at_once(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    request = CancelPreimageRequest(id=job_id, reason="changed my mind")
    cancelled = (await stack.preimages.CancelPreimage(request)).preimage
    assert cancelled.state == preimages.STATE_CANCELLED
    assert cancelled.cancel_reason == "changed my mind"
    assert worker.claim() is None
    again = (await stack.preimages.CancelPreimage(CancelPreimageRequest(id=job_id))).preimage
    assert again == cancelled


async def test_a_running_job_is_asked_to_stop(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    claimed = worker.must_claim()
    asked = (await stack.preimages.CancelPreimage(CancelPreimageRequest(id=job_id))).preimage
    assert asked.state == preimages.STATE_RUNNING
    worker.succeed(claimed)
    done = (await stack.preimages.CancelPreimage(CancelPreimageRequest(id=job_id))).preimage
    assert done.state == preimages.STATE_SUCCEEDED


async def test_a_long_reason_is_refused(stack: Stack, worker: FakeWorker) -> None:
    request = CancelPreimageRequest(id=await _made(stack), reason="x" * 201)
    error = await refused(stack.preimages.CancelPreimage(request))
    assert list(error.fields) == ["reason"]


async def test_an_ended_job_can_be_deleted_a_living_one_cannot(
    stack: Stack, worker: FakeWorker
) -> None:
    job_id = await _made(stack)
    error = await refused(stack.preimages.DeletePreimage(DeletePreimageRequest(id=job_id)))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.preconditions == [("PREIMAGE_NOT_TERMINAL", f"preimages/{job_id}")]
    worker.succeed(worker.must_claim())
    await stack.preimages.DeletePreimage(DeletePreimageRequest(id=job_id))
    for call in (
        stack.preimages.GetPreimage(GetPreimageRequest(id=job_id)),
        stack.preimages.DeletePreimage(DeletePreimageRequest(id=job_id)),
        stack.preimages.CancelPreimage(CancelPreimageRequest(id=job_id)),
    ):
        assert (await refused(call)).reason == "PREIMAGE_NOT_FOUND"
