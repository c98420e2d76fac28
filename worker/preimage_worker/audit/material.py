"""What several rows need, computed once: pictures on the scale of the measures, and codes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from preimage_worker.audit.errors import PlanError
from preimage_worker.audit.measures import baselines, recovery
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.subject import Independent
from preimage_worker.inversion import evaluate
from preimage_worker.inversion.images import to_canvas
from preimage_worker.inversion.representations.base import Representation

Pictures = NDArray[np.float32]
"""`(n, height, width, channels)`, 0 to 1."""
_WHITE = 255


def scaled(levels: Levels) -> Pictures:
    """8-bit pictures on the scale of the measures."""
    return np.asarray(levels / np.float32(_WHITE), np.float32)


def canvases(levels: Levels, representation: Representation, device: torch.device | str) -> Tensor:
    """8-bit pictures as canvases of a representation, on its device."""
    pixels = torch.from_numpy(np.ascontiguousarray(levels.transpose(0, 3, 1, 2))).to(device)
    return to_canvas(pixels, representation.mean)


@final
@dataclass(frozen=True, eq=False)
class Material:
    """The plan's pictures. The gallery is the targets, then the auxiliary pictures."""

    plan: AuditPlan

    @property
    def count(self) -> int:
        """Of targets."""
        return len(self.plan.targets)

    @cached_property
    def gallery(self) -> Pictures:
        """All of them."""
        return scaled(np.concatenate((self.plan.targets, self.plan.auxiliary)))

    @property
    def targets(self) -> Pictures:
        """The owner's."""
        return self.gallery[: self.count]

    @property
    def auxiliary(self) -> Pictures:
        """The others."""
        return self.gallery[self.count :]

    @cached_property
    def mean_picture(self) -> Floats:
        """Of the auxiliary pictures, `(height, width, channels)`."""
        return baselines.mean_picture(self.auxiliary)

    @cached_property
    def mean_picture_mse(self) -> Floats:
        """`(n,)`: its error as each target's reconstruction."""
        return recovery.mse_of_one(self.mean_picture, self.targets)

    @cached_property
    def seen(self) -> "Seen | None":
        """The gallery as the independent model sees it; None where there is none."""
        return self.see(np.concatenate((self.plan.targets, self.plan.auxiliary)))

    def see(self, levels: Levels) -> "Seen | None":
        """8-bit pictures as the independent model sees them; None where there is none."""
        judge = self.plan.independent
        return None if judge is None else _see(judge, levels, self.plan.device)


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """Pictures in the eyes of a model."""

    codes: NDArray[np.float32]
    """`(n, …)`."""
    classes: NDArray[np.int64] | None
    """`(n,)`, the highest score's; None where the model does not classify."""


def _see(judge: Independent, levels: Levels, device: torch.device | str) -> Seen:
    pixels = torch.from_numpy(np.ascontiguousarray(levels.transpose(0, 3, 1, 2))).to(device)
    size = (judge.height, judge.width)
    if pixels.shape[2:] != size:
        pixels = functional.interpolate(
            pixels.float(), size, mode="bilinear", align_corners=False, antialias=True
        )
    seen = to_canvas(pixels, judge.representation.mean)
    codes = evaluate.codes(judge.representation, seen).cpu().numpy()
    return Seen(codes, classes(judge.classify, seen) if judge.classify else None)


def classes(scores: Callable[[Tensor], Tensor], of: Tensor) -> NDArray[np.int64]:
    """`(n,)`: the class with the highest score of each canvas or code."""
    found = evaluate.codes(scores, of).argmax(1)
    return np.asarray(found.cpu().numpy(), np.int64)


@final
@dataclass(frozen=True, eq=False)
class Codes:
    """What a layer makes of the pictures."""

    layer: str
    representation: Representation
    canvases: Tensor
    """Of the targets, on the device."""
    clean: Tensor
    """Of targets, then auxiliary pictures: `(n + m, *code_shape)`, on the CPU."""
    variance: Tensor
    """Of auxiliary canvases, element by element, squared grey levels, on the CPU."""
    count: int
    """Of targets."""

    @property
    def targets(self) -> Tensor:
        """Theirs."""
        return self.clean[: self.count]

    @property
    def auxiliary(self) -> Tensor:
        """Theirs."""
        return self.clean[self.count :]


def codes(plan: AuditPlan, layer: str) -> Codes:
    """The codes of all pictures.

    Raises:
        PlanError: some are not finite.
    """
    representation = plan.subject.representation(layer)
    own, other = (
        canvases(each, representation, plan.device) for each in (plan.targets, plan.auxiliary)
    )
    clean = torch.empty((len(own) + len(other), *representation.code_shape(*plan.size)))
    for place, canvas in zip(clean, (*own, *other), strict=True):  # in memory once: it is large
        place.copy_(evaluate.codes(representation, canvas[None])[0])
    if not bool(clean.isfinite().all()):
        raise PlanError(
            f"Layer {layer!r} of {plan.subject.name} gives codes that are not finite for some of "
            "the pictures; leave the layer out."
        )
    return Codes(layer, representation, own, clean, other.var(0).cpu(), len(own))
