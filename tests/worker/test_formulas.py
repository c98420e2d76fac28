"""What is announced of representations that are formulas is what they compute."""

import pytest
import torch

from preimage_worker import catalogue
from preimage_worker.formulas import FORMULAS
from preimage_worker.inversion.errors import PictureTooSmallError
from preimage_worker.inversion.layers import SHALLOW
from preimage_worker.inversion.representations.base import Formula
from preimage_worker.models import Models
from tests.worker import jobs
from tests.worker.test_spec import plan_of, with_code

LAYERS = [make() for family in FORMULAS.values() for make in family.layers.values()]


def by_name(layer: Formula) -> str:
    return f"{layer.model}-{layer.layer}"


def test_every_formula_is_one_of_the_papers_shallow_representations() -> None:
    assert set(FORMULAS) == SHALLOW
    assert {layer.model for layer in LAYERS} == SHALLOW
    for family in FORMULAS.values():
        assert all(make().layer == name for name, make in family.layers.items())


@pytest.mark.parametrize("layer", LAYERS, ids=by_name)
def test_rows_and_columns_follow_from_the_side_by_stride_and_offset(layer: Formula) -> None:
    stride, least = int(layer.stride(64, 64)), layer.smallest_side
    for side in range(least, least + 60):
        expected = (side + layer.grid_offset) // stride
        assert layer.code_shape(side, 64)[1:] == (expected, (64 + layer.grid_offset) // stride)
    canvas = torch.zeros(1, 1, least, least + stride)
    assert layer(canvas).shape[1:] == layer.code_shape(least, least + stride)
    with pytest.raises(PictureTooSmallError):
        layer.code_shape(least - 1, 64)


@pytest.mark.parametrize("layer", LAYERS, ids=by_name)
@pytest.mark.parametrize("extent", [2, 3, 9])
def test_the_picture_that_is_sought_for_a_bare_code_has_a_code_of_its_shape(
    layer: Formula, extent: int
) -> None:
    side = int(layer.stride(64, 64)) * extent + max(-layer.grid_offset, 0)
    assert layer.code_shape(side, side)[1:] == (extent, extent)


@pytest.fixture(scope="module")
def models() -> Models:
    entries = catalogue.parse('[models.sift]\narchitecture = "dsift"')
    return Models(entries, jobs.settings(), torch.device("cpu"))


def test_dsift_is_announced_with_both_cell_sizes_and_their_grids(models: Models) -> None:
    (announced,) = models.announcements()
    found = {layer.name: (*layer.code_shape, layer.stride) for layer in announced.layers}
    assert found == {"bin5": (128, 14, 14, 15), "bin8": (128, 8, 8, 24)}
    assert announced.preprocessing.minimum_side == 24
    assert {preset.name: preset.steps for preset in announced.presets}["mv2015"] == 800


@pytest.mark.parametrize(("layer", "size"), [("bin5", (39, 54)), ("bin8", (63, 87))])
def test_a_bare_code_of_dsift_is_inverted_on_the_picture_that_it_needs(
    models: Models, layer: str, size: tuple[int, int]
) -> None:
    phi = models.representation("sift", layer)
    canvas = 30 * torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(1))
    code = phi(canvas)[0]
    item = with_code(code.numpy())
    item.invert.representation.model, item.invert.representation.layer = "sift", layer
    plan = plan_of(models, item, {"code": code.numpy().tobytes()})
    assert (plan.key.height, plan.key.width) == size
