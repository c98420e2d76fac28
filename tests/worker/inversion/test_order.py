"""The order of a network's numbers in memory: faster where it can be, and never another code."""

import pytest
import torch
from torch import nn

from preimage_worker.inversion import presets
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.network import Preprocessing, networks
from preimage_worker.inversion.representations.order import in_faster_order
from preimage_worker.inversion.representations.survey import survey

PREPROCESSING = Preprocessing((0.5,) * 3, (0.25,) * 3)


class Viewing(nn.Module):
    """Views its codes as vectors, which channels-last codes do not allow."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4 * 6 * 6, 5)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        codes = self.convolution(pictures).relu()
        scores: torch.Tensor = self.linear(codes.view(codes.shape[0], -1))
        return scores


def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3)
    )


@pytest.mark.parametrize("nodes", [["0"], ["1"], ["3"], ["3", "0"], ["3:mean"]])
def test_codes_and_gradients_do_not_depend_on_the_order(nodes: list[str]) -> None:
    plain = survey(convolutional(), 17, 17)
    faster = in_faster_order(survey(convolutional(), 17, 17))
    assert faster.channels_last
    canvas = (60 * torch.randn(2, 3, 17, 17)).requires_grad_()
    results = []
    for surveyed in (plain, faster):
        code = networks(surveyed, nodes, name="n", preprocessing=PREPROCESSING)(canvas)
        results.append((code, *torch.autograd.grad(code.square().sum(), canvas)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_the_same_canvas_gives_the_same_bits() -> None:
    surveyed = in_faster_order(survey(convolutional(), 17, 17))
    representation = networks(surveyed, ["3"], name="n", preprocessing=PREPROCESSING)
    canvas = 60 * torch.randn(1, 3, 17, 17)
    assert torch.equal(representation(canvas), representation(canvas.clone()))


def test_targets_lie_in_memory_as_codes_do_whoever_comes_and_goes() -> None:
    surveyed = in_faster_order(survey(convolutional(), 17, 17))
    representation = networks(surveyed, ["3"], name="n", preprocessing=PREPROCESSING)
    settings = presets.resolve("auto", representation, 17, 17, Overrides(steps=4))
    canvas = 60 * torch.randn(3, 3, 17, 17)
    with torch.no_grad():
        codes = representation(canvas)
    problems = [Problem(code.contiguous(), 17, 17, settings) for code in codes]
    batch = LaneBatch.empty(representation, settings.family, 17, 17).join(problems[:2])
    batch = batch.run(2)[0].leave([0]).join(problems[2:])
    assert batch.state is not None
    assert batch.state.target.code.stride() == codes[:2].stride()
    assert torch.equal(batch.state.target.code, codes[1:])


def test_a_network_that_takes_only_channels_first_keeps_them() -> None:
    surveyed = in_faster_order(survey(Viewing(), 8, 8))
    assert not surveyed.channels_last
    weights = surveyed.traced.module.get_parameter("convolution.weight")
    assert weights.is_contiguous()
    representation = networks(surveyed, ["linear"], name="n", preprocessing=PREPROCESSING)
    assert representation(torch.zeros(2, 3, 8, 8)).shape == (2, 5)


def test_a_network_without_convolutions_is_left_alone() -> None:
    surveyed = survey(nn.Sequential(nn.Flatten(), nn.Linear(48, 5)), 4, 4)
    assert in_faster_order(surveyed) is surveyed
