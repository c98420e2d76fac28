"""Variables that are nearly a setting's name are found, and nobody else's are complained of."""

import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from preimage_queue.misspelt import misspelt
from preimage_service import command
from preimage_service.settings import Settings as FrontendSettings
from preimage_worker import starting
from preimage_worker.settings import Settings as WorkerSettings

DOCUMENT = Path(__file__).parents[2] / "docs/reference/settings.md"
PROCESSES = [
    (FrontendSettings.variables(), command.OTHERS),
    (WorkerSettings.variables(), starting.OTHERS),
]
KUBERNETES = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_GRPC", "PORT", "PORT_8790_TCP_ADDR")
COMPOSE = ("REDIS_PASSWORD", "REDIS_MAXMEMORY", "TOKEN_SHA256")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("TOKNES", "TOKENS"),
        ("LISTN", "LISTEN"),
        ("TLS_CERTIFICAT", "TLS_CERTIFICATE"),
        ("MAXIMUM_STEP", "MAXIMUM_STEPS"),
        ("QUEUE_LEASE_SECOND", "QUEUE_LEASE_SECONDS"),
    ],
)
def test_a_name_that_is_nearly_right_is_found_with_the_one_that_is_meant(
    wrong: str, meant: str
) -> None:
    names = [f"PREIMAGE_{wrong}", "PREIMAGE_TOKENS", "PATH", "TOKNES"]
    found = list(misspelt(names, FrontendSettings.variables(), ()))
    assert found == [(f"PREIMAGE_{wrong}", f"PREIMAGE_{meant}")]


@pytest.mark.parametrize(("own", "others"), PROCESSES, ids=["frontend", "worker"])
def test_no_setting_of_another_part_is_taken_for_a_slip(
    own: Collection[str], others: Collection[str]
) -> None:
    documented = re.findall(r"^\| `(PREIMAGE_\w+)`", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert len(documented) > 60
    assert list(misspelt(documented, own, others)) == []
    assert {name for name, _ in misspelt(documented, own, ())} == set(others), "and no more"


@pytest.mark.parametrize(("own", "others"), PROCESSES, ids=["frontend", "worker"])
@pytest.mark.parametrize("service", ["", "REDIS_", "FRONTEND_", "ADMIN_"])
def test_what_kubernetes_and_compose_set_is_none_of_our_business(
    own: Collection[str], others: Collection[str], service: str
) -> None:
    names = [f"PREIMAGE_{service}{each}" for each in KUBERNETES]
    names += [f"PREIMAGE_{each}" for each in COMPOSE]
    assert list(misspelt(names, own, others)) == []


def test_a_worker_warns_at_its_start() -> None:
    wrong = {"PREIMAGE_SLOT": "4", "PREIMAGE_DEVICE": "abacus"}
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "preimage_worker"],
        env=os.environ | wrong,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "PREIMAGE_SLOT is no setting and has no effect: is PREIMAGE_SLOTS meant?" in ended.stderr
