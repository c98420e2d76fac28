"""Values that would make no service are refused, with a reason."""

import json
import re
from typing import Any

import pytest
import yaml
from deploy import settings

from tests.deploy.rendering import CHART, ChartError, render


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"redis": {"url": ""}}, "url"),
        ({"redis": {"url": "redis://preimage:secret@redis:6379/0"}}, "url"),
        ({"access": {"allowPlaintextTokens": False}}, "name a tlsSecret"),
        ({"access": {"tokensSecret": ""}}, "says who may call"),
        ({"access": {"requireClientCertificates": True}}, "needs a tlsSecret"),
        ({"networkPolicy": {"redis": {"to": []}}}, "redis/to|redis.to"),
        ({"frontend": {"settings": {"PREIMAGE_MAXIMUM_STEP": 1}}}, "PREIMAGE_MAXIMUM_STEP"),
        ({"frontend": {"settings": {"PREIMAGE_LISTEN": "0.0.0.0:1"}}}, "PREIMAGE_LISTEN"),
        ({"queue": {"settings": {"PREIMAGE_SLOTS": 1}}}, "PREIMAGE_SLOTS"),
        ({"workers": {"cpu": {"settings": {"PREIMAGE_TOKENS": "x"}}}}, "PREIMAGE_TOKENS"),
        ({"environment": {"PREIMAGE_SLOTS": 1}}, "PREIMAGE_SLOTS"),
        ({"workers": {"cpu": {"replica": 3}}}, "replica"),
        ({"workers": {"cpu": {"device": "tpu"}}}, "device"),
        ({"workers": {"cpu": {"autoscaling": {"enabled": True}}}}, "measure laneStepsPerSecond"),
        ({"workerDefaults": {"autoscaling": {"minReplicas": 0}}}, "minReplicas"),
        ({"unheardOf": 1}, "unheardOf"),
    ],
)
def test_values_that_make_no_service_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ChartError, match=words):
        render(values)


def test_values_may_name_every_setting_that_the_templates_leave_alone() -> None:
    defined = json.loads(settings.SCHEMA.read_text("utf-8"))["$defs"]
    for name, definition in settings.definitions().items():
        assert defined[name] == definition, "run `python deploy/settings.py`"


def test_every_value_is_described_by_the_schema_and_none_that_does_not_exist() -> None:
    schema = json.loads(settings.SCHEMA.read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values)
    for name in ("image", "redis", "access", "frontend", "auditor", "networkPolicy", "monitoring"):
        assert set(schema["properties"][name]["properties"]) == set(values[name])


def test_templates_use_every_value() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    text = "".join(file.read_text("utf-8") for file in (CHART / "templates").iterdir())
    leaves = {
        *values,
        *(name for part in values.values() if isinstance(part, dict) for name in part),
        *(name for name in values["workerDefaults"]["autoscaling"]),
    } - {"cpu", "gpu"}
    assert [name for name in leaves if not re.search(rf"\.{name}\b|{name!r}", text)] == []
