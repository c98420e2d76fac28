"""Requests for audits that are right, to be made wrong in one place."""

from collections.abc import Iterable
from typing import Any

from preimage.v1 import audit_pb2 as audits
from preimage.v1 import audit_service_pb2 as wire
from tests.service.specs import png
from tests.service.stack import Stack

TARGET, AUXILIARY = audits.AUDIT_ROLE_TARGET, audits.AUDIT_ROLE_AUXILIARY
SPEC = "header.spec"


def spec(**changes: Any) -> audits.AuditSpec:
    given: dict[str, Any] = {
        "model": "toy",
        "layers": ["conv", "fc"],
        "defences": [audits.Defence(chain="gaussian:rel_rms=0.3")],
        "own_these_pictures": True,
    }
    return audits.AuditSpec(**(given | changes))


def pictures(
    targets: int = 1, auxiliary: int = 2
) -> list[tuple[audits.AuditRole.ValueType, bytes]]:
    """Pictures of different sizes, so that no two files are the same."""
    roles = [TARGET] * targets + [AUXILIARY] * auxiliary
    return [(role, png(8, 8 + index)) for index, role in enumerate(roles)]


def messages(
    asked: audits.AuditSpec | None = None,
    sent: Iterable[tuple[audits.AuditRole.ValueType, bytes]] | None = None,
    request_id: str = "",
) -> list[wire.CreateAuditRequest]:
    header = wire.AuditHeader(spec=asked or spec(), request_id=request_id)
    parts = [wire.CreateAuditRequest(header=header)]
    for role, encoded in pictures() if sent is None else sent:
        picture = audits.AuditPicture(role=role, encoded=encoded)
        parts.append(wire.CreateAuditRequest(picture=picture))
    return parts


async def made(stack: Stack, *parts: Any, **named: Any) -> audits.Audit:
    return (await stack.audits.CreateAudit(iter(messages(*parts, **named)))).audit
