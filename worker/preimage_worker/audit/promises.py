"""What a defence's noise promises whatever the attacker does, on the scale of the measures."""

import math

from preimage_worker.audit.material import Codes
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import Bounds
from preimage_worker.audit.releases import Released
from preimage_worker.inversion.defences.guarantees import guarantees
from preimage_worker.inversion.fisher import ErrorBounds

_SQUARED_LEVELS = 255.0**2

_DETERMINISTIC = Missing("A defence without noise bounds no attacker's error.")
_ROUGH = Missing(
    "What comes before the noise steps or chooses, so its derivatives bound no attacker's error."
)


def promises(
    plan: AuditPlan, codes: Codes, released: Released
) -> tuple[Bounds | Missing, float | None]:
    """Bounds on errors, and μ of local Gaussian differential privacy."""
    found = guarantees(
        codes.representation,
        released.fitted.to(plan.device),
        codes.canvases,
        codes.variance,
        releases=plan.releases,
        probes=plan.profile.probes,
        seed=plan.seed,
    )
    if found.errors is not None:
        return _bounds(found.errors, plan.profile.probes), found.gaussian_dp
    return (_ROUGH if released.noisy else _DETERMINISTIC), found.gaussian_dp


def _bounds(errors: ErrorBounds, probes: int) -> Bounds:
    unbiased = errors.unbiased / _SQUARED_LEVELS
    return Bounds(
        dfil=float(errors.dfil.mean()) * _SQUARED_LEVELS,
        unbiased_mse=unbiased if math.isfinite(unbiased) else None,
        van_trees_mse=errors.van_trees / _SQUARED_LEVELS,
        mean_picture_mse=errors.mean_picture / _SQUARED_LEVELS,
        informative=errors.informative,
        probes=probes,
    )
