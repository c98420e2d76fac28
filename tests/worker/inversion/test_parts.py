"""Several layers as one representation."""

import pytest
import torch
from torch import nn

from preimage_worker.inversion.representations.hog import Hog, hog, hogb
from preimage_worker.inversion.representations.joined import join
from preimage_worker.inversion.representations.network import (
    NetworkRepresentation,
    Preprocessing,
    networks,
)
from preimage_worker.inversion.representations.parts import Part, parts_of

PREPROCESSING = Preprocessing((0.5,) * 3, (0.25,) * 3)


class Overwriting(nn.Module):
    """Its rectifier writes into what the convolution gave, its last step into the rectifier's."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.rectifier = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        codes: torch.Tensor = self.rectifier(self.convolution(pictures))
        codes *= 2
        pooled: torch.Tensor = self.pool(codes)
        return pooled


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return Overwriting()


def of(model: nn.Module, *nodes: str) -> NetworkRepresentation:
    return networks(model, nodes, name="overwriting", preprocessing=PREPROCESSING)


def test_several_layers_give_each_ones_own_code_in_the_order_asked_for(model: nn.Module) -> None:
    canvas = 60 * torch.randn(2, 3, 9, 8)
    names = ("pool", "convolution", "rectifier")
    code = of(model, *names)(canvas)
    single = [of(model, name)(canvas).flatten(1) for name in names]
    assert torch.equal(code, torch.cat(single, dim=1))
    assert (single[1] < 0).any()


def test_the_parts_say_where_each_layers_code_lies(model: nn.Module) -> None:
    representation = of(model, "convolution", "pool")
    assert representation.layer == "convolution+pool"
    assert representation.code_shape(9, 8) == (4 * 7 * 6 + 4,)
    assert parts_of(representation, 9, 8) == (
        Part("convolution", (4, 7, 6), slice(0, 168)),
        Part("pool", (4, 1, 1), slice(168, 172)),
    )


def test_a_single_layer_keeps_its_shape_and_is_one_part(model: nn.Module) -> None:
    representation = of(model, "convolution")
    assert representation.code_shape(9, 8) == (4, 7, 6)
    assert parts_of(representation, 9, 8) == (Part("convolution", (4, 7, 6), slice(0, 168)),)
    assert parts_of(hog(), 32, 16) == (Part("hog", (27, 4, 2), slice(0, 216)),)


def test_one_pass_serves_all_layers(model: nn.Module) -> None:
    passes: list[int] = []
    representation = of(model, "rectifier", "convolution", "pool")
    convolution = representation.module.get_submodule("convolution")
    convolution.register_forward_hook(lambda *_: passes.append(1))
    representation(torch.zeros(1, 3, 9, 8))
    assert len(passes) == 1


def test_the_gradient_is_the_sum_of_the_layers_own(model: nn.Module) -> None:
    canvas = (60 * torch.randn(1, 3, 9, 8)).requires_grad_()
    names = ("convolution", "pool")

    def gradient(code: torch.Tensor) -> torch.Tensor:
        (pull,) = torch.autograd.grad(code.square().sum(), canvas)
        return pull

    expected = sum(gradient(of(model, name)(canvas)) for name in names)
    torch.testing.assert_close(gradient(of(model, *names)(canvas)), expected)


def test_formulas_are_joined_too() -> None:
    both = join([hog(), hogb()])
    assert both.layer == "hog+hogb"
    assert [part.shape for part in parts_of(both, 16, 24)] == [(27, 2, 3), (27, 2, 3)]
    canvas = 30 * torch.randn(2, 1, 16, 24)
    assert torch.equal(both(canvas)[:, 162:], Hog(bilinear=True)(canvas).flatten(1))
    alone = hog()
    assert join([alone]) is alone
