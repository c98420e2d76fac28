"""Both clients against a fake service behind a real gRPC server."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from preimage.aio import AsyncClient
from preimage.client import Client
from tests.client.faces import Awaited
from tests.client.fake import FakeServer, FakeService


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TARGET", "TOKEN", "TOKEN_FILE", "CA", "CERT", "KEY"):
        monkeypatch.delenv(f"PREIMAGE_{name}", raising=False)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def service(server: FakeServer) -> FakeService:
    return server.service


@pytest.fixture
def naps() -> list[float]:
    """How long the client waited between calls: it does not really wait."""
    return []


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "asyncio"])
async def client(
    request: pytest.FixtureRequest, server: FakeServer, naps: list[float]
) -> AsyncIterator[Any]:
    """Each of the two clients; its methods are awaited."""
    made = request.param(server.target)
    _do_not_wait(made, naps)
    async with Awaited(made) if isinstance(made, Client) else made as face:
        yield face


def _do_not_wait(client: Client | AsyncClient, naps: list[float]) -> None:
    async def note_async(seconds: float) -> None:
        naps.append(seconds)

    note = naps.append if isinstance(client, Client) else note_async
    client._core._caller.transport._sleep = note
