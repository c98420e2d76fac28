"""The presets against the papers: step for step on a small network, by figures on a trained one."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from preimage_worker.inversion.images import to_canvas, to_pixels
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.hog import hog, hogb
from preimage_worker.inversion.representations.network import NetworkRepresentation, network
from preimage_worker.inversion.settings import Settings
from tests.worker.inversion.natural import natural
from tests.worker.inversion.reference import invert_2015, invert_2016
from tests.worker.inversion.small import batch_of, problem, run_to_end


def test_mv2015_is_the_paper_step_for_step(shallow: NetworkRepresentation) -> None:
    # The paper rounds to 2.16e8 what its code has as 8e-10.
    exactly = 0.5 * 8e-10 * 27098.1157**4
    assert exactly == pytest.approx(2.16e8, rel=0.002)
    posed = problem(shallow, "mv2015", Overrides(steps=40, alpha_norm_weight=exactly), seed=5)
    batch, _ = run_to_end(batch_of(shallow, posed))
    expected = invert_2015(shallow, posed, l_tv=1)
    torch.testing.assert_close(batch.pictures([0])[0], expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("jitter", [True, False])
def test_mv2016_is_the_paper_step_for_step(deep: NetworkRepresentation, *, jitter: bool) -> None:
    posed = problem(deep, "mv2016", Overrides(steps=42, jitter=jitter), seed=5)
    batch, _ = run_to_end(batch_of(deep, posed))
    expected = invert_2016(deep, posed, size=2 if jitter else 1)
    torch.testing.assert_close(batch.pictures([0])[0], expected, rtol=0, atol=0.02)


def _invert(
    representation: Representation, pixels: Tensor, settings: Settings
) -> tuple[float, float]:
    """Relative error of the delivered picture, and its PSNR in dB."""
    canvas = to_canvas(pixels, representation.mean)
    with torch.no_grad():
        target = representation(canvas[None])[0]
    height, width = pixels.shape[-2:]
    batch = LaneBatch.empty(representation, settings.family, height, width)
    batch, report = run_to_end(batch.join([Problem(target, height, width, settings)]))
    assert report.lanes[0].outcome is Outcome.STEP_LIMIT
    delivered = to_pixels(batch.pictures([0])[0], representation.mean)
    noise = (delivered.double() - pixels.double()).square().mean()
    (measured,) = batch.measure([0])
    return measured.relative_error_delivered, 10 * float(torch.log10(255**2 / noise))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("node", "error", "decibels"), [("features.1", 0.055, 38), ("features.5", 0.065, 25)]
)
def test_mv2016_finds_a_natural_picture_again_from_a_trained_networks_code(
    squeezenet: nn.Module, node: str, error: float, decibels: float
) -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    representation = network(squeezenet, node, name="squeezenet1_0", mean=mean, std=std)
    small = Image.fromarray(natural("chelsea")).resize((227, 227), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)
    settings = resolve("mv2016", representation, 227, 227, Overrides(data_weight=300))
    found_error, found_decibels = _invert(representation, pixels, settings)
    assert found_error <= error
    assert found_decibels >= decibels


@pytest.mark.parametrize(("representation", "error"), [(hog(), 0.32), (hogb(), 0.12)])
def test_mv2015_inverts_hog_about_as_well_as_the_paper_says(
    representation: Representation, error: float
) -> None:
    # Table 1: 28.1 and 10.7 %, by another normaliser; a crop keeps this short.
    grey = np.array(Image.fromarray(natural("chelsea")).convert("L"))
    pixels = torch.from_numpy(grey[80:144, 140:220].copy())[None]
    settings = resolve("mv2015", representation, 64, 80)
    found_error, _ = _invert(representation, pixels, settings)
    assert found_error <= error
