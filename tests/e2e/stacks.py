"""Whole stacks for tests: small networks, quick leases, one thread of torch."""

import functools
import os
from pathlib import Path

import pytest

from preimage.embedded import Stack, StackOptions
from tests.redis_server import require_server
from tests.worker.jobs import catalogue_file

SHARED_WEIGHTS = "squeezenet1_0_imagenet.safetensors"
NO_WEIGHTS = (
    f"The pre-trained SqueezeNet is not here: set PREIMAGE_WEIGHTS_DIR to a folder with "
    f"{SHARED_WEIGHTS}."
)


def tiny_stack(folder: Path, *, workers: int = 1, auditors: int = 0, **environment: str) -> Stack:
    """A stack over the tests' catalogue of small networks."""
    require_server()
    return Stack(
        StackOptions(
            workers=workers,
            auditors=auditors,
            device="cpu",
            environment={
                "OMP_NUM_THREADS": "1",
                "PREIMAGE_THREADS": "1",
                "PREIMAGE_DOWNLOAD_MODELS": "none",
                "PREIMAGE_CATALOGUE": str(catalogue_file(folder)),
                "PREIMAGE_QUEUE_LEASE_SECONDS": "3",
                "PREIMAGE_BEAT_SECONDS": "0.2",
                "PREIMAGE_CHECKPOINT_SECONDS": "0.3",
                **environment,
            },
        )
    )


def require_weights() -> Path:
    """The folder of the pre-trained SqueezeNet; skips the test without it."""
    folder = Path(os.environ.get("PREIMAGE_WEIGHTS_DIR", "")).resolve()
    if not (folder / SHARED_WEIGHTS).is_file():
        pytest.skip(NO_WEIGHTS)
    return folder


@functools.cache
def chelsea() -> Path:
    """A natural picture that ships with scikit-image: a cat."""
    import skimage.data  # noqa: PLC0415 - only here

    return Path(skimage.data.__file__).parent / "chelsea.png"
