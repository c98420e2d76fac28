"""Errors of jobs: they end in the resource, as a google.rpc.Status with a reason."""

import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1.preimage_service_pb2 import ErrorReason, GetPreimageRequest
from preimage_queue import HandBackMode
from tests.service.patience import eventually
from tests.service.specs import create
from tests.service.stack import Stack
from tests.service.worker import FakeWorker


async def _failed(stack: Stack, job_id: str) -> tuple[preimages.Preimage, str]:
    """The resource of a failed job and the reason in its error."""
    job = (await stack.preimages.GetPreimage(GetPreimageRequest(id=job_id))).preimage
    assert job.state == preimages.STATE_FAILED
    info = ErrorInfo()
    assert job.error.details[0].Unpack(info)
    assert info.domain == "preimage"
    assert f"ERROR_REASON_{info.reason}" in ErrorReason.keys()  # noqa: SIM118  no mapping, an enum
    assert job.error.code != Code.OK
    assert job.error.message
    return job, info.reason


@pytest.mark.parametrize("reason", ["DIVERGED", "OUT_OF_MEMORY", "WORKER_ERROR", "INVALID_SPEC"])
async def test_what_a_worker_says_is_the_error_of_the_job(
    stack: Stack, worker: FakeWorker, reason: str
) -> None:
    job_id = (await stack.preimages.CreatePreimage(create())).preimage.id
    worker.fail(worker.must_claim(), reason)
    job, told = await _failed(stack, job_id)
    assert told == reason
    assert job.error.message == f"It ended with {reason}."


async def test_a_job_that_workers_die_of_ends_with_max_deliveries(
    stack: Stack, worker: FakeWorker
) -> None:
    job_id = (await stack.preimages.CreatePreimage(create())).preimage.id
    for _ in range(worker.queue.settings.max_deliveries):
        claimed = worker.must_claim()
        worker.queue.hand_back(
            [(claimed.id, claimed.attempt)], HandBackMode.FAIL, reason="LEASE_EXPIRED"
        )
    job, reason = await _failed(stack, job_id)
    assert reason == "MAX_DELIVERIES"
    assert (job.error.code, job.attempt) == (Code.ABORTED, 3)


async def test_a_job_that_cannot_start_in_time_ends_with_its_deadline(
    stack: Stack, worker: FakeWorker
) -> None:
    request = create()
    request.spec.deadline.FromMilliseconds(1)
    job_id = (await stack.preimages.CreatePreimage(request)).preimage.id

    async def failed() -> bool:
        page = await stack.preimages.GetPreimage(GetPreimageRequest(id=job_id))
        return page.preimage.state == preimages.STATE_FAILED

    await eventually(failed)  # the frontend's own reaper finds it
    job, reason = await _failed(stack, job_id)
    assert reason == "DEADLINE_EXCEEDED"
    assert job.error.code == Code.DEADLINE_EXCEEDED
