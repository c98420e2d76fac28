"""Which device computes, and how torch is set up on it."""

import ctypes
import os

import torch

from preimage_worker.errors import SettingsError

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES, _LARGEST_MMAP_THRESHOLD = 2**30, 32 * 2**20
_OPERATORS_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def choose(wanted: str) -> torch.device:
    """The device that a setting names; "auto" is the first GPU, else the CPU.

    Raises:
        SettingsError: no such device on this machine.
    """
    if wanted == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise SettingsError(
            f"PREIMAGE_DEVICE={wanted!r} is no device: use auto, cpu, cuda or cuda:N."
        ) from None
    if device.type not in {"cpu", "cuda"}:
        raise SettingsError(f"PREIMAGE_DEVICE={wanted!r}: only cpu and cuda devices are supported.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise SettingsError(
            f"PREIMAGE_DEVICE={wanted!r}, but this machine offers {count} CUDA devices to torch."
        )
    return device


def name(device: torch.device) -> str:
    """What results call it: "cpu", or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def memory_bytes(device: torch.device) -> int:
    """Memory that the device has; 0 on a CPU, whose memory is not its own."""
    if device.type != "cuda":
        return 0
    return int(torch.cuda.get_device_properties(device).total_memory)


def set_up(threads: int) -> None:
    """Process-wide: threads, memory, and float32 that means it unless a job says otherwise."""
    torch.set_num_threads(threads)
    _keep_freed_memory()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _keep_freed_memory() -> None:
    """Lets freed memory stay with the process, where the C library is glibc.

    A pass frees tens of megabytes and the next one asks for them again. Given back in between, each
    page is cleared by the kernel once more: a step took up to a fifth longer. What the operator has
    said in the environment stands.
    """
    if any(name in os.environ for name in _OPERATORS_OWN):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
