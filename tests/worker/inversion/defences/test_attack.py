"""An attacker who knows the defence sees more: on a trained network and natural pictures."""

import os
from pathlib import Path

import pytest
import skimage.transform
import torch
from safetensors.torch import load_file
from torch import Tensor

from preimage_worker.inversion.defences.defended import Defended
from preimage_worker.inversion.defences.fitted import Fitted, Reading
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.images import to_canvas
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.network import NetworkRepresentation, network
from tests.worker.inversion.conftest import WEIGHTS_FOLDER
from tests.worker.inversion.natural import natural
from tests.worker.inversion.small import run_to_end
from tests.worker.own import resnet20

RESNET = "resnet20_cifar10.safetensors"
SIDE = 32


@pytest.fixture(scope="module")
def layer1() -> NetworkRepresentation:
    folder = os.environ.get(WEIGHTS_FOLDER)
    path = Path(folder or ".") / RESNET
    if folder is None or not path.is_file():
        pytest.skip(f"{WEIGHTS_FOLDER} names no folder with {RESNET}.")
    model = resnet20()
    model.load_state_dict(load_file(path))
    return network(
        model, "layer1", name="resnet20", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    )


def crops() -> Tensor:
    """Pixels `(4, 3, 32, 32)` from the middles of natural pictures, and beside them."""
    found = []
    for name, column in (("chelsea", 0), ("coffee", 0), ("rocket", 0), ("chelsea", 24)):
        picture = skimage.transform.rescale(
            natural(name), 1 / 4, anti_aliasing=True, channel_axis=2
        )
        top, left = ((side - SIDE) // 2 for side in picture.shape[:2])
        crop = picture[top : top + SIDE, left + column : left + column + SIDE]
        found.append(torch.from_numpy(255 * crop).float().permute(2, 0, 1))
    return torch.stack(found)


def recovered(representation: Representation, readings: list[Reading], truth: Tensor) -> Tensor:
    """PSNR of every picture, dB."""
    overrides = Overrides(steps=400, data_weight=3000.0, total_variation_weight=0.1)
    settings = resolve("auto", representation, SIDE, SIDE, overrides)
    problems = [
        Problem(reading.target, SIDE, SIDE, settings, reading.mask, seed, bounds=reading.bounds)
        for seed, reading in enumerate(readings)
    ]
    batch = LaneBatch.empty(representation, settings.family, SIDE, SIDE, lanes_per_pass=8)
    batch, _ = run_to_end(batch.join(problems))
    missed = batch.pictures(range(len(problems))) - truth
    return -10 * (missed.square().flatten(1).mean(1) / 255**2).log10()


def released(
    representation: Representation, text: str, truth: Tensor
) -> tuple[Fitted, Tensor, Tensor]:
    """The defence, what it releases of the pictures, and what a naive attacker recovers."""
    (chain,) = parse(text)
    with torch.no_grad():
        codes = representation(truth)
    defence = chain.fit(codes)  # those below learn nothing from them
    release = defence.release(codes, 0, range(len(codes)))
    naive = [Reading(code) for code in defence.lift(release)]
    return defence, release, recovered(representation, naive, truth)


@pytest.mark.slow
def test_knowing_that_codes_were_pooled_recovers_more_of_every_picture(
    layer1: NetworkRepresentation,
) -> None:
    truth = to_canvas(crops(), layer1.mean)
    defence, release, naive = released(layer1, "pool:k=2", truth)
    readings = [defence.read(each[None]) for each in release]
    adaptive = recovered(Defended(layer1, defence), readings, truth)
    assert float((adaptive - naive).min()) > 3


@pytest.mark.slow
def test_knowing_that_only_the_largest_elements_were_kept_recovers_more(
    layer1: NetworkRepresentation,
) -> None:
    truth = to_canvas(crops(), layer1.mean)
    defence, release, naive = released(layer1, "topk:fraction=0.1", truth)
    bounded = recovered(layer1, [defence.read(each[None]) for each in release], truth)
    weighed = [defence.weigh(each[None]) for each in release]
    weighted = recovered(layer1, [each for each in weighed if each is not None], truth)
    assert float((bounded - naive).mean()) > 3
    assert float((weighted - naive).mean()) > 3
    assert float((torch.maximum(bounded, weighted) - naive).mean()) > 5
