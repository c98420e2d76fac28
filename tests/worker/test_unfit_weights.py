"""Weights of another network: announced when the worker starts, told to jobs that meet them."""

import re
from pathlib import Path

import pytest
import safetensors.torch
import torch

from preimage.v1 import model_service_pb2 as wire
from preimage_worker.engine import Engine
from preimage_worker.errors import InvalidSpecError
from preimage_worker.jobs import Crashed
from tests.worker import jobs, own
from tests.worker.test_own_networks import COLOUR, CPU, GREY, announced, of

SMALL = 'weights = { file = "small.safetensors" }\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights of a small network, also under other names."""
    made = tmp_path_factory.mktemp("weights")
    state = own.small(3).state_dict()
    safetensors.torch.save_file(state, made / "small.safetensors")
    old = {f"old.{name}": value for name, value in state.items()}
    safetensors.torch.save_file(old, made / "old.safetensors")
    return made


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("python:tests.worker.own:resnet20", r"\d+ parameters are missing \(conv1\.weight, "),
        ("python:tests.worker.own:grey", r"0\.weight \(6, 3, 5, 5\) instead of \(6, 1, 5, 5\)"),
        ("torchvision:resnet18", r"6 parameters are unexpected \("),
    ],
)
def test_weights_of_another_network_are_announced_as_missing(
    folder: Path, architecture: str, words: str
) -> None:
    keys = GREY if architecture.endswith("grey") else COLOUR
    models = of(architecture, keys + SMALL, folder)
    model = announced(models)
    assert model.availability == wire.AVAILABILITY_WEIGHTS_MISSING
    assert model.layers
    assert not models.pools()
    reason = model.unavailable_reason
    assert reason.startswith(f"The weights of own in small.safetensors do not fit {architecture}: ")
    assert re.search(words, reason)
    with pytest.raises(InvalidSpecError, match="do not fit"):
        models.served("own")


@pytest.mark.parametrize(
    ("name", "file"), [("included", "small"), ("nowhere", "small"), ("renamed", "old")]
)
def test_weights_that_fit_are_served_also_to_networks_of_unusual_ways(
    folder: Path, name: str, file: str
) -> None:
    keys = f'{COLOUR}weights = {{ file = "{file}.safetensors" }}\n'
    models = of(f"python:tests.worker.own:{name}", keys, folder)
    assert announced(models).availability == wire.AVAILABILITY_SERVED
    weight = safetensors.torch.load_file(folder / f"{file}.safetensors")
    code = models.representation("own", "0")(torch.zeros(1, 3, 32, 32))
    bias = weight["old.0.bias" if name == "renamed" else "0.bias"]
    torch.testing.assert_close(code[0, :, 0, 0], bias)


def test_a_job_that_meets_weights_that_do_not_fit_says_so(tmp_path: Path) -> None:
    file = tmp_path / "small.safetensors"
    safetensors.torch.save_file(own.small(3).state_dict(), file)
    models = of("python:tests.worker.own:included", COLOUR + SMALL, tmp_path)
    safetensors.torch.save_file(own.small(1).state_dict(), file)  # changed while it is served
    engine = Engine(models, jobs.settings(), CPU)
    settled = engine.admit(jobs.delivery(jobs.inversion("2", "own", optimiser=jobs.steps(5))))
    assert isinstance(settled, Crashed)
    assert settled.words.startswith("The weights of own in small.safetensors do not fit python:")
