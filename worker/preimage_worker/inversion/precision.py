"""How exactly the pass through a representation is computed.

State, priors and updates are float32 in every case, and final measurements always use `FP32`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import final

import torch


@final
class Precision(Enum):
    """Of the pass through the representation, forwards and backwards. Part of the batch key."""

    FP32 = "fp32"
    """Float32 throughout. Also switches off TF32, which torch allows in convolutions by itself."""
    TF32 = "tf32"
    """CUDA's tensor cores on inputs of 10 mantissa bits; the same as FP32 on a CPU."""
    BF16 = "bf16"
    """Autocast to bfloat16: 8 mantissa bits, half the memory traffic."""


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Everything inside is computed with this precision on this device."""
    matmul, convolution = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, convolution.allow_tf32
    allowed = precision is Precision.TF32
    matmul.allow_tf32, convolution.allow_tf32 = allowed, allowed
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision is Precision.BF16):
            yield
    finally:
        matmul.allow_tf32, convolution.allow_tf32 = before
