"""What a defence promises whatever the attacker does: bounds that follow from its noise alone.

What comes after the noise cannot take a bound away (data processing), so the first noise counts.
What comes before it must be smooth: where a stage steps or chooses, derivatives say nothing.
"""

import math
from typing import NamedTuple

from torch import Tensor

from preimage_worker.inversion.defences.defended import Defended
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.defences.noises import Gaussian
from preimage_worker.inversion.defences.stage import Coarsening, Noise
from preimage_worker.inversion.fisher import ErrorBounds, error_bounds, information
from preimage_worker.inversion.representations.base import Representation


class Guarantees(NamedTuple):
    """Of one defence; None where there is none."""

    errors: ErrorBounds | None
    """On what any attacker can reach; of defences with noise behind smooth stages."""
    gaussian_dp: float | None
    """μ of local Gaussian differential privacy (Dong, Roth & Su 2022); see `gaussian_dp`."""


def guarantees(
    representation: Representation,
    defence: Fitted,
    canvases: Tensor,
    variance: Tensor,
    *,
    releases: int = 1,
    probes: int = 16,
    seed: int = 0,
) -> Guarantees:
    """The guarantees for these pictures.

    Args:
        representation: Φ, on the defence's device.
        defence: fitted to Φ's codes.
        canvases: the pictures, `(n, channels, height, width)`.
        variance: of auxiliary canvases, element by element, in squared grey levels.
        releases: how many releases of each picture the attacker has.
        probes: random vectors for each picture.
        seed: of the probes.
    """
    errors, found = None, defence.before_noise()
    if found is not None:
        before, noise = found
        per_element = releases * _information(noise.stage, noise.statistics["deviation"])
        if not any(isinstance(each.stage, Coarsening) for each in before.stages):
            smooth = Defended(representation, before)
            traces = information(smooth, canvases, per_element, probes=probes, seed=seed)
            errors = error_bounds(traces, variance)
    return Guarantees(errors, gaussian_dp(defence, releases=releases))


def gaussian_dp(defence: Fitted, *, releases: int = 1) -> float | None:
    """μ = 2C √releases / σ, with C the largest norm of what Gaussian noise is added to.

    Any two pictures' codes are at most 2C apart then. Where several stages add Gaussian noise, the
    smallest μ. None where nothing limits the norm, or no noise is Gaussian.
    """
    limit, found = math.inf, math.inf
    for each in defence.stages:
        if isinstance(each.stage, Gaussian):
            found = min(found, 2 * limit / float(each.statistics["deviation"]))
        limit = each.stage.longest(limit, each.statistics)
    return math.sqrt(releases) * found if found < math.inf else None


def _information(stage: object, deviation: Tensor) -> float:
    """Fisher information of one element about its own value."""
    assert isinstance(stage, Noise)
    return stage.information / float(deviation) ** 2
