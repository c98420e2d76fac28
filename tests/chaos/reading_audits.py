"""The end state of an audit, with all of its reports."""

import json
from dataclasses import replace

from preimage.v1 import audit_service_pb2 as wire
from preimage.v1.audit_service_pb2_grpc import AuditServiceStub
from tests.chaos.evidence import FinalJob, contents, lengths
from tests.chaos.history import History, digest_of_end
from tests.chaos.owners import FORMATS, report


async def read_audit(
    stub: AuditServiceStub, history: History, reader: str, found: FinalJob
) -> FinalJob:
    """What the service says of an audit that the queue holds.

    Raises:
        grpc.aio.AioRpcError: it says nothing.
    """
    audit = (await stub.GetAudit(wire.GetAuditRequest(id=found.id))).audit
    fetched = {name: await report(stub, history, reader, found.id, name) for name in FORMATS}
    served = {name: each for name, each in fetched.items() if each is not None}
    ended_well = found.state == "SUCCEEDED"
    files = {name: each and each[1] for name, each in fetched.items()} if ended_well else {}
    stated = {name: served[name][0] if name in served else 0 for name in files}
    return replace(
        found,
        audit=True,
        end=digest_of_end(audit),
        files=lengths(stated, files),
        served_without_result=bool(served) and not ended_well,
        contents=contents(files),
        ran=_subject(files.get("report.json")),
    )


def _subject(data: bytes | None) -> tuple[str, int]:
    """The layer that a report is about, and the audit's seed."""
    if data is None:
        return "", 0
    said = json.loads(data)
    (layer,) = {row["layer"] for row in said["rows"]}
    return layer, said["seed"]
