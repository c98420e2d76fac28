"""The containers of docker-compose.yml say what the processes understand, and name what exists."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from preimage.cli import app
from preimage_service.callers import Scope
from preimage_service.metrics import Meters
from preimage_service.settings import Settings as ServiceSettings
from preimage_service.tokens import load_tokens
from preimage_worker.settings import Settings as WorkerSettings
from tests.deploy.compose import ROOT, read_compose, read_env_example

SERVICE_VARIABLES = {
    f"PREIMAGE_{field.name.upper()}" for field in dataclasses.fields(ServiceSettings)
}
WORKER_VARIABLES = {field.metadata["variable"] for field in dataclasses.fields(WorkerSettings)}
OWN = ("service", "worker", "worker-gpu", "auditor")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read_compose({"PREIMAGE_REDIS_PASSWORD": "secret", "PREIMAGE_TOKEN_SHA256": "0" * 64})


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


SECRETS = ("PREIMAGE_REDIS_PASSWORD", "PREIMAGE_TOKEN_SHA256")


@pytest.mark.parametrize("missing", SECRETS)
def test_without_a_secret_nothing_starts_and_the_reason_is_said(missing: str) -> None:
    with pytest.raises(KeyError, match=r"set it in \.env"):
        read_compose({name: "secret" for name in SECRETS if name != missing})


def test_no_secret_is_in_a_committed_file() -> None:
    assert [read_env_example()[name] for name in SECRETS] == ["", ""]


def test_the_frontend_asks_for_tokens_that_a_frontend_understands(
    compose: dict[str, Any], services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    (mounted,) = services["service"]["configs"]
    assert mounted["target"] == services["service"]["environment"]["PREIMAGE_TOKENS"]
    assert "PREIMAGE_ALLOW_ANONYMOUS" not in services["service"]["environment"]
    file = tmp_path / "tokens.toml"
    file.write_text(compose["configs"][mounted["source"]]["content"])
    (token,) = load_tokens(file, Meters()).value
    assert token.sha256 == "0" * 64
    assert token.caller.scopes == frozenset(Scope)


def test_the_example_names_every_variable_of_the_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    assert used == set(read_env_example())


@pytest.mark.parametrize("name", OWN)
def test_every_command_is_one_of_the_command_line(
    name: str, services: dict[str, dict[str, Any]]
) -> None:
    program, command, *_ = services[name]["command"]
    assert program == "preimage"
    assert command in {each.name for each in app.registered_commands}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("service", SERVICE_VARIABLES),
        ("worker", WORKER_VARIABLES),
        ("worker-gpu", WORKER_VARIABLES),
    ],
)
def test_every_variable_is_a_setting_of_its_process(
    name: str, known: set[str], services: dict[str, dict[str, Any]]
) -> None:
    given = {key for key in services[name]["environment"] if key.startswith("PREIMAGE_")}
    assert given
    assert given <= known


def test_workers_differ_by_profile_and_device_and_only_one_reserves_a_gpu(
    services: dict[str, dict[str, Any]],
) -> None:
    cpu, gpu = services["worker"], services["worker-gpu"]
    assert (cpu["profiles"], cpu["environment"]["PREIMAGE_DEVICE"]) == (["cpu"], "cpu")
    assert (gpu["profiles"], gpu["environment"]["PREIMAGE_DEVICE"]) == (["gpu"], "cuda")
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "deploy" not in cpu


def test_every_container_is_watched_restarted_and_has_no_rights_to_spare(
    services: dict[str, dict[str, Any]],
) -> None:
    for service in services.values():
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True


def test_nothing_is_published_beyond_this_machine(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in services["redis"]


def test_published_ports_are_those_that_the_frontend_listens_on(
    services: dict[str, dict[str, Any]],
) -> None:
    environment = services["service"]["environment"]
    listened = {
        environment[name].rpartition(":")[2]
        for name in ("PREIMAGE_LISTEN", "PREIMAGE_ADMIN_LISTEN")
    }
    assert {port.rpartition(":")[2] for port in services["service"]["ports"]} == listened


def test_every_volume_is_declared_or_a_file_that_exists(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    sources = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
    }
    named = {source for source in sources if not source.startswith(".")}
    assert named == set(compose["volumes"])
    assert all((ROOT / source).is_file() for source in sources - named)


@pytest.mark.parametrize("name", OWN)
def test_every_file_that_an_image_copies_exists_and_is_not_ignored(
    name: str, services: dict[str, dict[str, Any]]
) -> None:
    dockerfile = ROOT / services[name]["build"]["dockerfile"]
    allowed = Path(f"{dockerfile}.dockerignore").read_text("utf-8").splitlines()
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile.read_text("utf-8"), re.MULTILINE)
    for source in " ".join(copies).split():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, source


@pytest.mark.parametrize("name", OWN)
def test_images_run_as_nobody_special(name: str, services: dict[str, dict[str, Any]]) -> None:
    dockerfile = (ROOT / services[name]["build"]["dockerfile"]).read_text("utf-8")
    (user,) = re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE)
    assert int(user) > 0
    assert services["redis"]["user"] == "redis"


def test_prometheus_scrapes_the_ports_on_which_metrics_are_served(
    services: dict[str, dict[str, Any]],
) -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    (target,) = jobs["preimage-service"]["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    metrics = services[host]["environment"]["PREIMAGE_SERVICE_METRICS_LISTEN"]
    assert metrics.endswith(f":{port}")
    (discovery,) = jobs["preimage-worker"]["dns_sd_configs"]
    for name in discovery["names"]:
        metrics = services[name]["environment"]["PREIMAGE_WORKER_METRICS_LISTEN"]
        assert metrics.endswith(f":{discovery['port']}")
