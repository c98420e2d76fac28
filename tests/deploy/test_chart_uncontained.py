"""What the chart's pods run, run on this machine: it serves, is probed, and ends in time."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import preimage
from tests.deploy.compose import read_compose
from tests.deploy.objects import containers, environment
from tests.deploy.rendering import Documents, render
from tests.deploy.test_secrets import make_secrets
from tests.deploy.uncontained import Machine

QUICK = {"frontend": {"drain": {"pauseSeconds": 0, "graceSeconds": 1}}}
HEALTH = ("python", "/opt/preimage/health.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def token(folder: Path) -> str:
    (printed,) = re.findall(r"PREIMAGE_TOKEN=(\S+)", make_secrets(folder / "secrets"))
    return str(printed)


@pytest.fixture(scope="module")
def rendered() -> Documents:
    return render(QUICK)


@pytest.fixture(scope="module")
def machine(folder: Path, token: str) -> Iterator[Machine]:
    """A Redis such as the chart wants, and places for what it mounts."""
    secrets = folder / "secrets"
    machine = Machine(
        folder,
        {
            "/run/secrets/redis_password": secrets / "redis_password",
            "/etc/preimage/redis/password": secrets / "redis_password",
            "/etc/preimage/tokens/tokens.toml": secrets / "tokens.toml",
        },
    )
    with machine.run("redis", read_compose({})["services"]["redis"]):
        yield machine


def _asks(probe: Mapping[str, Any], ports: Mapping[str, int]) -> list[str]:
    """The command that asks what a probe asks."""
    if "grpc" in probe:
        service = [probe["grpc"]["service"]] if "service" in probe["grpc"] else []
        return [*HEALTH, f"127.0.0.1:{probe['grpc']['port']}", *service]
    http = probe["httpGet"]
    return [*HEALTH, f"http://127.0.0.1:{ports[http['port']]}{http['path']}"]


def _as_service(container: Mapping[str, Any], probe: str) -> dict[str, Any]:
    """A container as the machine runs it, watched by one of its probes."""
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    return {
        "command": container["command"],
        "environment": environment(container),
        "healthcheck": {"test": ["CMD", *_asks(container[probe], ports)]},
    }


@pytest.mark.slow
def test_a_job_goes_through_the_pods_and_they_end_within_their_grace(
    machine: Machine, token: str, rendered: Documents
) -> None:
    pods = {container["name"]: (pod, container) for _, pod, container in containers(rendered)}
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    running = {
        name: machine.run(
            name,
            _as_service(container, "readinessProbe"),
            stop_seconds=pod["terminationGracePeriodSeconds"],
        )
        for name, (pod, container) in pods.items()
    }
    with (
        running["service"] as service,
        running["worker"] as worker,
        running["auditor"] as auditor,
        preimage.Client(f"127.0.0.1:{machine.ports[8790]}", token=token) as client,
    ):
        result = client.invert(picture, model="hog", layer="hog", steps=2)
        assert result.steps == 2
        for probe in ("startupProbe", "livenessProbe"):
            for _pod, container in pods.values():
                assert machine.is_healthy(_as_service(container, probe))
    for child in (service, worker, auditor):
        assert (child.name, child.ending()) == (child.name, "ended with status 0")
