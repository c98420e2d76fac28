"""What owners of embeddings ask for: small audits of the tiny network, of a few kinds.

There are so few kinds that most audits equal another one: an audit has the same report whenever and
however often it is begun, and while both are under way their inversions share runs.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from preimage.v1 import audit_pb2
from preimage.v1 import audit_service_pb2 as wire
from tests.chaos.orders import LAYERS, MODEL, Wanted, random_picture

_CHAINS: Final[tuple[str, ...]] = ("", "pool:k=2")
KINDS: Final = 6
_ROLES: Final = {audit_pb2.AUDIT_ROLE_TARGET: 1, audit_pb2.AUDIT_ROLE_AUXILIARY: 2}
_STEPS: Final = 4
_DOUBLINGS: Final = 1
"""Two budgets: with the second one, the inversions of the first are removed."""


@dataclass(eq=False)
class AuditOrder:
    """An audit, for as long as it is not known what became of it and beyond."""

    header: wire.AuditHeader
    pictures: tuple[audit_pb2.AuditPicture, ...]
    wanted: Wanted
    tries: int = 0

    def messages(self) -> Iterator[wire.CreateAuditRequest]:
        """The stream that asks for it."""
        yield wire.CreateAuditRequest(header=self.header)
        for picture in self.pictures:
            yield wire.CreateAuditRequest(picture=picture)


@dataclass(eq=False)
class KnownAudit:
    """An audit that was accepted, as far as any owner knows."""

    id: str
    order: AuditOrder
    state: str = "QUEUED"
    deleted: bool = False
    """Whether anybody has tried to delete it."""


@dataclass(eq=False)
class Desk:
    """What all owners know together."""

    audits: dict[str, KnownAudit] = field(default_factory=dict)
    unanswered: list[AuditOrder] = field(default_factory=list)
    """Orders whose owner gave up before there was an answer."""
    wanted: dict[str, Wanted] = field(default_factory=dict)
    """What each request_id asks for."""

    def next_order(self, dice: random.Random, request_id: str) -> AuditOrder:
        """Another audit."""
        order = make_audit(dice.randrange(KINDS), request_id)
        self.wanted[request_id] = order.wanted
        return order

    def pick(self, dice: random.Random, *states: str) -> KnownAudit | None:
        """An audit in one of these states that nobody has deleted."""
        there = [each for each in self.audits.values() if each.state in states and not each.deleted]
        return dice.choice(there) if there else None


def make_audit(kind: int, request_id: str) -> AuditOrder:
    """An audit of one layer, behind no defence and for a third of the kinds behind one.

    The seed is the kind's own, so that no inversion equals one of another kind.
    """
    layer, chain = LAYERS[kind % len(LAYERS)], _CHAINS[kind // len(LAYERS) % len(_CHAINS)]
    spec = audit_pb2.AuditSpec(
        model=MODEL, layers=[layer], seed=kind, own_these_pictures=True, rungs=_rungs()
    )
    if chain:
        spec.defences.add(chain=chain)
    spec.budget.steps, spec.budget.doublings = _STEPS, _DOUBLINGS
    dice = random.Random(kind)
    pictures = tuple(
        audit_pb2.AuditPicture(role=role, encoded=random_picture(dice))
        for role, count in _ROLES.items()
        for _ in range(count)
    )
    wanted = Wanted(f"audit of kind {kind}", layer, kind)
    return AuditOrder(wire.AuditHeader(spec=spec, request_id=request_id), pictures, wanted)


def _rungs() -> list[audit_pb2.AuditRung.ValueType]:
    return [audit_pb2.AUDIT_RUNG_A3, audit_pb2.AUDIT_RUNG_A4]
