"""Make `hog_figures.npz` anew from libvlfeat: `python -m tests.worker.inversion.make_hog_figures`.

For each natural picture a crop, and what `vl_hog` gives for it with hard and with bilinear
assignment. The crops' sides leave every kind of remainder when divided by the cell.
"""

from pathlib import Path

import numpy as np

from tests.worker.inversion import vlfeat
from tests.worker.inversion.natural import NAMES, dequantised

FIGURES = Path(__file__).with_name("hog_figures.npz")
CROPS = {"chelsea": (67, 61), "coffee": (48, 52), "rocket": (41, 78)}


def main() -> None:
    """Write the figures beside this file."""
    library = vlfeat.load()
    if library is None:
        raise SystemExit("libvlfeat is not installed; Debian has it in libvlfeat-dev.")
    figures = {}
    for name in NAMES:
        height, width = CROPS[name]
        crop = dequantised(name)[100 : 100 + height, 150 : 150 + width]
        figures[f"{name}_picture"] = crop
        figures[f"{name}_hog"] = vlfeat.vl_hog(library, crop, bilinear=False)
        figures[f"{name}_hogb"] = vlfeat.vl_hog(library, crop, bilinear=True)
    np.savez_compressed(FIGURES, **figures)


if __name__ == "__main__":
    main()
