"""The chart renders to objects that Kubernetes takes, and that fit together."""

import re
import shutil
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from preimage_service.metrics import Meters
from tests.deploy import rendering
from tests.deploy.compose import ROOT, read_compose
from tests.deploy.objects import InvalidError, containers, of_kind, selects, validate
from tests.deploy.rendering import CHART, Documents, render


def test_helm_s_linter_finds_nothing_but_that_there_is_no_icon() -> None:
    assert [message["error"] for message in rendering.lint()] == ["icon is recommended"]


def test_every_object_is_one_of_its_kind(documents: Documents) -> None:
    for document in documents.values():
        validate(document)


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "ScaledObject", "PodMonitor"])
def test_the_validation_refuses_what_the_kind_does_not_know(kind: str, full: Documents) -> None:
    broken = deepcopy(next(iter(of_kind(full, kind).values())))
    broken["spec"]["unheardOf"] = 1
    with pytest.raises(InvalidError):
        validate(broken)


def test_the_chart_has_the_version_of_the_package_and_the_images_of_compose(
    plain: Documents,
) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert chart["version"] == chart["appVersion"] == version
    built = {service["image"] for service in read_compose({})["services"].values()}
    for _name, _pod, container in containers(plain):
        image, _, tag = container["image"].partition(":")
        assert image in built
        assert tag == version


def test_every_pool_and_part_is_there_when_it_is_wanted(plain: Documents, full: Documents) -> None:
    assert set(of_kind(plain, "Deployment")) == {
        "pre-preimage-service",
        "pre-preimage-worker-cpu",
        "pre-preimage-auditor",
    }
    assert set(of_kind(full, "Deployment")) - set(of_kind(plain, "Deployment")) == {
        "pre-preimage-worker-gpu"
    }
    assert "auditor" not in str(render({"auditor": {"enabled": False}}).keys())


def test_selectors_find_pods_and_no_two_deployments_the_same(documents: Documents) -> None:
    deployments = of_kind(documents, "Deployment").values()
    for deployment in deployments:
        own = selects(deployment["spec"]["selector"]["matchLabels"])
        assert [each for each in deployments if own(each)] == [deployment]
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        for document in of_kind(documents, kind).values():
            assert any(map(selects(document["spec"]["selector"]["matchLabels"]), deployments))
    for document in of_kind(documents, "Service").values():
        (only,) = filter(selects(document["spec"]["selector"]), deployments)
        assert only["metadata"]["name"] == "pre-preimage-service"


def test_every_deployment_may_lose_one_pod_at_a_time(documents: Documents) -> None:
    budgets = of_kind(documents, "PodDisruptionBudget")
    assert set(budgets) == set(of_kind(documents, "Deployment"))
    assert {budget["spec"]["maxUnavailable"] for budget in budgets.values()} == {1}


def test_what_scales_a_deployment_scales_one_that_says_no_number_itself(full: Documents) -> None:
    deployments = of_kind(full, "Deployment")
    scaled = [
        document["spec"]["scaleTargetRef"]["name"]
        for kind in ("ScaledObject", "HorizontalPodAutoscaler")
        for document in of_kind(full, kind).values()
    ]
    assert set(scaled) == {
        name for name, each in deployments.items() if "replicas" not in each["spec"]
    }
    assert len(scaled) == 2


def test_autoscaling_asks_for_metrics_that_are_exported(full: Documents) -> None:
    (scaled,) = of_kind(full, "ScaledObject").values()
    asked = [trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"]]
    named = set(re.findall(r"preimage_\w+", " ".join(asked)))
    exported = {family.name for family in Meters().registry.collect()}
    worker = (ROOT / "docs/reference/metrics-worker.md").read_text("utf-8")
    assert named - exported == {"preimage_batch_slots_active"}
    assert "| `preimage_batch_slots_active` | gauge |" in worker


def test_the_work_ahead_is_counted_in_seconds_of_one_worker(full: Documents) -> None:
    (scaled,) = of_kind(full, "ScaledObject").values()
    work, busy = scaled["spec"]["triggers"]
    assert work["metadata"]["query"] == 'max(preimage_queue_lane_steps{namespace="preimage"}) / 900'
    assert work["metadata"]["threshold"] == "60"
    assert busy["metadata"]["threshold"] == "16"
    assert scaled["spec"]["minReplicaCount"] >= 1


def test_services_lead_to_the_port_of_the_frontend(documents: Documents) -> None:
    for service in of_kind(documents, "Service").values():
        (port,) = service["spec"]["ports"]
        assert (port["port"], port["targetPort"]) == (8790, "grpc")


def test_rules_and_dashboards_come_from_the_folders_that_compose_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = {name: (CHART / name).resolve() for name in ("rules", "dashboards")}
    assert targets == {
        "rules": ROOT / "deploy/prometheus/rules",
        "dashboards": ROOT / "deploy/grafana/dashboards",
    }
    copy = tmp_path / "preimage"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("rules", "dashboards"))
    rule: dict[str, Any] = {
        "groups": [
            {
                "name": "g",
                "rules": [{"alert": "A", "expr": "up == 0", "annotations": {"x": "{{ $value }}"}}],
            }
        ]
    }
    for folder, name, text in (
        ("rules", "alerts.yml", yaml.safe_dump(rule)),
        ("dashboards", "queue.json", '{"title": "{{ job }}"}'),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
        (copy / folder).symlink_to(tmp_path / folder)
    found = render({"monitoring": {"enabled": True}}, chart=copy)
    (made,) = of_kind(found, "PrometheusRule").values()
    validate(made)
    assert made["spec"] == rule
    (board,) = of_kind(found, "ConfigMap").values()
    assert board["data"] == {"queue.json": '{"title": "{{ job }}"}'}
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
