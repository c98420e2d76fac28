"""What only a whole job shows: its errors' reference, its classes, and how restarts differ.

The restarts of a job end at different boundaries, some on another worker, so all of this is taken
at the end, from the pictures alone. It costs a few forward passes, one picture at a time.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from preimage_worker import pictures
from preimage_worker.findings import Classes, Diversity, Findings, LayerTarget
from preimage_worker.inversion import evaluate
from preimage_worker.inversion.distances import of_pairs, pairwise_distances
from preimage_worker.inversion.representations.parts import parts_of
from preimage_worker.inversion.settings import Loss
from preimage_worker.jobs import LaneResult
from preimage_worker.models import Models
from preimage_worker.reference.known import References
from preimage_worker.reference.sets import Reference
from preimage_worker.spec import Plan

Levels = NDArray[np.float32]
"""A picture in grey levels 0…255, `(channels, height, width)`."""


@final
class Appraiser:
    """Looks at jobs whose pre-images are all there."""

    def __init__(self, models: Models, references: References, device: torch.device) -> None:
        self._models = models
        self._references = references
        self._device = device

    def appraise(self, plan: Plan, lanes: Sequence[LaneResult]) -> Findings:
        """The findings about a job, from the results of all its restarts, in their order."""
        delivered = [np.clip(np.rint(lane.levels), 0, 255) for lane in lanes]
        classes = self._classes(plan, [lane.levels for lane in lanes], delivered)
        diversity = self._diversity(plan, delivered) if len(lanes) > 1 else None
        compared = diversity is not None and bool(diversity.code_distances)
        return Findings(
            reference=self._reference(plan),
            layers=_layers(plan),
            classes=classes,
            diversity=diversity,
            passes=(2 if classes else 0) + (1 if compared else 0),
        )

    def _reference(self, plan: Plan) -> Reference | None:
        """Only of whole codes that are to be matched: a part of a code has other distances."""
        first = plan.problems[0]
        partial = first.mask is not None or first.bounds is not None or plan.key.defence
        if plan.settings.loss is Loss.INNER or partial:
            return None
        digest = self._models.served(plan.key.model).announcement.digest
        layer = plan.representation.layer
        return self._references.of(digest, layer, plan.key.height, plan.key.width)

    def _classes(
        self, plan: Plan, optimised: Sequence[Levels], delivered: Sequence[Levels]
    ) -> tuple[Classes, ...]:
        """Empty without a classifier, a picture, or the size that the model was trained for."""
        size = self._models.served(plan.key.model).announcement.preprocessing.input_size
        classify = self._models.classifier(plan.key.model)
        fits = (plan.key.height, plan.key.width) == (size.height, size.width)
        if classify is None or plan.original is None or not fits:
            return ()
        original = pictures.to_levels(plan.original, plan.representation.channels)
        everything = self._canvases(plan, [original, *optimised, *delivered])
        first, *others = evaluate.codes(classify, everything).flatten(1).argmax(1).tolist()
        pairs = zip(others[: len(optimised)], others[len(optimised) :], strict=True)
        return tuple(Classes(first, one, other) for one, other in pairs)

    def _diversity(self, plan: Plan, delivered: Sequence[Levels]) -> Diversity:
        stack = np.stack(delivered)
        between = pairwise_distances(torch.from_numpy(stack)) / np.sqrt(stack[0].size)
        codes = self._code_distances(plan, delivered)
        spread = stack.std(0, dtype=np.float64).mean(0).astype(np.float32)
        return Diversity(tuple(of_pairs(between).tolist()), codes, spread)

    def _code_distances(self, plan: Plan, delivered: Sequence[Levels]) -> tuple[float, ...]:
        if plan.settings.loss is Loss.INNER:
            return ()
        codes = evaluate.codes(plan.representation, self._canvases(plan, delivered))
        mask = plan.problems[0].mask
        mask = None if mask is None else mask.to(codes.device)
        distances = pairwise_distances(codes, mask) / plan.target_norm
        return tuple(of_pairs(distances).tolist())

    def _canvases(self, plan: Plan, levels: Sequence[Levels]) -> Tensor:
        canvases = np.stack([pictures.canvas(each, plan.representation.mean) for each in levels])
        return torch.from_numpy(canvases).to(self._device)


def _layers(plan: Plan) -> tuple[LayerTarget, ...]:
    parts = parts_of(plan.representation, plan.key.height, plan.key.width)
    if len(parts) == 1:
        return ()
    norms = evaluate.layer_norms(plan.problems[0].target, plan.problems[0].mask, parts)
    return tuple(LayerTarget(part.layer, norm) for part, norm in zip(parts, norms, strict=True))
