"""A small network, problems for it, and the trained network where its weights can be had."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import nn

from preimage_worker.inversion.representations.network import NetworkRepresentation
from tests.worker.inversion.small import small_network

WEIGHTS_FOLDER = "PREIMAGE_WEIGHTS_DIR"
SQUEEZENET = "squeezenet1_0_imagenet.safetensors"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """These networks are so small that a second thread only waits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def shallow() -> NetworkRepresentation:
    """A code of 8 × 10 × 10 of pictures of 24 × 24: stride 2.4, no jitter."""
    return small_network("1")


@pytest.fixture
def deep() -> NetworkRepresentation:
    """A code of 6 × 3 × 3 of pictures of 24 × 24: stride 8, jitter of 2 pixels."""
    return small_network("4")


@pytest.fixture(scope="session")
def squeezenet() -> nn.Module:
    """SqueezeNet 1.0, trained on ImageNet."""
    folder = os.environ.get(WEIGHTS_FOLDER)
    path = Path(folder or ".") / SQUEEZENET
    if folder is None or not path.is_file():
        pytest.skip(f"{WEIGHTS_FOLDER} names no folder with {SQUEEZENET}.")
    model: nn.Module = torchvision.models.squeezenet1_0()
    model.load_state_dict(load_file(path))
    return model
