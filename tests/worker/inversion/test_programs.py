"""Exported programs: their layers' names, and what is refused."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

from preimage_worker.inversion.errors import ProgramError, ShapeMismatchError
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.inversion.representations.network import (
    NetworkRepresentation,
    Preprocessing,
    networks,
)
from preimage_worker.inversion.representations.survey import layers, survey

PREPROCESSING = Preprocessing((0.5,) * 3, (0.25,) * 3)
LANES = torch.export.Dim("lanes", min=1, max=4)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        inner = self.relu(self.bn1(self.conv1(codes)))
        outer: torch.Tensor = self.relu(self.conv2(inner) + codes)
        return outer


class Small(nn.Module):
    """Gives its scores and the features before them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 4, stride=4)
        self.layer1 = nn.Sequential(Block(), Block())
        self.linear = nn.Linear(4, 7)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.layer1(self.stem(pictures))
        return self.linear(features.mean((2, 3))), features


def small() -> nn.Module:
    torch.manual_seed(0)
    return Small().eval()


def program(model: nn.Module, *, lanes: object = LANES) -> nn.Module:
    shapes = ({0: lanes},) if lanes else None
    return torch.export.export(model, (torch.zeros(2, 3, 32, 32),), dynamic_shapes=shapes).module()


def of(model: nn.Module, layer: str) -> NetworkRepresentation:
    surveyed = survey(model, 32, 32)
    return networks(surveyed, [layer], name="small", preprocessing=PREPROCESSING)


def forgetful(model: nn.Module) -> nn.Module:
    """The program without the memory of its modules."""
    exported = program(model)
    for node in exported.graph.nodes:  # type: ignore[union-attr]
        node.meta["nn_module_stack"] = {}
    return exported


NAMES = [
    *("stem", "layer1.0.conv1", "layer1.0.bn1", "layer1.0.relu", "layer1.0.conv2", "layer1.0.add"),
    *("layer1.0.relu_1", "layer1.0", "layer1.1", "layer1", "mean", "linear"),
]


@pytest.mark.parametrize("export", [program, forgetful])
def test_nodes_bear_the_names_of_the_network_that_was_exported(
    export: Callable[[nn.Module], nn.Module],
) -> None:
    found = [layer.name for layer in layers(survey(export(small()), 32, 32))]
    assert [name for name in found if name in NAMES] == NAMES
    assert "layer1.0:mean" in found


@pytest.mark.parametrize("export", [program, forgetful])
@pytest.mark.parametrize("layer", ["stem", "layer1.0.bn1", "layer1.0", "layer1", "linear"])
def test_a_program_gives_the_codes_of_the_network(
    export: Callable[[nn.Module], nn.Module], layer: str
) -> None:
    canvas = (60 * torch.randn(2, 3, 32, 32)).requires_grad_()
    exported, network = of(export(small()), layer), of(small(), layer)
    code = exported(canvas)
    torch.testing.assert_close(code, network(canvas))
    assert exported.code_shape(32, 32) == network.code_shape(32, 32)
    assert exported.stride(32, 32) == network.stride(32, 32) == 4
    (gradient,) = torch.autograd.grad(code.square().sum(), canvas)
    assert gradient.abs().max() > 0


def test_a_batch_beyond_the_programs_range_goes_through_in_portions() -> None:
    canvas = 60 * torch.randn(9, 3, 32, 32)
    torch.testing.assert_close(
        of(program(small()), "layer1")(canvas), of(small(), "layer1")(canvas)
    )


def test_a_picture_size_that_the_program_was_not_made_for_is_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"no pictures of 40×40 pixels .*== 32"):
        of(program(small()), "layer1").code_shape(40, 40)


def test_a_program_can_take_several_picture_sizes() -> None:
    side = torch.export.Dim("side", min=2, max=32)
    exported = torch.export.export(
        small(), (torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: LANES, 2: 4 * side},)
    ).module()
    assert of(exported, "layer1").code_shape(48, 32) == (4, 12, 8)


def test_an_exported_transformer_has_tokens_and_attention() -> None:
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
    model = torchvision.models.VisionTransformer(32, 8, **sizes).eval()
    exported = program(model)
    found = {layer.name: layer for layer in layers(survey(exported, 32, 32))}
    attention = found["encoder.layers.encoder_layer_0.self_attention"]
    assert (attention.shape, attention.kind) == ((17, 16), "MultiheadAttention")
    assert found["encoder"].layout is Layout.TOKENS
    canvas = 60 * torch.randn(2, 3, 32, 32)
    token = of(exported, "encoder:class_token")(canvas)
    torch.testing.assert_close(token, of(model, "encoder:class_token")(canvas))


class Two(nn.Module):
    def forward(self, pictures: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return pictures * scale


class Noisy(nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures + torch.randn_like(pictures)


def two_inputs() -> nn.Module:
    return torch.export.export(Two(), (torch.zeros(2, 3, 4, 4), torch.ones(1))).module()


def flat_input() -> nn.Module:
    return torch.export.export(nn.Linear(3, 4), (torch.zeros(2, 3),)).module()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (two_inputs, r"has 2 inputs \(pictures, scale\)"),
        (flat_input, r"takes no pictures"),
        (lambda: program(small(), lanes=None), r"batch is fixed at 2; .*dynamic_shapes"),
        (lambda: program(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))), "training mode"),
        (lambda: program(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5))), "training mode"),
        (lambda: program(Noisy()), "training mode or random"),
    ],
)
def test_a_program_that_is_no_function_of_pictures_is_refused(
    make: Callable[[], nn.Module], words: str
) -> None:
    with pytest.raises(ProgramError, match=words):
        survey(make(), 32, 32)


def test_dropout_that_is_switched_off_does_no_harm() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5)).eval()
    assert of(program(model), "1").code_shape(32, 32) == (4, 30, 30)
