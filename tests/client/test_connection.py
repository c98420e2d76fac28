"""Where the service is, how the way there is protected, and who is calling."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

import preimage
from preimage.connection import Connection
from preimage.v1 import model_service_pb2_grpc
from tests.client.fake import FakeServer, FakeService


def resolve(environment: dict[str, str], **given: str) -> Connection:
    return Connection.resolve(**given, environment=environment)


def test_without_a_word_it_is_the_frontend_of_this_machine() -> None:
    connection = resolve({})
    assert connection.target == "127.0.0.1:8790"
    assert connection.credentials is None
    assert connection.metadata == ()


def test_what_is_given_comes_before_the_environment() -> None:
    environment = {"PREIMAGE_TARGET": "localhost:1", "PREIMAGE_TOKEN": "outside"}
    assert resolve(environment).target == "localhost:1"
    assert resolve(environment).metadata == (("authorization", "Bearer outside"),)
    chosen = resolve(environment, target="localhost:2", token="inside")
    assert (chosen.target, chosen.token) == ("localhost:2", "inside")


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1:1",
        "localhost:1",
        "[::1]:1",
        "unix:/run/preimage",
        "dns:///localhost:1",
        "ipv4:127.0.0.9:1",
    ],
)
def test_a_token_may_stay_on_this_machine(target: str) -> None:
    assert resolve({}, target=target, token="secret").metadata


@pytest.mark.parametrize("target", ["example.org:1", "10.0.0.1:1", "dns:///example.org:1"])
def test_a_token_is_not_sent_unprotected_to_another_machine(target: str) -> None:
    with pytest.raises(preimage.BadInput, match="PREIMAGE_CA"):
        resolve({}, target=target, token="secret")
    assert resolve({}, target=target, token="secret", ca="system").credentials is not None


@pytest.mark.parametrize(
    "target",
    ["localhost", "bad:port", ":8790", "host:", "host:0", "host:65536", "http://host:1", "::1:1"],
)
def test_a_target_without_a_port_is_refused_before_anything_is_sent(target: str) -> None:
    with pytest.raises(preimage.BadInput, match="is not HOST:PORT"):
        preimage.Client(target)
    with pytest.raises(preimage.BadInput, match="is not HOST:PORT"):
        resolve({"PREIMAGE_TARGET": target})


@pytest.mark.parametrize(
    "target",
    ["host:1", "[::1]:65535", "unix:path", "unix-abstract:name", "dns:///host", "ipv6:[::1]:1"],
)
def test_the_names_that_grpc_understands_are_taken(target: str) -> None:
    assert resolve({}, target=target).target == target


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(resolve({}, token="secret"))


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(preimage.BadInput, match="belong together"):
        resolve({}, certificate="client.pem")


def test_a_file_that_is_missing_is_named() -> None:
    with pytest.raises(preimage.BadInput, match=r"/no/ca\.pem cannot be read"):
        resolve({"PREIMAGE_CA": "/no/ca.pem"})


async def test_the_token_travels_with_every_call(server: FakeServer, service: FakeService) -> None:
    with preimage.Client(server.target, token="secret") as client:
        client.models()
    async with preimage.AsyncClient(server.target, token="secret") as client:
        await client.models()
    tokens = [metadata["authorization"] for metadata in service.metadata]
    assert tokens == ["Bearer secret", "Bearer secret"]


def test_calls_name_the_client_and_its_version(server: FakeServer, service: FakeService) -> None:
    with preimage.Client(server.target) as client:
        client.models()
    agent = service.metadata[0]["user-agent"]
    assert agent.startswith(f"preimage-python/{preimage.__version__}")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        said = "The command `openssl` is missing: TLS is not tested."
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *made, *files], check=True, capture_output=True, timeout=120)
    return certificate, key


async def test_tls_both_ways_with_an_authority_of_ones_own(certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), chain.read_bytes())], chain.read_bytes(), require_client_auth=True
    )
    server = grpc.server(ThreadPoolExecutor(4))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(FakeService(), server)
    target = f"localhost:{server.add_secure_port('localhost:0', credentials)}"
    server.start()
    try:
        with preimage.Client(target, ca=chain, certificate=chain, key=key) as client:
            assert len(client.models()) == 2
        async with preimage.AsyncClient(target, ca=chain, certificate=chain, key=key) as client:
            assert len(await client.models()) == 2
        with preimage.Client(target, ca=chain) as client, pytest.raises(preimage.Unavailable):
            client.models()
    finally:
        server.stop(None).wait()
