"""What the process is set up to do with memory that it has freed."""

import pytest
import torch

from preimage_worker.device import memory_bytes
from tests.page_faults import needs_glibc, page_faults

_SETTING_UP = "import torch; from preimage_worker.device import set_up; set_up(1)"
_TENSOR = "torch.ones(2**21)"
"""8 MB: 80,000 pages if each of forty is fetched anew."""


@needs_glibc
def test_freed_memory_is_used_again_unless_the_operator_says_otherwise() -> None:
    assert page_faults(_SETTING_UP, _TENSOR) < 4_000
    assert page_faults(_SETTING_UP, _TENSOR, MALLOC_TRIM_THRESHOLD_="131072") > 40_000


def test_a_cpu_has_no_memory_of_its_own_to_report() -> None:
    assert memory_bytes(torch.device("cpu")) == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no CUDA device.")
def test_a_gpu_reports_its_memory() -> None:
    device = torch.device("cuda:0")
    assert memory_bytes(device) > torch.cuda.memory_allocated(device)
