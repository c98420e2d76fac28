"""docker-compose.yml is what Compose understands, names what exists and leaves no rights over."""

import json
import re
from copy import deepcopy
from typing import Any

import compose_spec
import pytest
import yaml

from preimage.cli import app
from tests.deploy.compose import ROOT, read_compose, read_env_example

OWN = ("service", "worker", "worker-gpu", "auditor")
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read_compose({})


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> Services:
    found: Services = compose["services"]
    return found


def _validate(compose: dict[str, Any]) -> None:
    parsed = compose_spec.PyCompose.from_json(json.dumps(compose))
    parsed.validate()
    parsed.to_spec()


def test_it_is_a_compose_file(compose: dict[str, Any]) -> None:
    _validate(compose)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("helthcheck", {}),
        ("networks", ["nowhere"]),
        ("secrets", ["none"]),
        ("read_only", "perhaps"),
        ("deploy", {"resources": {"limits": {"memory": "much"}}}),
    ],
)
def test_the_validation_refuses_what_compose_would(
    option: str, value: object, compose: dict[str, Any]
) -> None:
    broken = deepcopy(compose)
    broken["services"]["service"][option] = value
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is the validator's
        _validate(broken)


def test_the_example_names_every_variable_of_the_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    assert used | {"COMPOSE_PROFILES"} == set(read_env_example())


def test_the_example_has_the_defaults_of_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    said = {name: value for name, value in read_env_example().items() if name in defaults}
    assert {**defaults, "PREIMAGE_WEIGHTS_DIR": "./weights"} == said


@pytest.mark.parametrize("name", OWN)
def test_every_command_is_one_of_the_command_line(name: str, services: Services) -> None:
    program, command, *_ = services[name]["command"]
    assert program == "preimage"
    assert command in {each.name for each in app.registered_commands}


def test_workers_differ_by_profile_and_device_and_only_one_reserves_a_gpu(
    services: Services,
) -> None:
    cpu, gpu = services["worker"], services["worker-gpu"]
    assert (cpu["profiles"], cpu["environment"]["PREIMAGE_DEVICE"]) == (["cpu"], "cpu")
    assert (gpu["profiles"], gpu["environment"]["PREIMAGE_DEVICE"]) == (["gpu"], "cuda")
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "reservations" not in cpu["deploy"]["resources"]


def test_the_example_starts_a_worker_that_exists(services: Services) -> None:
    profile = read_env_example()["COMPOSE_PROFILES"]
    assert [name for name in services if profile in services[name].get("profiles", ())]


def test_every_container_is_watched_restarted_and_has_no_rights_to_spare(
    services: Services,
) -> None:
    for name, service in services.items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert service["tmpfs"], name
        assert not service.get("privileged"), name


def test_every_container_has_limits(services: Services) -> None:
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert service["logging"]["options"]["max-size"], name


def test_redis_has_room_to_write_its_file_anew_by_a_copy_of_itself(services: Services) -> None:
    words = services["redis"]["command"]
    most = words[words.index("--maxmemory") + 1]
    assert (most, services["redis"]["deploy"]["resources"]["limits"]["memory"]) == ("2gb", "4g")


def test_a_worker_computes_with_as_many_threads_as_it_may_take_processors(
    services: Services,
) -> None:
    for name in ("worker", "worker-gpu", "auditor"):
        cpus = services[name]["deploy"]["resources"]["limits"]["cpus"]
        assert services[name]["environment"]["PREIMAGE_THREADS"] == cpus


def test_images_of_others_have_a_version_and_a_user(services: Services) -> None:
    others = {name: service for name, service in services.items() if "build" not in service}
    assert set(others) == {"redis", "prometheus", "grafana"}
    for service in others.values():
        assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+(-\w+)?", service["image"])
        assert service["user"].split(":")[0] not in {"", "0", "root"}


def test_nothing_is_published_beyond_this_machine(services: Services) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(ports) == {"service", "prometheus", "grafana"}
    assert all(port.startswith("127.0.0.1:") for each in ports.values() for port in each)


def test_only_who_must_reaches_redis_and_neither_it_nor_a_metric_leads_outside(
    compose: dict[str, Any], services: Services
) -> None:
    networks = compose["networks"]
    inside = {name for name, options in networks.items() if options.get("internal")}
    assert inside == {"queue", "metrics"}
    assert services["redis"]["networks"] == ["queue"]
    on_queue = {name for name, service in services.items() if "queue" in service["networks"]}
    assert on_queue == {"redis", *OWN}
    outside = {name for name, service in services.items() if "outside" in service["networks"]}
    assert outside == {name for name, service in services.items() if "ports" in service}


def test_published_ports_are_those_that_the_frontend_listens_on(services: Services) -> None:
    environment = services["service"]["environment"]
    listened = {
        environment[name].rpartition(":")[2]
        for name in ("PREIMAGE_LISTEN", "PREIMAGE_ADMIN_LISTEN")
    }
    assert {port.rpartition(":")[2] for port in services["service"]["ports"]} == listened


def test_health_checks_ask_where_the_process_answers(services: Services) -> None:
    for name, variable in {
        "service": "PREIMAGE_LISTEN",
        "worker": "PREIMAGE_WORKER_METRICS_LISTEN",
        "worker-gpu": "PREIMAGE_WORKER_METRICS_LISTEN",
        "auditor": "PREIMAGE_AUDITOR_METRICS_LISTEN",
    }.items():
        port = services[name]["environment"][variable].rpartition(":")[2]
        assert re.search(rf"127\.0\.0\.1:{port}\b", services[name]["healthcheck"]["test"][-1])


def test_every_volume_is_declared_or_a_folder_that_exists(
    compose: dict[str, Any], services: Services
) -> None:
    volumes = [volume for service in services.values() for volume in service.get("volumes", ())]
    sources = {volume.partition(":")[0] for volume in volumes}
    named = {source for source in sources if not source.startswith(".")}
    assert named == set(compose["volumes"])
    assert all((ROOT / source).is_dir() for source in sources - named)
    assert all(volume.endswith(":ro") for volume in volumes if volume.startswith("."))


def test_prometheus_scrapes_the_ports_on_which_metrics_are_served(services: Services) -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    (target,) = jobs["preimage-service"]["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    metrics = services[host]["environment"]["PREIMAGE_SERVICE_METRICS_LISTEN"]
    assert metrics.endswith(f":{port}")
    for job, variable in {
        "preimage-worker": "PREIMAGE_WORKER_METRICS_LISTEN",
        "preimage-auditor": "PREIMAGE_AUDITOR_METRICS_LISTEN",
    }.items():
        (discovery,) = jobs[job]["dns_sd_configs"]
        for name in discovery["names"]:
            assert services[name]["environment"][variable].endswith(f":{discovery['port']}")


def test_who_is_scraped_shares_a_network_with_prometheus(services: Services) -> None:
    for name in (*OWN, "prometheus", "grafana"):
        assert "metrics" in services[name]["networks"]
