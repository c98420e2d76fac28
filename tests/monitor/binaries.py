"""The programs of Prometheus: found on the PATH, or the test ends with a sentence."""

import os
import shutil
from typing import Final

import pytest

MISSING: Final = (
    "No {name} was found: install Debian's package `prometheus`, or put the programs of a release "
    "of Prometheus on the PATH."
)


def find(name: str) -> str | None:
    """The path of "prometheus" or "promtool", if there is one."""
    return shutil.which(name)


def require(name: str) -> str:
    """The path; ends the test as skipped, or as failed in CI, without one."""
    if path := find(name):
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING.format(name=name))
    pytest.skip(MISSING.format(name=name))
