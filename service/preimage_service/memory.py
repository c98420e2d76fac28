"""How the C library gives out memory in a frontend."""

import ctypes
import os
from collections.abc import Mapping

_ARENAS = -8  # M_ARENA_MAX in malloc.h
_FEW = 2
_OPERATORS_OWN = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def share_arenas(environment: Mapping[str, str] = os.environ) -> None:
    """Let threads share two arenas, where the C library is glibc and the operator has no wish.

    gRPC's threads would have one each, up to eight a core, and each keeps what a burst of requests
    needed: after floods a frontend held 355 MiB, with two arenas 241.
    """
    if any(name in environment for name in _OPERATORS_OWN):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENAS, _FEW)
