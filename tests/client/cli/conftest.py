"""The command line, run in this process against a fake service behind a real gRPC server."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from preimage.cli import app
from tests.client import messages
from tests.client.fake import FakeServer

Run = Callable[..., Result]


@pytest.fixture
def run(server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `preimage` with its arguments in an empty folder; the service is the fake one."""
    monkeypatch.setenv("PREIMAGE_TARGET", server.target)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.fromarray(messages.pixels()).save(path)
    return path


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "code.npy"
    np.save(path, messages.code())
    return path
