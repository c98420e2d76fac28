"""What the receiver gets under a defence, and what it can make of other pictures by itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from preimage_worker.audit.material import Codes
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.defences.grammar import spell
from preimage_worker.inversion.defences.stage import Noise


@final
@dataclass(frozen=True, eq=False)
class Released:
    """A layer's codes under a defence, on the CPU."""

    chain: Chain
    fitted: Fitted
    """The owner's."""
    known: Fitted
    """The attacker's: with another key, where the defence has one."""
    targets: Tensor
    """`(n, releases, *released_shape)`: all that the receiver gets of each target."""
    auxiliary: Tensor
    """`(m, *released_shape)`: what the attacker makes of its own pictures, as many releases
    averaged."""
    candidates: Tensor
    """`(n + m, *released_shape)`: of targets and auxiliary pictures, as the attacker would release
    them without noise."""

    @property
    def name(self) -> str:
        """In the words of the command line."""
        return spell(self.chain)

    @property
    def mean(self) -> Tensor:
        """`(n, *released_shape)`: the targets' releases averaged."""
        return self.targets.mean(1)

    @property
    def noisy(self) -> bool:
        """Whether two releases of a code differ."""
        return not self.fitted.deterministic


def release(plan: AuditPlan, codes: Codes, chain: Chain) -> Released:
    """Fits the defence to the auxiliary pictures and releases the targets' codes.

    Raises:
        DefenceError: the defence is not for such codes.
    """
    layout = plan.subject.layout(codes.layer)
    fitted = chain.fit(codes.auxiliary, layout=layout, key=plan.key)
    known = fitted.guessed()
    everything = range(len(codes.clean))
    own, other = everything[: codes.count], everything[codes.count :]

    def releases(of: Fitted, clean: Tensor, indices: range) -> Iterator[Tensor]:
        return (of.release(clean, plan.seed, indices, number) for number in range(plan.releases))

    return Released(
        chain=chain,
        fitted=fitted,
        known=known,
        targets=torch.stack(tuple(releases(fitted, codes.targets, own)), dim=1),
        auxiliary=_mean(releases(known, codes.auxiliary, other)),
        candidates=_without_noise(known).release(codes.clean, plan.seed, everything),
    )


def _mean(of: Iterator[Tensor]) -> Tensor:
    """In the memory of the first: codes are large."""
    total, count = next(of), 1
    for each in of:
        total += each
        count += 1
    return total.div_(count)


def _without_noise(fitted: Fitted) -> Fitted:
    kept = (each for each in fitted.stages if not isinstance(each.stage, Noise))
    return replace(fitted, stages=tuple(kept))
