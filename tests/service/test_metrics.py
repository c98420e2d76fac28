"""What the frontend counts, and that its documentation names exactly that."""

import re
from pathlib import Path

import grpc
import pytest

from preimage.v1.preimage_service_pb2 import GetPreimageRequest, InvertRequest
from preimage_queue import QueueSettings
from preimage_service.metrics import Meters
from tests.service.patience import eventually
from tests.service.rich import refused
from tests.service.specs import create, from_code
from tests.service.stack import Stack, running
from tests.service.worker import FakeWorker

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics-service.md"
_SUFFIX = {"counter": "_total"}


def _call(method: str, code: str = "") -> dict[str, str]:
    labels = {
        "grpc_type": "unary_unary",
        "grpc_service": "preimage.v1.PreimageService",
        "grpc_method": method,
    }
    return labels | ({"grpc_code": code} if code else {})


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    exported = {
        (family.name + _SUFFIX.get(family.type, ""), family.type)
        for family in Meters().registry.collect()
        if not family.name.startswith("process_")
    }
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(rows) == exported


def test_the_page_names_every_label() -> None:
    page = PAGE.read_text("utf-8")
    for family in vars(Meters()).values():
        for label in getattr(family, "_labelnames", ()):
            assert label in page


async def test_calls_are_counted_by_method_and_status(stack: Stack, worker: FakeWorker) -> None:
    await stack.preimages.CreatePreimage(create())
    for _ in range(2):
        await refused(stack.preimages.GetPreimage(GetPreimageRequest(id="?")))
    assert stack.metric("grpc_server_started_total", **_call("GetPreimage")) == 2
    handled = "grpc_server_handled_total"
    assert stack.metric(handled, **_call("GetPreimage", "NOT_FOUND")) == 2
    assert stack.metric(handled, **_call("CreatePreimage", "OK")) == 1
    assert stack.metric("grpc_server_handling_seconds_count", **_call("GetPreimage")) == 2


async def test_a_call_that_runs_out_of_time_is_counted_as_such(
    stack: Stack, worker: FakeWorker
) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await stack.preimages.Invert(InvertRequest(spec=from_code()), timeout=0.2)
    labels = _call("Invert", "DEADLINE_EXCEEDED")
    await eventually(lambda: stack.metric("grpc_server_handled_total", **labels))
    assert stack.metric("grpc_server_handled_total", **labels) == 1


async def test_gauges_of_the_queue_follow_it(stack: Stack, worker: FakeWorker) -> None:
    for _ in range(2):
        await stack.preimages.CreatePreimage(create())
    worker.bury(worker.must_claim())
    worker.must_claim()
    await stack.preimages.CreatePreimage(create())
    await eventually(
        lambda: (
            stack.metric("preimage_queue_jobs", lane="all", state="running")
            and stack.metric("preimage_queue_jobs", lane="interactive", state="queued") == 1
        )
    )
    assert stack.metric("preimage_queue_jobs", lane="batch", state="queued") == 0
    assert stack.metric("preimage_queue_jobs", lane="all", state="dead") == 1
    assert stack.metric("preimage_queue_workers") == 1
    (queued,) = (await stack.backend.queue.stats()).queued_cost_by_pool.values()
    assert stack.metric("preimage_queue_lane_steps") == queued > 0
    assert stack.metric("preimage_redis_up") == 1
    assert stack.metric("preimage_queue_bytes")
    assert stack.metric("preimage_redis_memory_bytes")
    assert stack.metric("preimage_queue_audits") == 0


async def test_work_that_waits_is_counted_in_lane_steps(stack: Stack, worker: FakeWorker) -> None:
    for restarts in (1, 2):
        request = create()
        request.spec.restarts, request.spec.optimiser.steps = restarts, 50
        await stack.preimages.CreatePreimage(request)
    await eventually(lambda: stack.metric("preimage_queue_lane_steps") == 50 + 2 * 50)


async def test_a_redis_that_may_lose_jobs_shows_which_safeguard_is_missing(stack: Stack) -> None:
    await eventually(lambda: stack.metric("preimage_redis_safeguards", safeguard="no_eviction"))
    assert stack.metric("preimage_redis_safeguards", safeguard="append_only") == 0
    assert stack.metric("preimage_redis_safeguards", safeguard="last_write") == 1


def test_counters_begin_at_zero_so_that_their_first_event_is_a_rate() -> None:
    samples = [
        sample.value
        for family in Meters().registry.collect()
        if family.type == "counter" and family.name.startswith("preimage_")
        for sample in family.samples
        if sample.name.endswith("_total")
    ]
    assert len(samples) > 15
    assert set(samples) == {0.0}


async def test_rejections_are_counted_by_reason(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings) as stack:
        FakeWorker(worker.queue, slots=1).announce()
        request = create()
        request.spec.restarts = 2
        await refused(stack.preimages.CreatePreimage(request))
        assert stack.metric("preimage_admission_rejections_total", reason="TOO_WIDE") == 1
