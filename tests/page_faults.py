"""How many pages of memory a program fetches anew once it is warm."""

import ctypes
import os
import subprocess
import sys

import pytest

needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt"), reason="The C library is not glibc."
)

_PROGRAM = """
import resource
{setting_up}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(40):
        {work}
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def page_faults(setting_up: str, work: str, **environment: str) -> int:
    """Of forty turns of `work` in a process of its own, after forty others."""
    allocator = ("MALLOC_", "GLIBC_")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(allocator)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(setting_up=setting_up, work=work)],
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout)
