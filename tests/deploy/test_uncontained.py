"""The commands of docker-compose.yml, run on this machine, make a working service."""

import hashlib
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import redis
import yaml

import preimage
from tests.deploy.compose import ROOT, read_compose
from tests.deploy.uncontained import Machine

PASSWORD, TOKEN = "a4c1e7", "preimage_b5d2f8"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    return read_compose({"PREIMAGE_REDIS_PASSWORD": PASSWORD, "PREIMAGE_TOKEN_SHA256": digest})


@pytest.fixture(scope="module")
def machine(compose: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    services = compose["services"]
    machine = Machine(tmp_path_factory.mktemp("machine"), compose["configs"])
    with (
        machine.run("redis", services["redis"]),
        machine.run("service", services["service"]),
        machine.run("worker", services["worker"]),
        machine.run("auditor", services["auditor"]),
    ):
        yield machine


def test_a_job_goes_through_them(machine: Machine) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with preimage.Client(f"127.0.0.1:{machine.ports[8790]}", token=TOKEN) as client:
        result = client.invert(picture, model="hog", layer="hog", steps=2)
    assert result.steps == 2
    assert result.pixels.shape[:2] == (32, 32)


@pytest.mark.parametrize("token", ["", "preimage_another"])
def test_without_the_token_nobody_gets_in(machine: Machine, token: str) -> None:
    target = f"127.0.0.1:{machine.ports[8790]}"
    with preimage.Client(target, token=token) as client, pytest.raises(preimage.NotAllowed):
        client.models()


def test_redis_lets_in_only_its_user_and_that_one_administers_nothing(machine: Machine) -> None:
    port = machine.ports[6379]
    with (
        redis.Redis(port=port, protocol=2) as anybody,
        pytest.raises(redis.AuthenticationError),
    ):
        anybody.ping()
    with redis.Redis(port=port, username="preimage", password=PASSWORD, protocol=2) as user:
        assert user.config_get("appendonly") == {"appendonly": "yes"}
        for command in (
            ["FLUSHALL"],
            ["CONFIG", "SET", "save", ""],
            ["ACL", "LIST"],
            ["KEYS", "*"],
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                user.execute_command(*command)


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
