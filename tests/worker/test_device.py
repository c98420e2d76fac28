"""What the process is set up to do with memory that it has freed."""

import ctypes
import os
import subprocess
import sys

import pytest
import torch

from preimage_worker.device import memory_bytes

# Forty tensors of 8 MB, one after the other: 80,000 pages if each is fetched anew.
_PROGRAM = """
import resource, torch
from preimage_worker.device import set_up
set_up(1)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(40):
        torch.ones(2**21)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def _page_faults(**environment: str) -> int:
    variables = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
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
    assert _page_faults() < 4_000
    assert _page_faults(MALLOC_TRIM_THRESHOLD_="131072") > 40_000


def test_a_cpu_has_no_memory_of_its_own_to_report() -> None:
    assert memory_bytes(torch.device("cpu")) == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no CUDA device.")
def test_a_gpu_reports_its_memory() -> None:
    device = torch.device("cuda:0")
    assert memory_bytes(device) > torch.cuda.memory_allocated(device)
