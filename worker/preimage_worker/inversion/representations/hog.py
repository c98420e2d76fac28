"""HOG and HOGb, equal to VLFeat's `vl_hog` (UoCTTI variant, 27 channels, cells of 8 pixels)."""

from preimage_worker.inversion.representations.base import Representation


def hog(*, bilinear: bool = False) -> Representation:
    """HOG ("hog"), or with `bilinear` orientation assignment HOGb ("hogb"): one grey channel, mean 128."""
    raise NotImplementedError
