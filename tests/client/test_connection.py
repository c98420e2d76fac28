"""Where the service is, how the way there is protected, and who is calling."""

from pathlib import Path

import pytest

import preimage
from preimage.connection import Connection
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


def test_an_empty_text_stands_for_nothing_whatever_the_environment_says() -> None:
    environment = {"PREIMAGE_TOKEN": "outside", "PREIMAGE_CA": "/no/ca.pem"}
    plain = resolve(environment, target="example.org:1", token="", ca="")
    assert (plain.metadata, plain.secure) == ((), False)
    assert resolve({"PREIMAGE_TOKEN_FILE": "/no/token"}, token="").metadata == ()


def test_a_token_may_stand_in_a_file_which_is_read_for_every_call(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    connection = resolve({"PREIMAGE_TOKEN_FILE": str(file)})
    assert connection.metadata == (("authorization", "Bearer first"),)
    file.write_text("second")
    assert connection.metadata == (("authorization", "Bearer second"),)
    file.unlink()
    with pytest.raises(preimage.BadInput, match=r"token \(PREIMAGE_TOKEN_FILE\) cannot be read"):
        _ = connection.metadata


def test_a_token_comes_before_its_file(tmp_path: Path) -> None:
    environment = {"PREIMAGE_TOKEN": "direct", "PREIMAGE_TOKEN_FILE": "/no/token"}
    assert resolve(environment).token == "direct"
    assert resolve({"PREIMAGE_TOKEN_FILE": "/no/token"}, token="given").token == "given"


@pytest.mark.parametrize("content", ["", "two words", "t\xf6ken", "a\nb"])
def test_what_can_be_no_token_is_refused_before_anything_is_sent(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(preimage.BadInput, match="preimage token new") as caught:
        resolve({"PREIMAGE_TOKEN_FILE": str(file)})
    assert str(file) in str(caught.value)
    if content:
        with pytest.raises(preimage.BadInput, match="preimage token new"):
            resolve({"PREIMAGE_TOKEN": content})


def test_a_file_of_a_token_is_not_sent_unprotected_to_another_machine(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret")
    with pytest.raises(preimage.BadInput, match="PREIMAGE_CA"):
        resolve({"PREIMAGE_TOKEN_FILE": str(file)}, target="example.org:1")


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(resolve({}, token="secret"))


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(preimage.BadInput, match="belong together"):
        resolve({}, certificate="client.pem")


def test_a_file_that_is_missing_is_named_and_so_is_the_variable_that_names_it() -> None:
    with pytest.raises(preimage.BadInput, match=r"^/no/ca\.pem cannot be read"):
        resolve({}, ca="/no/ca.pem")
    here = {"PREIMAGE_CERT": __file__, "PREIMAGE_KEY": __file__}
    for variable in ("PREIMAGE_CA", "PREIMAGE_CERT", "PREIMAGE_KEY", "PREIMAGE_TOKEN_FILE"):
        environment = {**(here if variable in here else {}), variable: "/no/file"}
        with pytest.raises(preimage.BadInput, match=rf"^/no/file \({variable}\) cannot be read"):
            resolve(environment)


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
