"""B0, B1 and A1: rungs that need no inversion, and what can be linked and used without one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from preimage_worker.audit.appraisal import Tried
from preimage_worker.audit.material import Codes, Material
from preimage_worker.audit.measures import baselines, decoder, distances, matching
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.records import Linkage
from preimage_worker.audit.releases import Released

_NOT_LINKED = Missing("L1 was not among the rungs to climb.")


def baseline_rungs(material: Material) -> list[Tried]:
    """B0: without the code."""
    auxiliary, shape = material.auxiliary, material.targets.shape
    drawn = baselines.random_picture(auxiliary, material.count, seed=material.plan.seed)
    colour = np.broadcast_to(baselines.mean_colour(auxiliary), shape)
    mean = np.broadcast_to(material.mean_picture, shape)
    return [
        Tried("B0 mean picture", "Knows what pictures look like on average.", "", _of(mean)),
        Tried("B0 mean colour", "Knows the average colour of pictures.", "", _of(colour)),
        Tried("B0 random picture", "Takes another picture by lot.", "", _of(drawn.pictures)),
    ]


def learnt_rungs(material: Material, released: Released) -> Iterator[Tried]:
    """B1 and A1, as far as they are among the plan's rungs: from codes of auxiliary pictures."""
    codes, auxiliary = numbers(released.mean), material.auxiliary
    if "B1" in material.plan.rungs:
        others = numbers(released.candidates)[material.count :]
        near = baselines.nearest(codes, others, auxiliary)
        attacker = "Takes the picture of its own whose code is nearest."
        yield Tried("B1", attacker, "", _of(near.pictures))
    if "A1" in material.plan.rungs:
        fitted = decoder.fit(numbers(released.auxiliary), auxiliary)
        attacker = (
            f"Learns a linear decoder from {len(auxiliary)} pictures of its own under the defence."
        )
        choice = f"Ridge strength {fitted.strength:.3g}, by leave-one-out error."
        yield Tried("A1", attacker, choice, _of(fitted.decode(codes)))


def linkage(material: Material, codes: Codes, released: Released) -> Linkage | Missing:
    """L1: which of targets and auxiliary pictures has the code."""
    if "L1" not in material.plan.rungs:
        return _NOT_LINKED
    table = distances.squared(numbers(released.mean), numbers(released.candidates))
    own = np.arange(codes.count)
    found = matching.match(table, own, seed=material.plan.seed)
    return Linkage(found, _relative_noise(released, codes.count))


def numbers(codes: Tensor) -> NDArray[np.float32]:
    """Codes as the measures take them."""
    return np.asarray(codes.numpy(), np.float32)


def _relative_noise(released: Released, count: int) -> float | None:
    candidates = numbers(released.candidates)
    if not released.noisy or distances.median_pairwise(candidates) == 0:
        return None
    noise = distances.relative_noise(numbers(released.mean), candidates[:count], candidates)
    return float(np.median(noise))


def _of(pictures: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(pictures, np.float32)
