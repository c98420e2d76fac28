"""A model of five classes with random weights, pictures for it, and a plan that asks for little."""

from dataclasses import replace
from functools import cache

import torch

from preimage_worker.audit.measures.pictures import to_levels
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.profiles import Profile
from preimage_worker.audit.subject import Scores
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.inversion.representations.network import Preprocessing, networks
from preimage_worker.inversion.representations.rest import rest
from preimage_worker.inversion.representations.survey import Survey, layers, survey
from tests.worker import own
from tests.worker.audit.measures import natural

SIDE = 24
PREPROCESSING = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Networked:
    """A subject, from the survey of a network and the node of its scores."""

    def __init__(self, name: str, surveyed: Survey, scores: str) -> None:
        self.name, self.digest = name, f"digest of {name}"
        self._surveyed, self._scores = surveyed, scores
        self._layouts = {each.name: each.layout for each in layers(surveyed)}

    def representation(self, layer: str) -> Representation:
        return networks(self._surveyed, [layer], name=self.name, preprocessing=PREPROCESSING)

    def layout(self, layer: str) -> Layout | None:
        return self._layouts[layer]

    def rest(self, layer: str) -> Scores | None:
        return rest(self._surveyed.traced, layer, self._scores)


@cache
def small() -> Networked:
    """Layers "0" (the shallowest) to "5" (the scores)."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = own.small(3)
    return Networked("small", survey(network, SIDE, SIDE), "5")


TINY = Profile("tiny", 1, 2, (0.01, 1.0), 1, 2, 3)
"""Two strengths of the priors on budgets of 1, 2 and 4 steps."""


@cache
def levels(count: int, seed: int = 0) -> Levels:
    return to_levels(natural.pictures(count, side=SIDE, seed=seed))


def plan(count: int = 6, others: int = 8, **changes: object) -> AuditPlan:
    """Of the small model's layer "2", undefended."""
    pictures = levels(count + others)
    made = AuditPlan(
        subject=small(),
        layers=("2",),
        control_layer="0",
        defences=parse("none"),
        targets=pictures[:count],
        auxiliary=pictures[count:],
        profile=TINY,
    )
    return replace(made, **changes)
