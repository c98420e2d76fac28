"""The commands of docker-compose.yml, run on this machine, make a working service."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
import yaml

import preimage
from tests.deploy.compose import ROOT, read_compose
from tests.deploy.test_secrets import make_secrets
from tests.deploy.uncontained import Machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machine")


@pytest.fixture(scope="module")
def token(folder: Path) -> str:
    (printed,) = re.findall(r"PREIMAGE_TOKEN=(\S+)", make_secrets(folder / "secrets"))
    return str(printed)


@pytest.fixture(scope="module")
def machine(folder: Path, token: str) -> Iterator[Machine]:
    compose: dict[str, Any] = read_compose({"PREIMAGE_SECRETS": str(folder / "secrets")})
    services = compose["services"]
    secrets = {name: Path(secret["file"]) for name, secret in compose["secrets"].items()}
    machine = Machine(folder, {f"/run/secrets/{name}": file for name, file in secrets.items()})
    with (
        machine.run("redis", services["redis"]),
        machine.run("service", services["service"]),
        machine.run("worker", services["worker"]),
        machine.run("auditor", services["auditor"]),
    ):
        yield machine


def test_a_job_goes_through_them(machine: Machine, token: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with preimage.Client(f"127.0.0.1:{machine.ports[8790]}", token=token) as client:
        result = client.invert(picture, model="hog", layer="hog", steps=2)
    assert result.steps == 2
    assert result.pixels.shape[:2] == (32, 32)


@pytest.mark.parametrize("wrong", ["", "preimage_another"])
def test_without_the_token_nobody_gets_in(machine: Machine, wrong: str) -> None:
    target = f"127.0.0.1:{machine.ports[8790]}"
    with preimage.Client(target, token=wrong) as client, pytest.raises(preimage.NotAllowed):
        client.models()


def test_redis_lets_in_only_its_user_and_that_one_administers_nothing(
    machine: Machine, folder: Path
) -> None:
    port, password = machine.ports[6379], (folder / "secrets/redis_password").read_text().strip()
    with (
        redis.Redis(port=port, protocol=2) as anybody,
        pytest.raises(redis.AuthenticationError),
    ):
        anybody.ping()
    with redis.Redis(port=port, username="preimage", password=password, protocol=2) as user:
        for name, value in {"appendonly": "yes", "maxmemory": str(2 * 2**30)}.items():
            assert user.config_get(name) == {name: value}
        for command in (
            ["FLUSHALL"],
            ["CONFIG", "SET", "save", ""],
            ["ACL", "LIST"],
            ["KEYS", "*"],
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                user.execute_command(*command)


def test_no_password_is_in_a_command_or_a_variable(machine: Machine, folder: Path) -> None:
    secrets = [file.read_bytes().strip() for file in (folder / "secrets").glob("*_password")]
    for process in machine.processes:
        for place in ("cmdline", "environ"):
            shown = Path(f"/proc/{process}/{place}").read_bytes()
            assert not [secret for secret in secrets if secret in shown]


def test_metrics_are_where_prometheus_looks_for_them(machine: Machine) -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    service, *others = config["scrape_configs"]
    ports = [
        int(service["static_configs"][0]["targets"][0].rpartition(":")[2]),
        *(other["dns_sd_configs"][0]["port"] for other in others),
    ]
    for port in ports:
        url = f"http://127.0.0.1:{machine.ports[port]}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert b"preimage_" in answer.read()
