"""The audit log: who did what to which job, without payloads and without tokens."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from preimage.v1 import audit_service_pb2 as audits
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1.admin_service_pb2 import DrainWorkerRequest, ListWorkersRequest
from preimage.v1.model_service_pb2 import ListModelsRequest
from preimage_queue import QueueSettings
from preimage_service.audit import LOGGER, AuditLog, Trail
from preimage_service.errors import StartError
from tests.service.auditor import FakeAuditor
from tests.service.audits import messages
from tests.service.rich import refused
from tests.service.specs import create
from tests.service.stack import Stack, running
from tests.service.tokens import ADMIN, READ, SUBMIT, bearer, entry, write
from tests.service.worker import FakeWorker

SECRET = "a-secret-of-the-tests"
WHO = bearer(SECRET)
SERVICE = "preimage.v1.PreimageService"


@dataclass
class Audited:
    """A frontend whose audit log is a file."""

    stack: Stack
    file: Path

    @property
    def text(self) -> str:
        return self.file.read_text("utf-8")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
async def audited(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> AsyncIterator[Audited]:
    log = tmp_path / "audit.log"
    file = write(
        tmp_path,
        entry("laptop", SECRET, scopes=(SUBMIT, READ, ADMIN)),
        entry("reader", "reader", scopes=(READ,)),
    )
    async with running(queue_settings, tokens=file, audit_log=str(log)) as stack:
        yield Audited(stack, log)


async def test_a_change_leaves_a_line_that_says_who_what_and_how_it_ended(
    audited: Audited,
) -> None:
    preimages = audited.stack.preimages
    made = (await preimages.CreatePreimage(create(), metadata=WHO)).preimage
    await preimages.CancelPreimage(wire.CancelPreimageRequest(id=made.id), metadata=WHO)
    await preimages.DeletePreimage(wire.DeletePreimageRequest(id=made.id), metadata=WHO)
    lines = audited.lines
    methods = ("CreatePreimage", "CancelPreimage", "DeletePreimage")
    assert [line["method"] for line in lines] == [f"{SERVICE}/{name}" for name in methods]
    for line in lines:
        assert (line["caller"], line["tenant"]) == ("laptop", "acme")
        assert (line["id"], line["code"]) == (made.id, "OK")
        assert line["peer"].startswith("ipv4:127.0.0.1:")
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
        assert set(line) == {"time", "method", "caller", "tenant", "peer", "id", "code"}


async def test_what_is_done_to_audits_leaves_a_line_each(
    audited: Audited, auditor: FakeAuditor
) -> None:
    calls = audited.stack.audits
    made = (await calls.CreateAudit(iter(messages()), metadata=WHO)).audit
    await calls.GetAudit(audits.GetAuditRequest(id=made.id), metadata=WHO)
    await calls.CancelAudit(audits.CancelAuditRequest(id=made.id), metadata=WHO)
    await calls.DeleteAudit(audits.DeleteAuditRequest(id=made.id), metadata=WHO)
    assert [line["method"] for line in audited.lines] == [
        f"preimage.v1.AuditService/{name}" for name in ("CreateAudit", "CancelAudit", "DeleteAudit")
    ]
    assert {(line["id"], line["code"]) for line in audited.lines} == {(made.id, "OK")}


async def test_every_call_of_an_operator_leaves_a_line(audited: Audited) -> None:
    await audited.stack.admin.ListWorkers(ListWorkersRequest(), metadata=WHO)
    await refused(audited.stack.admin.DrainWorker(DrainWorkerRequest(name="nobody"), metadata=WHO))
    assert [(line["method"], line["id"], line["code"]) for line in audited.lines] == [
        ("preimage.v1.AdminService/ListWorkers", None, "OK"),
        ("preimage.v1.AdminService/DrainWorker", "nobody", "NOT_FOUND"),
    ]


async def test_reading_leaves_none_unless_it_is_refused(audited: Audited) -> None:
    models = audited.stack.models
    await models.ListModels(ListModelsRequest(), metadata=WHO)
    await refused(models.ListModels(ListModelsRequest(), metadata=bearer("wrong")))
    await refused(audited.stack.preimages.CreatePreimage(create(), metadata=bearer("reader")))
    assert [(line["caller"], line["tenant"], line["code"]) for line in audited.lines] == [
        (None, None, "UNAUTHENTICATED"),
        ("reader", "acme", "PERMISSION_DENIED"),
    ]


async def test_a_refused_request_is_told_by_its_code(audited: Audited) -> None:
    request = create()
    request.spec.representation.layer = "no-such-layer"
    await refused(audited.stack.preimages.CreatePreimage(request, metadata=WHO))
    (line,) = audited.lines
    assert (line["code"], line["id"]) == ("INVALID_ARGUMENT", None)


async def test_neither_tokens_nor_payloads_are_in_it(audited: Audited) -> None:
    secret_reason = "words-of-the-caller"
    preimages = audited.stack.preimages
    made = (await preimages.CreatePreimage(create(), metadata=WHO)).preimage
    cancelling = wire.CancelPreimageRequest(id=made.id, reason=secret_reason)
    await preimages.CancelPreimage(cancelling, metadata=WHO)
    await refused(preimages.CreatePreimage(create(), metadata=bearer("wrong-secret")))
    for word in (SECRET, "wrong-secret", "Bearer", secret_reason, "conv", "toy"):
        assert word not in audited.text
    assert len(audited.lines) == 3


async def test_a_name_from_outside_is_cut_and_cannot_begin_a_line(audited: Audited) -> None:
    name = "x\n{}" + "y" * 10_000
    await refused(
        audited.stack.preimages.CancelPreimage(wire.CancelPreimageRequest(id=name), metadata=WHO)
    )
    (line,) = audited.lines
    assert line["id"] == name[:128]


def test_a_file_that_cannot_be_written_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="PREIMAGE_AUDIT_LOG"):
        AuditLog(str(tmp_path / "no" / "folder"))


@pytest.mark.parametrize(
    ("where", "kind"), [("stderr", logging.StreamHandler), ("off", logging.NullHandler)]
)
def test_it_may_go_to_stderr_or_nowhere(where: str, kind: type[logging.Handler]) -> None:
    before = list(logging.getLogger(LOGGER).handlers)
    log = AuditLog(where)
    (added,) = [each for each in logging.getLogger(LOGGER).handlers if each not in before]
    assert type(added) is kind
    log.close()
    assert logging.getLogger(LOGGER).handlers == before


def test_a_file_that_was_rotated_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    log = AuditLog(str(path))
    log.write(SERVICE, "Invert", "peer", Trail(), "OK")
    path.rename(tmp_path / "audit.log.1")
    log.write(SERVICE, "Invert", "peer", Trail(), "OK")
    log.close()
    assert len(path.read_text("utf-8").splitlines()) == 1
