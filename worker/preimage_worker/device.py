"""Which device computes, and how torch is set up on it."""

import torch

from preimage_worker.errors import SettingsError


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


def set_up(threads: int) -> None:
    """Process-wide: threads, and float32 that means float32 unless a job says otherwise."""
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
