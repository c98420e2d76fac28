"""Both clients against servers that speak TLS, and what they say when it does not come about."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

import preimage
from preimage.handshake import explained
from tests.authority import Authority, Pair
from tests.client.fake import FakeServer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def serving(pair: Pair, client_ca: Path | None = None) -> Iterator[FakeServer]:
    """A server with this certificate, which wants one of `client_ca` from its callers."""
    pairs = [(pair.key.read_bytes(), pair.certificate.read_bytes())]
    trusted = client_ca.read_bytes() if client_ca else None
    made = grpc.ssl_server_credentials(pairs, trusted, require_client_auth=trusted is not None)
    with FakeServer(credentials=made) as server:
        yield server


async def _said(target: str, **given: Path | str | None) -> str:
    """What both clients say when no connection comes about."""
    with (
        preimage.Client(target, **given) as client,
        pytest.raises(preimage.HandshakeFailed) as plain,
    ):
        client.models()
    async with preimage.AsyncClient(target, **given) as client:
        with pytest.raises(preimage.HandshakeFailed) as awaited:
            await client.models()
    assert str(plain.value) == str(awaited.value)
    assert plain.value.code == "UNAVAILABLE"
    return str(plain.value)


async def test_tls_with_an_authority_of_ones_own(authority: Authority) -> None:
    with serving(authority.server()) as server:
        with preimage.Client(server.target, ca=authority.file, token="secret") as client:
            assert len(client.models()) == 2
        async with preimage.AsyncClient(server.target, ca=authority.file) as client:
            assert len(await client.models()) == 2
        assert server.service.metadata[0]["authorization"] == "Bearer secret"


async def test_tls_both_ways(authority: Authority) -> None:
    own = authority.client(common_name="alice")
    given = {"ca": authority.file, "certificate": own.certificate, "key": own.key}
    with serving(authority.server(), authority.file) as server:
        with preimage.Client(server.target, **given) as client:
            assert len(client.models()) == 2
        async with preimage.AsyncClient(server.target, **given) as client:
            assert len(await client.models()) == 2


async def test_another_authority_is_told(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    with serving(authority.server()) as server:
        said = await _said(server.target, ca=stranger.file)
        assert f"certificate of {server.target} is not signed by an authority" in said
        assert "PREIMAGE_CA" in said


async def test_an_expired_certificate_is_told(authority: Authority) -> None:
    with serving(authority.server(expires=datetime(2020, 1, 1, tzinfo=UTC))) as server:
        assert "has expired" in await _said(server.target, ca=authority.file)


async def test_a_certificate_for_another_name_is_told(authority: Authority) -> None:
    with serving(authority.client("elsewhere.example")) as server:
        assert "for another name" in await _said(server.target, ca=authority.file)


async def test_tls_to_a_server_without_is_told(authority: Authority, server: FakeServer) -> None:
    assert "does not speak TLS" in await _said(server.target, ca=authority.file)


async def test_no_tls_to_a_server_with_it_is_told(authority: Authority) -> None:
    with serving(authority.server()) as server:
        said = await _said(server.target)
        assert "it may speak TLS" in said
        assert "PREIMAGE_CA" in said


@pytest.mark.parametrize("shown", ["none", "expired", "another authority's"])
async def test_a_certificate_that_the_server_does_not_take_is_told(
    authority: Authority, tmp_path: Path, shown: str
) -> None:
    over = datetime(2020, 1, 1, tzinfo=UTC)
    stranger = Authority(tmp_path / "stranger")
    pairs = {
        "expired": authority.client("c.example", common_name="alice", expires=over),
        "another authority's": stranger.client(common_name="alice"),
    }
    pair = pairs.get(shown)
    given = {"certificate": pair.certificate, "key": pair.key} if pair else {}
    with serving(authority.server(), authority.file) as server:
        said = await _said(server.target, ca=authority.file, **given)
        assert "may want a certificate of this client" in said
        assert "PREIMAGE_CERT" in said


def test_files_that_cannot_be_used_are_named_before_any_call(
    authority: Authority, tmp_path: Path
) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    own, other = authority.client("a.example"), authority.client("b.example")
    with pytest.raises(preimage.BadInput, match=r"rubbish\.pem holds no certificate"):
        preimage.Client("localhost:1", ca=rubbish)
    with pytest.raises(preimage.BadInput, match="cannot be read"):
        preimage.Client("localhost:1", ca=tmp_path / "missing.pem")
    for key in (rubbish, other.key):
        with pytest.raises(preimage.BadInput, match="its own key"):
            preimage.Client("localhost:1", ca="system", certificate=own.certificate, key=key)


def test_other_texts_are_left_as_they_are() -> None:
    refused = "failed to connect to all addresses; last error: Connection refused"
    assert explained(refused, "here", secure=False) is None
    assert explained("Socket closed", "here", secure=True) is None, "a call that was under way"


def test_only_a_closed_connection_may_pass_by_itself() -> None:
    closed = explained("failed to connect to all addresses; Socket closed", "here", secure=False)
    assert closed is not None
    assert closed.passing
    wrong = explained("WRONG_VERSION_NUMBER", "here", secure=True)
    assert wrong is not None
    assert not wrong.passing
