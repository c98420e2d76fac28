"""What the frontend knows of codes whose rows and columns follow from the picture's size."""

import pytest

from preimage.v1.model_service_pb2 import Layer, Model, Preprocessing
from preimage.v1.spec_pb2 import Representation
from preimage_orders import Size
from preimage_service.checks.fitting import find_fit
from preimage_service.checks.shapes import expected_shape, implied_size, least_side
from preimage_service.checks.taken import Taken
from preimage_service.settings import Settings
from tests.service.worker import HOG

DSIFT = Model(name="dsift", preprocessing=Preprocessing(any_size=True, minimum_side=24, channels=1))
BIN5 = Layer(name="bin5", code_shape=[128, 14, 14], stride=15, grid_offset=-9)
BIN8 = Layer(name="bin8", code_shape=[128, 8, 8], stride=24, grid_offset=-15)
FREE = Layer(name="free", code_shape=[128, 14, 14], stride=15)


@pytest.mark.parametrize(
    ("layer", "size", "extents"),
    [
        (BIN5, Size(24, 38), (128, 1, 1)),
        (BIN5, Size(39, 227), (128, 2, 14)),
        (BIN8, Size(62, 63), (128, 1, 2)),
        (FREE, Size(39, 227), (128, None, None)),
        (BIN5, None, (128, None, None)),
    ],
)
def test_rows_and_columns_of_a_code_come_from_stride_and_offset(
    layer: Layer, size: Size | None, extents: tuple[int | None, ...]
) -> None:
    assert expected_shape(DSIFT, layer, size).extents == extents


def test_a_bare_code_is_sought_on_the_smallest_picture_that_has_one_of_its_shape() -> None:
    assert implied_size(BIN5, (128, 2, 14)) == Size(39, 219)
    assert implied_size(BIN8, (128, 1, 2)) == Size(39, 63)
    assert implied_size(FREE, (128, 2, 14)) is None
    assert implied_size(BIN5, (128,)) is None


def test_a_layer_may_need_a_larger_picture_than_its_model() -> None:
    assert least_side(DSIFT, BIN5) == 24
    assert least_side(DSIFT, BIN8) == 39
    assert least_side(DSIFT, FREE) == 24


def test_a_code_that_needs_too_large_a_picture_is_told_however_long_its_side() -> None:
    taken = Taken(path="spec.target.features", code_shape=(27, 14, 5000))
    wish = Representation(model="hog", layer="hog")
    fit, faults = find_fit(HOG, wish, taken, Settings(), "spec.representation")
    assert fit is None
    (fault,) = faults
    assert fault.field == "spec.target.features"
    assert "this server looks for at most" in fault.description
