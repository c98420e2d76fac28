import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

from preimage_worker.inversion.errors import ShapeMismatchError, UnknownNodeError
from preimage_worker.inversion.representations.network import (
    NetworkRepresentation,
    network,
)
from preimage_worker.inversion.representations.survey import layers, list_nodes, survey
from tests.worker.inversion.small import small_network

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

CASES = [
    ("alexnet", "features.3", 67),
    ("alexnet", "classifier.4", 67),
    ("mobilenet_v3_small", "features.4.block.2", 48),
    ("squeezenet1_0", "features.3.cat", 48),
    ("resnet18", "layer1.0.add", 40),
    ("resnet18", "avgpool", 40),
    ("vit", "conv_proj", 32),
    ("vit", "encoder.layers.encoder_layer_0.add", 32),
    ("vit", "encoder.ln", 32),
]


def _model(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if name != "vit":
            model: nn.Module = torchvision.models.get_model(name)
            return model
        sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
        vit: nn.Module = torchvision.models.VisionTransformer(32, 8, **sizes)
        return vit


def _representation(name: str, node: str) -> NetworkRepresentation:
    return network(_model(name), node, name=name, mean=MEAN, std=STD)


@pytest.mark.parametrize(("name", "node", "side"), CASES)
def test_a_code_is_what_torchvisions_own_feature_extraction_gives(
    name: str, node: str, side: int
) -> None:
    representation = _representation(name, node)
    pixels = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    extractor = create_feature_extractor(
        _model(name).eval(), {node: "code"}, suppress_diff_warning=True
    ).eval()
    normalised = torchvision.transforms.functional.normalize(pixels, MEAN, STD)
    expected = extractor(normalised)["code"].detach()
    canvas = 255 * pixels - torch.tensor(representation.mean)[:, None, None]
    code = representation(canvas.requires_grad_())
    torch.testing.assert_close(code, expected, rtol=1e-3, atol=1e-4)
    assert representation.code_shape(side, side) == expected.shape[1:]
    (gradient,) = torch.autograd.grad(code.square().sum(), canvas)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_an_in_place_operation_behind_the_node_does_not_overwrite_its_output() -> None:
    convolution, rectified = small_network("0"), small_network("1")
    canvas = 60 * torch.randn(1, 3, 24, 24)
    code = convolution(canvas)
    assert (code < 0).any()
    torch.testing.assert_close(code.clamp(min=0), rectified(canvas))


def test_in_place_functions_behind_the_node_are_cut_as_well() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 4, 3)

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            code = self.convolution(pictures)
            code = nn.functional.relu(code, inplace=True)
            return torch.ops.aten.mul_.Tensor(code.relu_(), torch.zeros(()))

    model = Careless()
    representation = network(model, "convolution", name="careless", mean=MEAN, std=STD)
    canvas = torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(
        representation(canvas), model.convolution(canvas * representation.scale)
    )


def test_the_network_is_cut_behind_the_node() -> None:
    representation = _representation("alexnet", "features.3")
    kept = dict(representation.module.named_modules())
    assert "features.3" in kept
    assert "features.4" not in kept
    assert "classifier.6" not in kept
    assert sum(p.numel() for p in representation.module.parameters()) == 330_688


def test_weights_are_shared_and_frozen_and_the_model_is_in_eval_mode() -> None:
    model = _model("resnet18").train()
    representation = network(model, "layer1", name="resnet18", mean=MEAN, std=STD)
    shared = {id(parameter) for parameter in model.parameters()}
    assert all(id(parameter) in shared for parameter in representation.module.parameters())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not any(module.training for module in representation.module.modules())
    first, second = (representation(torch.zeros(1, 3, 32, 32)) for _ in range(2))
    assert torch.equal(first, second)


def test_a_submodules_name_stands_for_its_last_node() -> None:
    canvas = torch.randn(1, 3, 32, 32)
    whole, last = (
        _representation("resnet18", "layer1"),
        _representation("resnet18", "layer1.1.relu_1"),
    )
    assert torch.equal(whole(canvas), last(canvas))


def test_nodes_are_listed_as_torchvision_lists_them() -> None:
    model = _model("squeezenet1_0")
    _, theirs = torchvision.models.feature_extraction.get_graph_node_names(model)
    assert list(list_nodes(model)) == theirs


def node_shapes(model: nn.Module, height: int, width: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the codes of single nodes."""
    found = layers(survey(model, height, width))
    return {
        layer.name: layer.shape for layer in found if not layer.composite and ":" not in layer.name
    }


def test_shapes_are_those_of_the_outputs_and_nothing_is_computed() -> None:
    model = _model("alexnet")
    shapes = node_shapes(model, 67, 67)
    nodes = {name: name for name in shapes}
    outputs = create_feature_extractor(model.eval(), nodes)(torch.zeros(2, 3, 67, 67))
    assert shapes == {name: tuple(code.shape[1:]) for name, code in outputs.items()}
    assert list(shapes)[:2] == ["features.0", "features.1"]
    with torch.device("meta"):
        unallocated: nn.Module = torchvision.models.vgg16()
    assert node_shapes(unallocated, 224, 224)["features.30"] == (512, 7, 7)


def test_nodes_that_cannot_be_inverted_have_no_shape() -> None:
    model = _model("vit")
    shapes = node_shapes(model, 32, 32)
    assert "encoder.ln" in shapes
    assert "x" not in shapes  # the picture itself
    assert "expand" not in shapes  # the class token, which no picture changes
    assert "getattr" not in shapes  # a size
    with pytest.raises(UnknownNodeError, match="does not give one float tensor"):
        _representation("vit", "expand").code_shape(32, 32)


@pytest.mark.parametrize(
    ("name", "node", "side", "stride"),
    [
        ("alexnet", "features.12", 227, 227 / 6),
        ("alexnet", "classifier.6", 227, 227 / 6),
        ("squeezenet1_0", "features.1", 227, 227 / 111),
        ("resnet18", "fc", 64, 32),
        ("vit", "encoder.ln", 32, 8),
    ],
)
def test_the_stride_is_that_of_the_last_grid_on_the_way(
    name: str, node: str, side: int, stride: float
) -> None:
    assert _representation(name, node).stride(side, side) == pytest.approx(stride)


def test_an_unknown_node_is_refused_with_names_that_exist() -> None:
    with pytest.raises(UnknownNodeError, match=r"no node 'features\.99'; .*features\.0"):
        _representation("alexnet", "features.99")


@pytest.mark.parametrize(
    ("name", "node", "side"), [("alexnet", "features.5", 10), ("vit", "encoder", 40)]
)
def test_a_picture_size_that_the_model_cannot_take_is_refused(
    name: str, node: str, side: int
) -> None:
    with pytest.raises(ShapeMismatchError, match=rf"no pictures of {side}×{side} pixels"):
        _representation(name, node).code_shape(side, side)
