"""The bare install: the SDK and the command line, in an environment without torch and Redis."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack
from tests.worker import jobs

ROOT = Path(__file__).parents[2]
SCRIPT = """
import importlib.util, sys
import preimage

absent = [name for name in ("torch", "redis", "torchvision", "skimage", "prometheus_client")
          if importlib.util.find_spec(name) is None]
with preimage.Client(sys.argv[1]) as client:
    result = client.invert(sys.argv[2], model="hog", layer="hog", steps=5)
print(",".join(absent), result.outcome, result.pixels.shape)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with `pip install .` in it."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    constraints = ("-c", ROOT / "constraints.txt")
    subprocess.run([python, "-m", "pip", "install", *quiet, *constraints, ROOT], check=True)
    return python


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with tiny_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(jobs.picture())
    return path


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "", **environment},
        cwd="/",
    )


@pytest.mark.slow
def test_the_sdk_works_without_torch_and_redis(python: Path, stack: Stack, picture: Path) -> None:
    done = run(python, "-c", SCRIPT, stack.target, picture)
    assert done.stderr == ""
    absent, outcome, shape = done.stdout.strip().split(" ", 2)
    assert absent == "torch,redis,torchvision,skimage,prometheus_client"
    assert outcome == "SCHEDULE_COMPLETED"
    assert shape == f"({jobs.SIDE}, {jobs.SIDE})"


@pytest.mark.slow
def test_the_command_line_works_without_torch_and_redis(
    python: Path, stack: Stack, picture: Path, tmp_path: Path
) -> None:
    command = python.with_name("preimage")
    out = tmp_path / "x.png"
    options = ("--model", "hog", "--layer", "hog", "--steps", "5", "--out", out, "--json")
    done = run(command, "invert", picture, *options, "--target", stack.target)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "SUCCEEDED"
    assert out.stat().st_size > 0


@pytest.mark.slow
def test_tokens_are_made_without_torch_and_redis(python: Path) -> None:
    done = run(python.with_name("preimage"), "token", "new", "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("preimage_")


@pytest.mark.slow
def test_the_command_line_says_what_a_whole_service_needs(python: Path) -> None:
    done = run(python.with_name("preimage"), "up")
    assert done.returncode == 1
    assert "pip install 'preimage[all]'" in done.stderr
    assert "Traceback" not in done.stderr
