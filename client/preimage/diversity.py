"""How different the pre-images of one code are: what the code leaves open."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from PIL import Image

from preimage.errors import PreimageError
from preimage.tensors import float32_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from preimage.v1 import preimage_pb2

Distances: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
SpreadMap: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


@final
@dataclass(frozen=True, eq=False)
class Diversity:
    """Differences between the restarts of a job."""

    picture_distances: Distances
    """Root mean square difference of the delivered pictures, grey levels: (restarts, restarts)."""
    code_distances: Distances | None
    """‖m∘(Φ(x) − Φ(x'))‖ / ‖m∘Φ₀‖ of the same pairs: (restarts, restarts). None for a maximisation
    or caricature."""
    mean_picture_distance: float
    """Mean of `picture_distances` over pairs of different restarts."""
    mean_code_distance: float | None
    """Mean of `code_distances` over pairs of different restarts, where they are."""
    spread_file: str
    """Name of the spread map among the files of the result: see `Result.spread`."""
    spread_shape: tuple[int, ...]
    """Its shape, (height, width)."""
    spread_picture_file: str
    """Name of the same as a PNG file: see `Result.spread_picture`."""


def diversity_from_wire(message: preimage_pb2.Diversity) -> Diversity:
    """Reads the wire's message."""
    return Diversity(
        picture_distances=_matrix(message.picture_distances),
        code_distances=_matrix(message.code_distances) if message.code_distances else None,
        mean_picture_distance=message.mean_picture_distance,
        mean_code_distance=message.mean_code_distance if message.code_distances else None,
        spread_file=message.spread.name,
        spread_shape=tuple(message.spread.shape),
        spread_picture_file=message.spread_picture.name,
    )


def needed(diversity: Diversity | None) -> Diversity:
    """Returns the diversity of a result that must have one.

    Raises:
        PreimageError: the job had one restart.
    """
    if diversity is None:
        raise PreimageError(
            "One pre-image does not spread: ask for several with the setting restarts."
        )
    return diversity


def spread_map(diversity: Diversity, data: bytes) -> SpreadMap:
    """Reads the file of a spread map: float32, (height, width), in grey levels."""
    return float32_array(data, diversity.spread_shape)


def spread_image(data: bytes) -> Image.Image:
    """Reads the file of a spread picture."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def _matrix(pairs: Sequence[float]) -> Distances:
    """The distances (0, 1), (0, 2), …, (1, 2), … as a symmetric matrix."""
    count = (1 + math.isqrt(1 + 8 * len(pairs))) // 2
    if count * (count - 1) // 2 != len(pairs):
        raise PreimageError(
            f"The service sent {len(pairs)} distances, which is no number of pairs."
        )
    matrix = np.zeros((count, count))
    matrix[np.triu_indices(count, 1)] = pairs
    return matrix + matrix.T
