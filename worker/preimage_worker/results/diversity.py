"""How different restarts are, on the wire and as a picture."""

import numpy as np
from numpy.typing import NDArray

from preimage.v1 import preimage_pb2 as wire
from preimage_worker import pictures
from preimage_worker.findings import Diversity
from preimage_worker.results.parcel import Files, put_floats, put_png

WHITE_LEVELS = 64.0
"""Standard deviation in grey levels that is white in the spread picture: that of a pixel which is
black as often as mid-grey. Half of the most that 8 bits allow."""


def diversity(found: Diversity, files: Files) -> wire.Diversity:
    """The message; the spread map goes into `files` as numbers and as a picture."""
    return wire.Diversity(
        picture_distances=found.picture_distances,
        code_distances=found.code_distances,
        mean_picture_distance=_mean(found.picture_distances),
        mean_code_distance=_mean(found.code_distances),
        spread=put_floats(files, "spread.f32", found.spread),
        spread_picture=put_png(files, "spread.png", pictures.png(_visible(found.spread))),
    )


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values) if values else 0.0


def _visible(spread: NDArray[np.float32]) -> pictures.Pixels:
    return pictures.to_pixels(spread[None] * (255 / WHITE_LEVELS))
