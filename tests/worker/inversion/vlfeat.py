"""VLFeat's own `vl_hog`, through ctypes, where libvlfeat is installed."""

import ctypes
from ctypes.util import find_library

import numpy as np
import numpy.typing as npt

_UOCTTI = 1
_ORIENTATIONS = 9
_CELL = 8
_TEXTURE_CHANNELS = 4

Floats = npt.NDArray[np.float32]


def load() -> ctypes.CDLL | None:
    """The library, or None where it is not installed."""
    path = find_library("vl")
    if path is None:
        return None
    library = ctypes.CDLL(path)
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    library.vl_hog_new.restype = pointer
    library.vl_hog_new.argtypes = [ctypes.c_int, size, ctypes.c_int]
    library.vl_hog_delete.argtypes = [pointer]
    library.vl_hog_set_use_bilinear_orientation_assignments.argtypes = [pointer, ctypes.c_int]
    library.vl_hog_put_image.argtypes = [pointer, pointer, size, size, size, size]
    library.vl_hog_extract.argtypes = [pointer, pointer]
    for name in ("width", "height", "dimension"):
        getter = getattr(library, f"vl_hog_get_{name}")
        getter.restype, getter.argtypes = size, [pointer]
    return library


def vl_hog(library: ctypes.CDLL, picture: Floats, *, bilinear: bool) -> Floats:
    """The 27 orientation channels of `vl_hog` for a grey picture `(height, width)`."""
    pixels = np.ascontiguousarray(picture, np.float32)
    height, width = pixels.shape
    hog = library.vl_hog_new(_UOCTTI, _ORIENTATIONS, 0)
    try:
        library.vl_hog_set_use_bilinear_orientation_assignments(hog, int(bilinear))
        library.vl_hog_put_image(hog, pixels.ctypes.data, width, height, 1, _CELL)
        getters = ("dimension", "height", "width")
        shape = [getattr(library, f"vl_hog_get_{name}")(hog) for name in getters]
        features = np.empty(shape, np.float32)
        library.vl_hog_extract(hog, features.ctypes.data)
    finally:
        library.vl_hog_delete(hog)
    return features[:-_TEXTURE_CHANNELS]
