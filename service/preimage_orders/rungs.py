"""Which attackers an audit tries, and what its verdicts will be unable to say."""

from collections.abc import Iterator
from typing import Final

from preimage.v1 import audit_pb2 as wire
from preimage_orders.defences import stage_names

RUNGS: Final = tuple(
    each for each in wire.AuditRung.values() if each != wire.AUDIT_RUNG_UNSPECIFIED
)
"""That a caller can choose: B0 is always there."""
LEAST_TARGETS: Final = 100
"""For an absence: of 0 in 24 the upper limit is 13.8 %, of 0 in 100 it is 3.7 %."""
_NOISES: Final = frozenset({"gaussian", "laplace"})
_KEEPING: Final = frozenset({"topk", "prune"})
_ONCE, _NAIVE, _KNOWING = wire.AUDIT_RUNG_A2, wire.AUDIT_RUNG_A3, wire.AUDIT_RUNG_A4


def rung_name(rung: wire.AuditRung.ValueType) -> str:
    """As people say it: "A3"."""
    return wire.AuditRung.Name(rung).removeprefix("AUDIT_RUNG_")


def rungs_of(spec: wire.AuditSpec) -> frozenset[wire.AuditRung.ValueType]:
    """Those that are climbed: A2 is the first step of A3, and brings it along beside A4."""
    asked = frozenset(spec.rungs or RUNGS)
    return asked | {_NAIVE} if asked >= {_ONCE, _KNOWING} else asked


def inverts(spec: wire.AuditSpec) -> bool:
    """Whether any inverting attacker is asked for."""
    return bool(rungs_of(spec) & {_ONCE, _NAIVE, _KNOWING})


def inverts_once(spec: wire.AuditSpec) -> bool:
    """Whether of all inverting attackers only the one is asked for who tries once."""
    return not rungs_of(spec) & {_NAIVE, _KNOWING}


def inverters_of(spec: wire.AuditSpec) -> int:
    """Inverting attackers of all cells of one layer.

    One who knows no defence, and one who does; two of those where elements are known to be small.
    """
    asked = rungs_of(spec)
    one, two = bool(asked & {_ONCE, _NAIVE}), _KNOWING in asked
    both, either = one + two, int(one or two)
    alike = sum(_is_noise(each.chain) for each in spec.defences) if spec.releases <= 1 else 0
    doubtful = two * sum(_is_doubtful(each.chain) for each in spec.defences)
    return either * (1 + alike) + both * (len(spec.defences) - alike) + doubtful


def remarks_on(spec: wire.AuditSpec, targets: int) -> Iterator[str]:
    """Why verdicts will not say that nothing was recovered, as far as that is known before."""
    left = [rung_name(each) for each in RUNGS if each not in rungs_of(spec)]
    if left:
        yield f"Rungs left out by the caller: {', '.join(left)}; so absence cannot be said."
    if spec.profile in {wire.AUDIT_PROFILE_UNSPECIFIED, wire.AUDIT_PROFILE_QUICK}:
        yield "The profile quick shows leaks, and never that there are none."
    if targets < LEAST_TARGETS:
        yield f"{targets} targets are too few to show an absence; it takes {LEAST_TARGETS}."


def _is_doubtful(chain: str) -> bool:
    """Whether at its end some elements are kept, and others only known to be small."""
    return stage_names(chain)[-1] in _KEEPING


def _is_noise(chain: str) -> bool:
    """Whether nothing but noise is in it: of one release there is nothing more to know then."""
    return _NOISES.issuperset(stage_names(chain))
