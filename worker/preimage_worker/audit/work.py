"""How much a plan asks for, before anything is computed."""

from dataclasses import dataclass
from typing import final

from preimage_worker.audit.aims import wanted
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.inversion.defences.chain import Chain


@final
@dataclass(frozen=True)
class Work:
    """Of all cells of one layer, or of the control."""

    layer: str
    cells: int
    attempts_most: int
    """Inversions, if every budget is doubled as often as the profile allows."""
    passes_least: int
    """Through the layer, forwards and mostly backwards, if no budget is doubled."""
    passes_most: int
    """The same, if every one is."""


def work(plan: AuditPlan) -> tuple[Work, ...]:
    """The control, then the plan's layers; without the control where nothing is inverted."""
    shown = min(plan.effort.control_pictures, len(plan.targets))
    control = _work(plan, plan.control_layer, (Chain(),), shown, probed=0)
    layers = tuple(
        _work(plan, layer, plan.defences, len(plan.targets), probed=plan.effort.probes)
        for layer in plan.layers
    )
    return (control, *layers) if control.attempts_most else layers


def _work(
    plan: AuditPlan, layer: str, chains: tuple[Chain, ...], targets: int, *, probed: int
) -> Work:
    profile = plan.effort
    lanes = sum(len(wanted(plan, chain)) for chain in chains) * targets
    lanes *= len(profile.prior_factors) * profile.restarts
    pictures = targets + len(plan.auxiliary)
    noisy = sum(not chain.deterministic for chain in chains)
    once = pictures + noisy * targets * probed
    return Work(
        layer=layer,
        cells=len(chains),
        attempts_most=lanes * len(profile.budgets),
        passes_least=once + lanes * profile.steps,
        passes_most=once + lanes * sum(profile.budgets),
    )
