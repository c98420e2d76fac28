"""Make the figures of `vl_hog` anew: `python -m tests.worker.inversion.make_hog_figures`.

For each natural picture a crop, and what `vl_hog` gives for it with hard and with bilinear
assignment. The crops' sides leave every kind of remainder when divided by the cell.
"""

from pathlib import Path

import numpy as np

from tests.worker.inversion import vlfeat
from tests.worker.inversion.natural import NAMES, dequantised

CROPS = {"chelsea": (67, 61), "coffee": (48, 52), "rocket": (41, 78)}


def figures_of(name: str) -> Path:
    """Where the figures of a picture are: `picture` in canvas units, its codes `hog` and `hogb`."""
    return Path(__file__).with_name(f"vl_hog_{name}.npz")


def main() -> None:
    """Write the figures beside this file; needs libvlfeat."""
    library = vlfeat.load()
    if library is None:
        raise SystemExit("libvlfeat is not installed; Debian has it in libvlfeat-dev.")
    for name in NAMES:
        height, width = CROPS[name]
        crop = dequantised(name)[100 : 100 + height, 150 : 150 + width]
        np.savez_compressed(
            figures_of(name),
            picture=crop,
            hog=vlfeat.vl_hog(library, crop, bilinear=False),
            hogb=vlfeat.vl_hog(library, crop, bilinear=True),
        )


if __name__ == "__main__":
    main()
