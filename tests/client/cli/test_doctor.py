"""`preimage doctor` against a service that is well, ill, or absent."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from preimage.embedded import children
from preimage.v1 import admin_service_pb2 as wire
from preimage.v1 import admin_service_pb2_grpc, spec_pb2
from tests.client.cli.conftest import Run
from tests.client.refusals import Refusal, unavailable


class FakeAdmin(admin_service_pb2_grpc.AdminServiceServicer):
    def __init__(self) -> None:
        self.refusal: Refusal | None = None
        self.workers = [
            wire.Worker(name="w1", device="cpu", slots=16, active_slots=3, version="0.1.0")
        ]
        self.stats = wire.GetQueueStatsResponse(
            lanes=[wire.LaneStats(lane=spec_pb2.LANE_BATCH, queued=4)],
            running=3,
            redis=wire.RedisStats(
                version="7.0.15",
                used_memory_bytes=2**20,
                eviction_policy="noeviction",
                append_only=True,
            ),
        )

    def ListWorkers(  # noqa: N802 - the contract's name
        self, request: wire.ListWorkersRequest, context: grpc.ServicerContext
    ) -> wire.ListWorkersResponse:
        if self.refusal is not None:
            self.refusal.raise_in(context)
        return wire.ListWorkersResponse(workers=self.workers)

    def GetQueueStats(  # noqa: N802 - the contract's name
        self, request: wire.GetQueueStatsRequest, context: grpc.ServicerContext
    ) -> wire.GetQueueStatsResponse:
        return self.stats


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAdmin]:
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = FakeAdmin()  # type: ignore[abstract]  # the rest is not called
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    monkeypatch.setenv("PREIMAGE_ADMIN_TARGET", f"127.0.0.1:{port}")
    monkeypatch.delenv("PREIMAGE_WEIGHTS_DIR", raising=False)
    server.start()
    yield servicer
    server.stop(None).wait()


def _findings(run: Run) -> dict[str, dict[str, Any]]:
    found = json.loads(run("doctor", "--json").stdout)["findings"]
    return {each["subject"]: each for each in found}


def test_a_well_service_is_fine(run: Run, admin: FakeAdmin) -> None:
    ended = run("doctor")
    assert ended.exit_code == 0
    assert "✗" not in ended.stdout
    assert "worker w1: cpu, 3 of 16 lanes busy" in ended.stdout
    assert "queue: 4 jobs wait, 3 run." in ended.stdout
    assert "redis: Version 7.0.15, 1.0 MiB in use." in ended.stdout


@pytest.mark.parametrize(
    ("ill", "subject", "advice"),
    [
        ({"append_only": False}, "redis persistence", "CONFIG SET appendonly yes"),
        (
            {"eviction_policy": "allkeys-lru"},
            "redis eviction",
            "CONFIG SET maxmemory-policy noeviction",
        ),
        ({"maximum_memory_bytes": 2**20}, "redis memory", "maxmemory"),
    ],
)
def test_a_redis_that_would_lose_jobs_is_wrong(
    run: Run, admin: FakeAdmin, ill: dict[str, Any], subject: str, advice: str
) -> None:
    for setting, value in ill.items():
        setattr(admin.stats.redis, setting, value)
    finding = _findings(run)[subject]
    assert finding["verdict"] == "wrong"
    assert advice in finding["advice"]
    assert run("doctor").exit_code == 1


def test_no_worker_is_wrong(run: Run, admin: FakeAdmin) -> None:
    admin.workers.clear()
    finding = _findings(run)["workers"]
    assert (finding["verdict"], finding["advice"]) == ("wrong", "Start one: `preimage work`.")


def test_an_auditor_is_called_one_and_inverts_nothing(run: Run, admin: FakeAdmin) -> None:
    admin.workers.append(
        wire.Worker(name="a1", device="cpu", slots=1, version="0.1.0", audits=True)
    )
    said = _findings(run)["auditor a1"]["sentence"]
    assert said == "cpu, waits for an audit, preimage 0.1.0."
    admin.workers[-1].active_slots = 1
    assert "carries out an audit" in _findings(run)["auditor a1"]["sentence"]
    del admin.workers[0]
    assert _findings(run)["workers"]["verdict"] == "wrong", "nobody is left who inverts"


def test_a_service_that_has_lost_its_redis_is_not_called_absent(run: Run, admin: FakeAdmin) -> None:
    admin.refusal = unavailable()
    finding = _findings(run)["admin"]
    assert finding["verdict"] == "wrong"
    assert finding["sentence"].startswith("The queue cannot be reached.")
    assert "--admin-target" not in finding["advice"]


def test_a_caller_who_is_no_operator_has_nothing_wrong(run: Run, admin: FakeAdmin) -> None:
    denied = grpc.StatusCode.PERMISSION_DENIED
    admin.refusal = Refusal(denied, "ListWorkers needs the scope 'admin'.", "PERMISSION_DENIED")
    assert "· admin: ListWorkers needs the scope 'admin'." in run("doctor").stdout
    assert run("doctor").exit_code == 0


def test_a_caller_who_names_no_admin_service_has_nothing_wrong_where_none_answers(
    run: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREIMAGE_ADMIN_TARGET")
    monkeypatch.setattr("preimage.cli.doctor.DEFAULT_ADMIN_TARGET", "127.0.0.1:1")
    finding = _findings(run)["admin"]
    assert (finding["verdict"], run("doctor").exit_code) == ("note", 0)
    assert "--admin-target" in finding["advice"]
    named = run("doctor", "--admin-target", "127.0.0.1:1")
    assert named.exit_code == 1
    assert "✗ admin: The AdminService does not answer at 127.0.0.1:1." in named.stdout


def test_for_a_service_elsewhere_nobody_is_asked_on_this_machine(
    run: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.environ["PREIMAGE_ADMIN_TARGET"]
    monkeypatch.delenv("PREIMAGE_ADMIN_TARGET")
    monkeypatch.setattr("preimage.cli.doctor.DEFAULT_ADMIN_TARGET", here)
    monkeypatch.setattr("preimage.cli.doctor.service_findings", lambda _: iter(()))
    ended = run("doctor", "--target", "service.example:8790")
    assert ended.exit_code == 0
    assert "· admin: The AdminService was not asked" in ended.stdout
    assert "worker w1" not in ended.stdout
    assert "worker w1" in run("doctor").stdout, "that of a service on this machine is looked for"


def test_dead_letters_are_worth_a_note(run: Run, admin: FakeAdmin) -> None:
    admin.stats.dead_letters = 2
    assert _findings(run)["dead letters"]["verdict"] == "note"


def test_a_folder_of_weights_that_is_none_is_wrong(
    run: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_WEIGHTS_DIR", "/nowhere")
    assert _findings(run)["weights"]["verdict"] == "wrong"


def test_an_absent_service_is_wrong_and_the_rest_is_still_looked_at(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_TARGET", "127.0.0.1:1")
    monkeypatch.setenv("PREIMAGE_ADMIN_TARGET", "127.0.0.1:1")
    ended = run("doctor")
    assert ended.exit_code == 1
    assert "preimage up" in ended.stdout
    assert "✓ versions" in ended.stdout
    assert "✗ admin" in ended.stdout


def test_every_extra_is_looked_for(
    run: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(children._EXTRAS, "ui", ("there_is_no_such_module",))
    said = run("doctor").stdout
    assert (
        "extra ui: Not installed; only `preimage ui` needs it. `pip install 'preimage[ui]'`."
        in said
    )
    assert all(f"extra {each}: Installed." in said for each in ("service", "worker", "tracing"))
