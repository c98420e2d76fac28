"""What a frontend's calls free is used again by the next."""

import ctypes
import os
import subprocess
import sys

import pytest

_PROGRAM = """
import resource
from preimage_service.memory import tune_allocator
tune_allocator()
def calls():
    for _ in range(40):
        codes = [b"x" * (600_000 + each) for each in range(4)]
        del codes
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    calls()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def _page_faults(**environment: str) -> int:
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="The C library is not glibc.")
def test_freed_memory_is_used_again_unless_the_operator_says_otherwise() -> None:
    assert _page_faults() < 1_000
    assert _page_faults(MALLOC_TRIM_THRESHOLD_="131072") > 10_000
