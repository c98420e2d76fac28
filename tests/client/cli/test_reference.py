"""`preimage reference` hands everything to the worker's own command."""

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preimage.cli import app


def test_options_become_arguments_and_settings_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *words: called.append(words))
    asked = ["--pictures", str(tmp_path), "-o", "set.json", "--model", "hog", "--layer", "h*"]
    result = CliRunner().invoke(app, ["reference", *asked, "--limit", "7", "--device", "cpu"])
    assert result.exit_code == 0
    ((program, command, environment),) = called
    assert program == sys.executable
    assert command[1:4] == ["-P", "-m", "preimage_worker.reference"]
    assert command[4:] == [
        f"--pictures={tmp_path}",
        "--output=set.json",
        "--limit=7",
        "--side=224",
        "--model=hog",
        "--layer=h*",
    ]
    assert environment["PREIMAGE_DEVICE"] == "cpu"
