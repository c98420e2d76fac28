"""The script that makes secrets, and the files that mount them."""

import hashlib
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from preimage_service.callers import Scope
from preimage_service.metrics import Meters
from preimage_service.tokens import load_tokens
from tests.deploy.compose import ROOT, read_compose


def make_secrets(folder: Path) -> str:
    """Runs the script; what it printed."""
    command = ["sh", str(ROOT / "deploy/docker/secrets.sh"), str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read_compose({})


def test_the_token_that_it_prints_is_the_one_that_the_file_lets_in(tmp_path: Path) -> None:
    (printed,) = re.findall(r"PREIMAGE_TOKEN=(\S+)", make_secrets(tmp_path))
    (token,) = load_tokens(tmp_path / "tokens.toml", Meters()).value
    assert token.sha256 == hashlib.sha256(printed.encode()).hexdigest()
    assert token.caller.scopes == frozenset(Scope)
    assert not [file for file in tmp_path.iterdir() if printed in file.read_text()]


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = {file: file.read_text() for file in tmp_path.iterdir()}
    assert "PREIMAGE_TOKEN" not in make_secrets(tmp_path)
    assert {file: file.read_text() for file in tmp_path.iterdir()} == before


def test_only_the_owner_gets_into_the_folder_and_containers_can_read_the_files(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o644}


def test_it_makes_every_secret_that_compose_mounts(tmp_path: Path, compose: dict[str, Any]) -> None:
    make_secrets(tmp_path)
    files = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert files == {file.name for file in tmp_path.iterdir()}


def test_secrets_come_by_file_only_to_who_needs_them(compose: dict[str, Any]) -> None:
    services = compose["services"]
    given = {
        name: set(service["secrets"]) for name, service in services.items() if "secrets" in service
    }
    redis = {name: {"redis_password"} for name in ("redis", "worker", "worker-gpu", "auditor")}
    service, grafana = {"redis_password", "tokens"}, {"grafana_password"}
    assert given == {**redis, "service": service, "grafana": grafana}
    for name, service in services.items():
        for value in service.get("environment", {}).values():
            if str(value).startswith("/run/secrets/"):
                assert Path(value).name in given[name]


def test_grafana_lets_nobody_in_without_its_password(compose: dict[str, Any]) -> None:
    environment = compose["services"]["grafana"]["environment"]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_password"
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"


def test_no_secret_is_in_a_committed_file() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/.env", "/secrets/", "/deploy/docker/settings.env"} <= set(ignored)
