"""VLFeat's own `vl_dsift` with the flat window, through ctypes, where libvlfeat is installed.

Its setters are inline functions of the header, so they are not in the library: the fields are set
as those functions do, and `_vl_dsift_update_buffers` is called after them.
"""

import ctypes

import numpy as np

from tests.worker.inversion.vlfeat import Floats


class _Filter(ctypes.Structure):
    """VlDsiftFilter of VLFeat 0.9.21."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("imWidth", "imHeight", "stepX", "stepY")),
        *((f"bound{name}", ctypes.c_int) for name in ("MinX", "MinY", "MaxX", "MaxY")),
        *((f"num{name}", ctypes.c_int) for name in ("BinT", "BinX", "BinY")),
        *((f"binSize{name}", ctypes.c_int) for name in "XY"),
        ("useFlatWindow", ctypes.c_int),
        ("windowSize", ctypes.c_double),
        *((name, ctypes.c_int) for name in ("numFrames", "descrSize")),
        ("frames", ctypes.c_void_p),
        ("descrs", ctypes.POINTER(ctypes.c_float)),
    )


def vl_dsift(
    library: ctypes.CDLL, picture: Floats, cell: int, *, window: float | None = None
) -> Floats:
    """Descriptors `(rows, columns, 128)` of a grey picture: the first cell as far out as it fits.

    Frames are 3 · `cell` pixels apart. `window` is `vl_dsift`'s WindowSize, in cells.
    """
    pixels = np.ascontiguousarray(picture, np.float32)
    height, width = pixels.shape
    library.vl_dsift_new_basic.restype = ctypes.POINTER(_Filter)
    library.vl_dsift_delete.argtypes = [ctypes.POINTER(_Filter)]
    library.vl_dsift_process.argtypes = [ctypes.POINTER(_Filter), ctypes.c_void_p]
    dsift = library.vl_dsift_new_basic(width, height, 3 * cell, cell)
    try:
        state = dsift.contents
        state.useFlatWindow = 1
        if window is not None:
            state.windowSize = window
        # Bounds hold the cells' centres; a cell reaches `cell − 1` pixels further.
        state.boundMinX = state.boundMinY = cell - 1
        state.boundMaxX, state.boundMaxY = width - cell, height - cell
        library._vl_dsift_update_buffers(dsift)
        library.vl_dsift_process(dsift, pixels.ctypes.data)
        shape = (state.numFrames, state.descrSize)
        found = np.ctypeslib.as_array(state.descrs, shape).copy()
    finally:
        library.vl_dsift_delete(dsift)
    columns = (width - (5 * cell - 1)) // (3 * cell) + 1
    return np.asarray(found.reshape(-1, columns, 128), np.float32)
