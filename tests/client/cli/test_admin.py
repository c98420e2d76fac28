"""`preimage admin …` against an AdminService behind a real channel."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from preimage.v1 import admin_service_pb2 as wire
from preimage.v1 import admin_service_pb2_grpc, preimage_pb2, spec_pb2
from tests.client.cli.conftest import Run

TOKEN = "an-operators"


class FakeAdmin(admin_service_pb2_grpc.AdminServiceServicer):
    """Knows one token, one worker and many dead letters."""

    def __init__(self) -> None:
        self.letters = [self._letter(number) for number in range(450)]
        self.pages: list[int] = []

    @staticmethod
    def _letter(number: int) -> wire.DeadLetter:
        letter = wire.DeadLetter(tenant="acme", deliveries=3)
        letter.preimage.id = f"job-{number}"
        letter.preimage.error.message = "Its worker was lost."
        letter.preimage.error.details.add().Pack(ErrorInfo(reason="MAX_DELIVERIES"))
        letter.preimage.spec.representation.model = "hog"
        letter.preimage.spec.representation.layer = "hog"
        return letter

    def _check(self, context: grpc.ServicerContext) -> None:
        if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "it needs the scope 'admin'")

    def ListWorkers(  # noqa: N802 - the contract's name
        self, request: wire.ListWorkersRequest, context: grpc.ServicerContext
    ) -> wire.ListWorkersResponse:
        self._check(context)
        worker = wire.Worker(name="w1", device="cpu", slots=16, active_slots=3, version="0.1.0")
        return wire.ListWorkersResponse(workers=[worker])

    def DrainWorker(  # noqa: N802 - the contract's name
        self, request: wire.DrainWorkerRequest, context: grpc.ServicerContext
    ) -> wire.DrainWorkerResponse:
        self._check(context)
        worker = wire.Worker(name=request.name, draining=True)
        return wire.DrainWorkerResponse(worker=worker)

    def GetQueueStats(  # noqa: N802 - the contract's name
        self, request: wire.GetQueueStatsRequest, context: grpc.ServicerContext
    ) -> wire.GetQueueStatsResponse:
        self._check(context)
        lane = wire.LaneStats(lane=spec_pb2.LANE_BATCH, queued=4)
        lane.oldest_age.FromMilliseconds(2500)
        redis = wire.RedisStats(version="7.0.15", used_memory_bytes=2**20)
        return wire.GetQueueStatsResponse(
            lanes=[lane], running=3, workers=1, slots=16, dead_letters=2, redis=redis
        )

    def ListDeadLetters(  # noqa: N802 - the contract's name
        self, request: wire.ListDeadLettersRequest, context: grpc.ServicerContext
    ) -> wire.ListDeadLettersResponse:
        self._check(context)
        self.pages.append(request.page_size)
        begin = int(request.page_token or 0)
        end = begin + request.page_size
        token = str(end) if end < len(self.letters) else ""
        letters = self.letters[begin:end]
        return wire.ListDeadLettersResponse(dead_letters=letters, next_page_token=token)

    def RequeueDeadLetter(  # noqa: N802 - the contract's name
        self, request: wire.RequeueDeadLetterRequest, context: grpc.ServicerContext
    ) -> wire.RequeueDeadLetterResponse:
        self._check(context)
        job = preimage_pb2.Preimage(id=request.id, state=preimage_pb2.STATE_QUEUED)
        return wire.RequeueDeadLetterResponse(preimage=job)


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAdmin]:
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = FakeAdmin()
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    monkeypatch.setenv("PREIMAGE_ADMIN_TARGET", f"127.0.0.1:{port}")
    monkeypatch.setenv("PREIMAGE_TOKEN", TOKEN)
    server.start()
    yield servicer
    server.stop(None).wait()


def _json(run: Run, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("admin", *arguments, "--json").stdout)
    return found


def test_workers_are_listed(run: Run, admin: FakeAdmin) -> None:
    shown = run("admin", "workers").stdout
    assert "w1" in shown
    assert "3/16" in shown
    (worker,) = _json(run, "workers")["workers"]
    assert (worker["name"], worker["active_slots"], worker["draining"]) == ("w1", 3, False)


def test_a_worker_is_asked_to_leave(run: Run, admin: FakeAdmin) -> None:
    assert run("admin", "drain", "w1").stderr == "w1 drains.\n"
    assert _json(run, "drain", "w1")["draining"] is True


def test_the_queue_is_shown_with_the_age_of_what_waits(run: Run, admin: FakeAdmin) -> None:
    shown = run("admin", "queue").stdout
    assert "2.5" in shown
    assert "3 run on 1 worker with 16 slots." in shown
    assert "Redis 7.0.15: 1.0 MiB in use." in shown
    assert int(_json(run, "queue")["running"]) == 3


def test_dead_letters_come_in_as_many_pages_as_are_asked_for(run: Run, admin: FakeAdmin) -> None:
    shown = " ".join(run("admin", "dead", "--limit", "1").stdout.split())
    assert "job-0 acme hog hog 3 MAX_DELIVERIES Its worker was lost." in shown
    assert "Its worker was lost." in run("admin", "dead").stdout
    assert admin.pages == [1, 20]
    found = _json(run, "dead", "--limit", "410")["dead_letters"]
    assert [each["preimage"]["id"] for each in found] == [f"job-{n}" for n in range(410)]
    assert admin.pages[2:] == [200, 200, 10]
    assert len(_json(run, "dead", "--limit", "1000")["dead_letters"]) == 450


def test_a_dead_letter_is_tried_again(run: Run, admin: FakeAdmin) -> None:
    assert run("admin", "requeue", "job-1").stderr == "job-1 waits again.\n"
    assert _json(run, "requeue", "job-1") == {"id": "job-1", "state": "QUEUED"}


@pytest.mark.parametrize(
    "command", [("workers",), ("drain", "w1"), ("queue",), ("dead",), ("requeue", "job-1")]
)
def test_without_the_scope_the_refusal_is_told(
    run: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PREIMAGE_TOKEN", "another")
    ended = run("admin", *command)
    assert ended.exit_code == 1
    assert "needs the scope 'admin'" in ended.stderr
    assert "Traceback" not in ended.output


def test_doctor_tells_the_refusal_too_and_what_calls_carry(
    run: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_TOKEN", "another")
    ended = run("doctor")
    assert "✗ admin: 127.0.0.1" in ended.stdout
    assert "needs the scope 'admin'" in ended.stdout
    assert "Calls carry a token from PREIMAGE_TOKEN and go without TLS." in ended.stdout
