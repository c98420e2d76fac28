"""A service whose processes live on different hosts, and a network that fails between them."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.netns.service import WORKERS
from tests.redis_server import require_server

NO_NAMESPACES = "This machine lets us make no network namespaces: that takes root and unshare."
NO_IP = "The program `ip` is not here: install iproute2."


def require_namespaces() -> None:
    """Skip where the kernel refuses namespaces; without `ip` skip, or fail in CI."""
    unshare = shutil.which("unshare")
    allowed = os.geteuid() == 0 and unshare and shutil.which("nsenter")
    if not allowed or subprocess.run([unshare, "--net", "true"], check=False).returncode:
        pytest.skip(NO_NAMESPACES)
    if not shutil.which("ip"):
        if os.environ.get("CI") == "true":
            pytest.fail(NO_IP)
        pytest.skip(NO_IP)


def in_a_namespace(module: str) -> Any:  # noqa: ANN401  whatever it prints
    """What a module of this package prints when it runs in a namespace of its own."""
    require_namespaces()
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", module],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_cut_lets_nothing_through_and_only_where_it_is() -> None:
    heard = in_a_namespace("tests.netns.drops")
    assert heard == ["first", "the other way", "second", "third"]


@pytest.mark.slow
def test_no_cut_between_hosts_loses_a_job_and_the_service_recovers_by_itself() -> None:
    require_server()
    said = in_a_namespace("tests.netns")
    assert said["violations"] == []
    assert len(said["workers"]) == len(WORKERS)
    assert set(said["ends"]) <= {"SUCCEEDED", "CANCELLED", "NOT_FOUND"}
    assert said["ends"]["SUCCEEDED"] > 0
    assert said["failed_calls"] > 0
    assert len(said["recovered_after_seconds"]) == 9
