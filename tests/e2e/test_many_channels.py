"""An operator's own network for pictures of five channels, from the caller to the files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import preimage
from preimage import Client
from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack

PREIMAGE = Path(sys.executable).with_name("preimage")
CATALOGUE = """
[models.r]
architecture = "export:five.pt2"
input_size = [32, 32]
mean = [0.1, 0.2, 0.3, 0.4, 0.5]
std = [0.2, 0.2, 0.2, 0.2, 0.2]
"""
FIVE = (5, 32, 32)
SETTINGS = ("--model", "r", "--layer", "1", "--steps", "20")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(5, 8, 3), nn.ReLU()).eval()


@pytest.fixture(scope="module")
def code(network: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return network(torch.randn(1, *FIVE))[0].numpy()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, network: nn.Module) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("five")
    lanes = torch.export.Dim("lanes", min=1, max=64)
    example = (torch.zeros(2, *FIVE),)
    program = torch.export.export(network, example, dynamic_shapes=({0: lanes},))
    torch.export.save(program, folder / "five.pt2")
    (folder / "five.toml").write_text(CATALOGUE)
    variables = {
        "PREIMAGE_CATALOGUE": str(folder / "five.toml"),
        "PREIMAGE_WEIGHTS_DIR": str(folder),
    }
    with tiny_stack(folder, **variables) as running:
        yield running


def command(stack: Stack, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `preimage` in a folder; it must succeed."""
    environment = {**os.environ, "PREIMAGE_TARGET": stack.target}
    done = subprocess.run(
        [str(PREIMAGE), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_sdk_gives_the_float_picture(client: Client, code: np.ndarray, tmp_path: Path) -> None:
    result = client.invert(code, model="r", layer="1", steps=40, restarts=2)
    assert result.float_picture.shape == FIVE
    assert result.loss_curve.relative_error[0] > result.errors.relative
    assert result.spread.shape == FIVE[1:]
    assert "of 5 channels have no PNG" in result._repr_html_()
    with pytest.raises(preimage.PreimageError, match="5 channels has no 8-bit picture"):
        result.save(tmp_path / "x.png")


def test_the_command_line_writes_floats(stack: Stack, code: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "five.npy", code)
    inverting = ("invert", "five.npy", *SETTINGS)
    command(stack, tmp_path, *inverting, "--out", "five-out.npy")
    answer = json.loads(command(stack, tmp_path, *inverting, "--json").stdout)
    assert answer["out"] == "five.r.1.preimage.float.npy"
    done = command(stack, tmp_path, *inverting, "--out", "five.png")
    assert "five.png cannot hold 5 channels" in done.stderr
    command(stack, tmp_path, "maximise", *SETTINGS, "--channel", "3", "--out", "most.npy")
    for name in ("five-out.npy", answer["out"], "five.float.npy", "most.npy"):
        assert np.load(tmp_path / name).shape == FIVE
    assert np.array_equal(np.load(tmp_path / "five.npy"), code)
    assert "input: 5 channels, 32 × 32" in command(stack, tmp_path, "models", "r").stdout
