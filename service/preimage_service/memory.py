"""How the C library gives out memory in a frontend."""

import ctypes
import os
from collections.abc import Mapping

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENAS = -1, -3, -8  # M_… in malloc.h
_FEW = 2
_KEPT_BYTES, _OWN_MAPPING_BYTES = 16 * 2**20, 4 * 2**20
_OPERATORS_OWN = (
    "MALLOC_ARENA_MAX",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_THRESHOLD_",
    "GLIBC_TUNABLES",
)


def tune_allocator(environment: Mapping[str, str] = os.environ) -> None:
    """Share two arenas, and keep what a call frees for the next, where the C library is glibc.

    gRPC's threads would have an arena each, up to eight a core, and each keeps what a burst of
    requests needed: after floods a frontend held 355 MiB, with two arenas 241. What a code of a few
    hundred kilobytes frees would go back to the kernel, which clears each page for the next one: at
    200 codes a second up to 50,000 page faults, a twelfth of a frontend's time. Larger pieces go
    back. What the operator has said in the environment stands.
    """
    if any(name in environment for name in _OPERATORS_OWN):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENAS, _FEW)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _OWN_MAPPING_BYTES)
