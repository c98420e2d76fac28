"""`preimage weights convert` becomes the worker's own command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.cli.conftest import Run

COMMAND = [sys.executable, "-c", "from preimage.cli import main; main()", "weights", "convert"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "-in.caffemodel"
    file.write_text("no model")
    return file


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_it_hands_files_and_options_on(
    run: Run, source: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _path, command, _environment: became.append(command))
    run("weights", "convert", *options, "--", source.name, "out.safetensors")
    (command,) = became
    assert command[2:] == [
        *("-m", "preimage_worker.convert_caffe"),
        *(*options, "--", source.name, "out.safetensors"),
    ]


def test_a_file_that_is_no_model_ends_with_1_and_a_sentence(source: Path) -> None:
    ended = subprocess.run(
        [*COMMAND, "--", source.name, "out.safetensors"],
        cwd=source.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "is no binary Caffe model" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (source.parent / "out.safetensors").exists()


def test_a_file_that_is_not_there_ends_with_2(run: Run) -> None:
    ended = run("weights", "convert", "nowhere.caffemodel", "out.safetensors")
    assert ended.exit_code == 2
    assert "does not exist" in ended.output


def test_without_the_worker_it_names_the_package(
    run: Run, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    ended = run("weights", "convert", "--", source.name, "out.safetensors")
    assert ended.exit_code == 1
    assert "pip install 'preimage[all]'" in ended.stderr
