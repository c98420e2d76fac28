"""A stack for each module of tests, and a client for each test; modules may have their own."""

from collections.abc import Iterator

import pytest

from preimage import Client
from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with tiny_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.target) as connected:
        yield connected
