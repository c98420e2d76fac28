"""Images are small, layered, and run as nobody special."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT

DOCKERFILES = [ROOT / f"deploy/docker/{name}.Dockerfile" for name in ("service", "worker")]
by_name = pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)


@by_name
def test_the_linter_of_dockerfiles_has_nothing_to_say(dockerfile: Path) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run([linter, dockerfile], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


@by_name
def test_every_file_that_is_copied_exists_and_is_not_ignored(dockerfile: Path) -> None:
    allowed = Path(f"{dockerfile}.dockerignore").read_text("utf-8").splitlines()
    text = dockerfile.read_text("utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    for source in " ".join(copies).split():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, source


@by_name
def test_what_others_wrote_is_installed_before_our_sources_are_there(dockerfile: Path) -> None:
    text = dockerfile.read_text("utf-8")
    others, ours = text.index("--requirement requirements.txt"), text.index("COPY client")
    assert others < ours < text.index("--no-deps")


@by_name
def test_images_run_as_nobody_special(dockerfile: Path) -> None:
    (user,) = re.findall(r"^USER (\d+)$", dockerfile.read_text("utf-8"), re.MULTILINE)
    assert int(user) > 0


@pytest.mark.parametrize(("extra", "has_torch"), [("service", False), ("worker", True)])
def test_the_frontend_s_image_has_no_torch(extra: str, has_torch: bool) -> None:  # noqa: FBT001
    listed = subprocess.run(
        [sys.executable, "deploy/docker/requirements.py", extra],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert {"numpy", "grpcio"} <= {re.split(r"[>=<]", line)[0] for line in listed}
    assert any(line.startswith("torch") for line in listed) is has_torch
