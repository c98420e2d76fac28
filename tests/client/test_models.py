"""Models, layers, and the preprocessing that a client can do by itself."""

import numpy as np
import pytest
from PIL import Image

import preimage
from preimage.models import model_from_wire
from preimage.v1 import model_service_pb2
from tests.client import messages


async def test_models_are_listed_without_their_layers(client: preimage.AsyncClient) -> None:
    models = await client.models()
    assert [model.name for model in models] == ["hog", "squeezenet1_0"]
    assert models[0].layers == ()
    assert models[0].availability is preimage.Availability.SERVED


async def test_one_model_comes_with_all_that_it_takes(client: preimage.AsyncClient) -> None:
    model = await client.model("hog")
    axes = ("channels", "height", "width")
    assert model.layer("features.1") == preimage.LayerInfo(
        "features.1", "ReLU", (2, 3, 4), 2, axes=axes, has_reference=False
    )
    assert model.presets == (preimage.PresetInfo("mv2016", "IJCV 2016.", 350, 300),)
    assert model.preprocessing.input_size == (messages.HEIGHT, messages.WIDTH)
    with pytest.raises(preimage.BadInput, match=r"no layer 'x'\. Its layers: features\.1\."):
        model.layer("x")


@pytest.mark.parametrize(
    ("layout", "shape", "axes"),
    [
        ("CODE_LAYOUT_UNSPECIFIED", (5, 6), ("tokens", "channels")),
        ("CODE_LAYOUT_UNSPECIFIED", (9,), ("channels",)),
        ("CODE_LAYOUT_UNSPECIFIED", (1, 2, 3, 4), ()),
        ("CODE_LAYOUT_CHANNELS_LAST", (7, 7, 96), ("height", "width", "channels")),
        ("CODE_LAYOUT_OTHER", (3, 3), ()),
    ],
)
def test_the_axes_of_a_code_are_named(
    layout: str, shape: tuple[int, ...], axes: tuple[str, ...]
) -> None:
    message = messages.model(layers=False)
    message.layers.add(name="x", code_shape=shape, layout=layout, has_reference=True)
    layer = model_from_wire(message).layer("x")
    assert (layer.axes, layer.has_reference) == (axes, True)


def test_a_model_of_many_channels_takes_no_picture() -> None:
    with pytest.raises(preimage.BadInput, match="7 channels cannot be made of a picture"):
        preprocessing(channels=7).apply(messages.pixels())


def preprocessing(**fields: object) -> preimage.Preprocessing:
    message = messages.model().preprocessing
    message.MergeFrom(model_service_pb2.Preprocessing(**fields))
    if fields.get("any_size"):
        message.ClearField("input_size")
    model = model_service_pb2.Model(preprocessing=message)
    return model_from_wire(model).preprocessing


def test_colour_is_divided_shifted_scaled_and_laid_out_channels_first() -> None:
    made = preprocessing().apply(messages.pixels())
    assert made.dtype == np.float32
    assert made.shape == (3, messages.HEIGHT, messages.WIDTH)
    row, column = 4, 2
    red, green, blue = messages.pixels()[row, column] / 255.0
    expected = [(red - 0.5) / 0.25, (green - 0.25) / 0.5, (blue - 0.125) / 1.0]
    assert made[:, row, column] == pytest.approx(expected, rel=1e-6)


def test_a_picture_is_resized_on_8_bit_values_and_not_cropped() -> None:
    large = Image.fromarray(messages.pixels()).resize((40, 30), Image.Resampling.NEAREST)
    resized = np.asarray(large.resize((messages.WIDTH, messages.HEIGHT), Image.Resampling.BILINEAR))
    made = preprocessing().apply(large)
    assert np.array_equal(made, preprocessing().apply(resized))


def test_grey_is_the_weighted_sum_and_is_not_rounded() -> None:
    grey = preprocessing(any_size=True, channels=1)
    grey = preimage.Preprocessing(**{**vars(grey), "divisor": 1.0, "mean": (0.0,), "std": (1.0,)})
    made = grey.apply(messages.pixels())
    assert made.shape == (1, messages.HEIGHT, messages.WIDTH)
    red, green, blue = messages.pixels().astype(np.float64).transpose(2, 0, 1)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    assert np.allclose(made[0], expected, rtol=0, atol=1e-4)
    assert not np.allclose(made[0], np.round(expected), rtol=0, atol=1e-4)


def test_any_size_is_kept_unless_another_one_is_asked_for() -> None:
    free = preprocessing(any_size=True)
    assert free.apply(messages.pixels()).shape == (3, messages.HEIGHT, messages.WIDTH)
    assert free.apply(messages.pixels(), input_size=(8, 9)).shape == (3, 8, 9)


def test_a_picture_that_is_too_small_is_refused() -> None:
    free = preprocessing(any_size=True, minimum_side=64)
    with pytest.raises(preimage.BadInput, match="6 × 4 pixels"):
        free.apply(messages.pixels())


def test_a_model_preprocesses_every_form_of_picture_alike() -> None:
    model = model_from_wire(messages.model())
    made = model.preprocess(messages.pixels())
    assert np.array_equal(made, model.preprocess(messages.png()))
    assert np.array_equal(made, model.preprocess(Image.fromarray(messages.pixels())))


def test_what_a_newer_server_calls_availability_does_not_break_an_older_client() -> None:
    message = messages.model()
    message.availability = 99
    assert model_from_wire(message).availability is preimage.Availability.UNSPECIFIED
