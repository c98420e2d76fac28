"""Requests about audits, right ones and streams that are mostly right."""

from random import Random

from google.protobuf.message import Message

from preimage.v1 import audit_pb2 as audits
from preimage.v1 import audit_service_pb2 as wire
from preimage.v1.tensor_pb2 import PictureSize
from tests.fuzz.messages import mutated_bytes
from tests.service.specs import png

_ONE = "0" * 32


def spec() -> audits.AuditSpec:
    """An audit with something in every field."""
    return audits.AuditSpec(
        model="toy",
        layers=["conv", "fc"],
        input_size=PictureSize(height=8, width=9),
        independent_model="hog",
        independent_layer="hog",
        defences=[
            audits.Defence(chain="clip:rel_norm=1+gaussian:rel_rms=0.3"),
            audits.Defence(chain="drop_channels:fraction=0.5,seed=3"),
        ],
        profile=audits.AUDIT_PROFILE_STANDARD,
        budget=audits.AttackBudget(steps=50, doublings=2, restarts=2, preset="auto"),
        pictures=audits.REPORT_PICTURES_THUMBNAIL,
        own_these_pictures=True,
        seed=5,
        rungs=[audits.AUDIT_RUNG_A1, audits.AUDIT_RUNG_A4],
        releases=3,
    )


def requests() -> dict[str, list[Message]]:
    """Valid requests, by method."""
    return {
        "PlanAudit": [wire.PlanAuditRequest(spec=spec(), targets=3, auxiliary=4)],
        "GetAudit": [wire.GetAuditRequest(id=_ONE)],
        "WatchAudit": [wire.WatchAuditRequest(id=_ONE, resume_token="1-1+0")],
        "GetAuditReport": [wire.GetAuditReportRequest(id=_ONE, format=2)],
        "CancelAudit": [wire.CancelAuditRequest(id=_ONE, reason="r")],
        "DeleteAudit": [wire.DeleteAuditRequest(id=_ONE)],
    }


def stream(dice: Random) -> list[bytes]:
    """The messages of CreateAudit, some mutated, in an order that is mostly right."""
    header = wire.AuditHeader(spec=spec(), request_id=f"fuzz-{dice.randrange(1000)}")
    roles = (audits.AUDIT_ROLE_TARGET, audits.AUDIT_ROLE_AUXILIARY, audits.AUDIT_ROLE_AUXILIARY)
    parts = [wire.CreateAuditRequest(header=header)]
    for index, role in enumerate(roles):
        picture = audits.AuditPicture(role=role, encoded=png(8, 8 + index))
        parts.append(wire.CreateAuditRequest(picture=picture))
    sent = [
        mutated_bytes(dice, part) if dice.random() < 0.2 else bytes(part.SerializeToString())
        for part in parts
    ]
    if dice.random() < 0.2:
        dice.shuffle(sent)
    return sent[: dice.randrange(5)] if dice.random() < 0.2 else sent
