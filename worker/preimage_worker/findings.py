"""What is found out about a job once all its pre-images are there. Values only."""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from preimage_worker.reference.sets import Reference


@final
@dataclass(frozen=True)
class Classes:
    """The model's first choice for three pictures."""

    original: int
    """The caller's picture."""
    optimised: int
    """The float picture."""
    delivered: int
    """The 8-bit picture."""


@final
@dataclass(frozen=True, eq=False)
class Diversity:
    """How different the delivered pictures of several restarts are."""

    picture_distances: tuple[float, ...]
    """Root mean square differences in grey levels of the pairs (0, 1), (0, 2), …, (1, 2), …"""
    code_distances: tuple[float, ...]
    """‖m∘(Φ(x) − Φ(x'))‖ / ‖m∘Φ₀‖ of the same pairs; none where no code is to be matched."""
    spread: NDArray[np.float32]
    """`(height, width)`, grey levels: each pixel's standard deviation over the restarts, mean over
    the channels."""


class LayerTarget(NamedTuple):
    """One layer of several."""

    name: str
    norm: float
    """‖m∘Φ₀‖ of it alone."""


@final
@dataclass(frozen=True, eq=False)
class Findings:
    """All that is measured beyond the errors of single pre-images."""

    reference: Reference | None = None
    """What the errors can be compared with; None where nothing fits the job."""
    layers: tuple[LayerTarget, ...] = ()
    """In the order of the measured errors; empty where the code is of one layer."""
    classes: tuple[Classes, ...] = ()
    """Of the pre-images, in order of the restarts; empty where the model does not classify them."""
    diversity: Diversity | None = None
    """None with one restart."""
    passes: int = 0
    """Forward passes that this took for each pre-image."""
