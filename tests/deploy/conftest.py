"""The chart rendered once, with everything on."""

import pytest

from tests.deploy.rendering import Documents, over, render

EVERYTHING = {
    "image": {"registry": "registry.example/team", "pullSecrets": [{"name": "pull"}]},
    "redis": {"caSecret": {"name": "redis-ca"}, "url": "rediss://preimage@redis.data:6380/0"},
    "access": {"tlsSecret": "preimage-tls", "requireClientCertificates": True},
    "catalogue": "[models.mine]\n",
    "weights": {"persistentVolumeClaim": {"claimName": "weights", "readOnly": True}},
    "queue": {"settings": {"PREIMAGE_QUEUE_MAX_QUEUED_JOBS": 5_000_000}},
    "environment": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.monitoring:4318"},
    "frontend": {
        "settings": {"PREIMAGE_MAXIMUM_STEPS": 40000},
        "autoscaling": {"enabled": True},
        "nodeSelector": {"pool": "small"},
    },
    "workers": {
        "cpu": {"settings": {"PREIMAGE_DOWNLOAD_MODELS": "none"}},
        "gpu": {"enabled": True, "autoscaling": {"enabled": True, "laneStepsPerSecond": 900}},
    },
    "networkPolicy": {"extraEgress": [{"ports": [{"protocol": "TCP", "port": 443}]}]},
    "monitoring": {"enabled": True, "labels": {"release": "monitoring"}},
    "priorityClassName": "high",
    "podAnnotations": {"example/team": "vision"},
}


@pytest.fixture(scope="session")
def plain() -> Documents:
    """With nothing but what must be given."""
    return render()


@pytest.fixture(scope="session")
def full() -> Documents:
    """With everything on."""
    return render(over(EVERYTHING))


@pytest.fixture(params=["plain", "full"])
def documents(request: pytest.FixtureRequest) -> Documents:
    """Each of them."""
    found: Documents = request.getfixturevalue(request.param)
    return found
