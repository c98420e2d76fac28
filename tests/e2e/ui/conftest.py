"""A stack and a page of it for each module; a browser for each test."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from preimage import Client
from preimage.embedded import Stack
from tests.e2e.stacks import chelsea
from tests.e2e.ui.serving import Served, served


@pytest.fixture(scope="module")
def page(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("page"), "--target", stack.target) as running:
        yield running


@pytest.fixture
def cat() -> Path:
    return chelsea()


@pytest.fixture
def code(client: Client, cat: Path, tmp_path: Path) -> Path:
    """The code of the cat in HOG, as a file without any word about its size."""
    features = client.extract_features(cat, "hog", "hog", input_size=(64, 96))
    path = tmp_path / "code.npy"
    np.save(path, features.array)
    return path
