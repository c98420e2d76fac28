"""CNN-A as the catalogue serves it: the papers' 20 layers, with random weights."""

import pytest
import torch
from torch import Tensor, nn

from preimage.v1 import model_service_pb2 as wire
from preimage_worker import catalogue
from preimage_worker.inversion import presets
from preimage_worker.inversion.layers import paper_layer
from preimage_worker.inversion.representations.cnn_a import cnn_a
from preimage_worker.models import Models
from tests.worker import jobs
from tests.worker.inversion.natural import natural

SIDE = 227
SHAPES = {
    **dict.fromkeys(("conv1", "relu1"), (96, 55, 55)),
    **dict.fromkeys(("mpool1", "norm1"), (96, 27, 27)),
    **dict.fromkeys(("conv2", "relu2"), (256, 27, 27)),
    **dict.fromkeys(("mpool2", "norm2"), (256, 13, 13)),
    **dict.fromkeys(("conv3", "relu3", "conv4", "relu4"), (384, 13, 13)),
    **dict.fromkeys(("conv5", "relu5"), (256, 13, 13)),
    "mpool5": (256, 6, 6),
    **dict.fromkeys(("fc6", "relu6", "fc7", "relu7"), (4096,)),
    "fc8": (1000,),
}
"""The papers' layers in their order."""


@pytest.fixture(scope="module")
def models() -> Models:
    (entry,) = [each for each in catalogue.load(None) if each.name == "cnn_a"]
    random = catalogue.ModelEntry(**{**vars(entry), "weights": catalogue.RandomWeights(3)})
    return Models((random,), jobs.settings(), torch.device("cpu"))


@pytest.fixture(scope="module")
def canvas(models: Models) -> Tensor:
    mean = torch.tensor(models.representation("cnn_a", "conv1").mean)
    picture = torch.from_numpy(natural("chelsea")[:SIDE, :SIDE].copy()).permute(2, 0, 1).float()
    return (picture - mean[:, None, None])[None]


def test_it_has_the_papers_layers_in_their_order_and_no_other(models: Models) -> None:
    (announced,) = models.announcements()
    assert announced.availability == wire.AVAILABILITY_SERVED
    found = {layer.name: tuple(layer.code_shape) for layer in announced.layers}
    assert list(found.items()) == list(SHAPES.items())
    assert [paper_layer("cnn_a", name) for name in found] == list(range(1, 21))


def test_without_its_file_it_says_how_to_make_one() -> None:
    (entry,) = [each for each in catalogue.load(None) if each.name == "cnn_a"]
    (announced,) = Models((entry,), jobs.settings(), torch.device("cpu")).announcements()
    assert announced.availability == wire.AVAILABILITY_WEIGHTS_MISSING
    assert "cnn_a.safetensors is not in" in announced.unavailable_reason
    assert "`preimage weights convert` makes it" in announced.unavailable_reason


def test_it_sees_grey_levels_minus_the_mean_of_the_reference_model(models: Models) -> None:
    representation = models.representation("cnn_a", "conv1")
    assert representation.mean == pytest.approx((122.679, 116.669, 104.007), abs=1e-3)
    canvas = torch.zeros(1, 3, SIDE, SIDE)
    canvas[0, 0, 5, 7] = 50.0
    difference = (representation(canvas) - representation(0 * canvas)).abs()
    # Weights of variance 2 / 363, times 50 grey levels: no scaling in between.
    touched = difference[0, :, 0:2, 0:2]
    assert touched.square().mean().sqrt() == pytest.approx(50 * (2 / 363) ** 0.5, rel=0.2)


@pytest.mark.parametrize("layer", SHAPES)
def test_random_weights_give_codes_of_a_sensible_size_everywhere(
    models: Models, canvas: Tensor, layer: str
) -> None:
    representation = models.representation("cnn_a", layer)
    with torch.no_grad():
        code = representation(canvas)
    assert code.shape[1:] == representation.code_shape(SIDE, SIDE) == SHAPES[layer]
    assert code.isfinite().all()
    assert 1 < code.square().mean().sqrt() < 1000
    assert (code.min() < 0) == layer.startswith(("conv", "fc"))


@pytest.mark.parametrize("preset", ["mv2015", "mv2016"])
def test_the_recipes_tables_hold_for_every_layer(models: Models, preset: str) -> None:
    found = [
        presets.resolve(preset, models.representation("cnn_a", layer), SIDE, SIDE)
        for layer in SHAPES
    ]
    if preset == "mv2015":
        expected = [0.5] * 6 + [5.0] * 6 + [50.0] * 8
        assert [each.total_variation.weight for each in found] == expected
    else:
        expected = [300.0] * 10 + [100.0] * 2 + [20.0] * 2 + [1.0] * 6
        assert [each.data_weight for each in found] == expected


def test_normalisation_is_caffes_sum_over_five_neighbouring_channels() -> None:
    norm = cnn_a().get_submodule("norm1")
    x = 100 * torch.randn(1, 9, 2, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.empty_like(x)
    for channel in range(9):
        energy = x[:, max(channel - 2, 0) : channel + 3].square().sum(1)
        expected[:, channel] = x[:, channel] / (1 + 1e-4 / 5 * energy) ** 0.75
    torch.testing.assert_close(norm(x), expected)


def test_pooling_windows_reach_over_the_border_as_in_caffe() -> None:
    pool = cnn_a().get_submodule("mpool1")
    assert isinstance(pool, nn.MaxPool2d)
    assert pool(torch.zeros(1, 1, 56, 55)).shape == (1, 1, 28, 27)
