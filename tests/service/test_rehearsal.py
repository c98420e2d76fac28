"""`--check`: what a start would say, without one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.authority import Authority
from tests.service.tokens import entry, write

NOWHERE = {
    "PREIMAGE_REDIS_URL": "redis://127.0.0.1:1/0",
    "PREIMAGE_LISTEN": "127.0.0.1:0",
    "PREIMAGE_ADMIN_LISTEN": "127.0.0.1:0",
    "PREIMAGE_SERVICE_METRICS_LISTEN": "127.0.0.1:0",
}


def _ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREIMAGE_")}
    command = [sys.executable, "-P", "-c", "from preimage.cli import app; app()", *arguments]
    return subprocess.run(
        command, env=kept | environment, capture_output=True, text=True, check=False
    )


def _checked(**environment: str) -> subprocess.CompletedProcess[str]:
    return _ran("serve", "--check", **(NOWHERE | environment))


def _tokens(folder: Path) -> Path:
    names = [("a", "acme"), ("b", "acme"), ("c", "other")]
    path = write(folder, *(entry(name, f"of {name}", tenant=tenant) for name, tenant in names))
    path.chmod(0o600)
    return path


def _refused(**environment: str) -> str:
    ended = _checked(**environment)
    assert ended.returncode == 2, ended.stdout
    assert ended.stderr.splitlines()[-1].startswith("preimage service: ")
    return ended.stderr


def test_a_configuration_in_order_is_told_and_needs_no_redis(tmp_path: Path) -> None:
    pair = Authority(tmp_path).server()
    pair.key.chmod(0o600)
    ended = _checked(
        PREIMAGE_TOKENS=str(_tokens(tmp_path)),
        PREIMAGE_TLS_CERTIFICATE=str(pair.certificate),
        PREIMAGE_TLS_KEY=str(pair.key),
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    said = ended.stdout.splitlines()
    assert "tokens: 3 tokens of 2 tenants" in said
    assert "protection: TLS, tokens" in said
    assert any(line.startswith("certificates: server until ") for line in said)
    assert said[-1] == "In order."


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PREIMAGE_REDIS_URL", "http://127.0.0.1", "PREIMAGE_REDIS_URL"),
        ("PREIMAGE_QUEUE_LEASE_SECONDS", "soon", "PREIMAGE_QUEUE_LEASE_SECONDS"),
        ("PREIMAGE_LISTEN", "nowhere", "PREIMAGE_LISTEN"),
        ("PREIMAGE_SERVICE_METRICS_LISTEN", "nowhere", "PREIMAGE_SERVICE_METRICS_LISTEN"),
        ("PREIMAGE_MAXIMUM_STEPS", "many", "PREIMAGE_MAXIMUM_STEPS"),
        ("PREIMAGE_LISTEN", "0.0.0.0:0", "PREIMAGE_TOKENS"),
        ("PREIMAGE_TOKENS", "/no/tokens.toml", "PREIMAGE_TOKENS is '/no/tokens.toml': No such"),
        ("PREIMAGE_TLS_KEY", __file__, "PREIMAGE_TLS_CERTIFICATE is not set"),
        ("PREIMAGE_AUDIT_LOG", "/no/folder/audit.log", "PREIMAGE_AUDIT_LOG"),
    ],
)
def test_what_a_start_would_refuse_is_refused_with_its_sentence(
    variable: str, value: str, words: str
) -> None:
    assert words in _refused(**{variable: value})


def test_a_variable_that_is_nearly_a_setting_is_warned_of() -> None:
    ended = _checked(PREIMAGE_TOKNES="tokens.toml", PREIMAGE_TOKEN="a-clients")
    assert ended.returncode == 0
    (said,) = ended.stderr.splitlines()
    assert said.endswith(
        "PREIMAGE_TOKNES is no setting and has no effect: is PREIMAGE_TOKENS meant?"
    )


def test_an_address_in_use_is_told_for_it_may_be_this_frontends() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = _checked(PREIMAGE_LISTEN=address)
    assert ended.returncode == 0, ended.stderr
    assert f"PREIMAGE_LISTEN: {address}, where somebody listens now" in ended.stdout


def test_no_audit_log_is_left_behind_and_none_is_harmed(tmp_path: Path) -> None:
    made, kept = tmp_path / "made", tmp_path / "kept"
    kept.write_text("a line\n")
    for log in (made, kept):
        assert _checked(PREIMAGE_AUDIT_LOG=str(log)).returncode == 0
    assert not made.exists()
    assert kept.read_text() == "a line\n"


def test_a_file_of_tokens_is_judged_alone_as_a_frontend_judges_it(tmp_path: Path) -> None:
    file = _tokens(tmp_path)
    told = _ran("token", "check", "--file", str(file))
    assert (told.returncode, told.stdout) == (0, f"{file}: 3 tokens of 2 tenants\nIn order.\n")
    file.write_text(file.read_text().replace('"acme"', '"a b"', 1))
    broken = _ran("token", "check", "--file", str(file))
    assert broken.returncode == 2
    assert "[tokens.a]: tenant must be 1 to 128" in broken.stderr
