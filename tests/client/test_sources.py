"""What is a picture, what is a code, and what is neither."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import preimage
from preimage.calls import INLINE_BYTES
from preimage.sources import Content, read_source
from tests.client import messages
from tests.pictures.bombs import png_claiming


def read(source: object) -> Content:
    return read_source(source, INLINE_BYTES)


def encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


PICTURE = Image.fromarray(messages.pixels())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_png_jpeg_or_webp_file_goes_as_it_is(kind: str, tmp_path: Path) -> None:
    data = encoded(PICTURE, kind)
    (tmp_path / "picture").write_bytes(data)
    assert read(data) == read(tmp_path / "picture") == read(str(tmp_path / "picture")) == data


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM"])
def test_other_files_are_decoded_here(kind: str) -> None:
    assert np.array_equal(read(encoded(PICTURE, kind)), messages.pixels())


def test_a_picture_in_memory_goes_as_pixels() -> None:
    assert np.array_equal(read(PICTURE), messages.pixels())
    assert np.array_equal(read(messages.pixels()), messages.pixels())


def test_grey_pictures_stay_grey_and_transparency_is_dropped() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(read(grey), grey)
    assert np.array_equal(read(Image.fromarray(grey)), grey)
    transparent = PICTURE.copy()
    transparent.putalpha(7)
    assert np.array_equal(read(transparent), messages.pixels())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_array_of_floats_is_a_code(dtype: type[np.floating]) -> None:
    content = read(messages.code().astype(dtype))
    assert isinstance(content, preimage.Features)
    assert content.array.dtype == dtype


def test_big_endian_and_strided_codes_are_made_fit_for_the_wire() -> None:
    code = messages.code()
    for other in (code.astype(">f4"), np.asfortranarray(code), code[..., ::-1][..., ::-1]):
        array = read(other).array
        assert array.tobytes() == code.tobytes()


def test_the_path_of_a_code_is_a_code(tmp_path: Path) -> None:
    features = preimage.Features(messages.code(), input_size=(10, 12), model="hog", layer="cells")
    for name in ("code.npy", "code.safetensors"):
        assert np.array_equal(read(features.save(tmp_path / name)).array, messages.code())


def test_whatever_turns_into_an_array_is_taken() -> None:
    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return messages.code()

    assert np.array_equal(read(Tensor()).array, messages.code())


def test_an_array_that_cannot_be_made_is_a_bad_input() -> None:
    class OnTheGpu:
        def __array__(self, *_: object) -> np.ndarray:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")

    with pytest.raises(preimage.BadInput, match="No array can be made of this OnTheGpu: can't"):
        read(OnTheGpu())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no/such/file.png", "cannot be read: No such file"),
        (b"not a picture", "^These bytes cannot be read as a picture"),
        (png_claiming(100_000, 100_000), "^These bytes cannot be decoded: .*10000000000 pixels"),
        (np.zeros((4, 4), dtype=np.int64), "pixels are uint8"),
        (np.zeros((4, 4, 4), dtype=np.uint8), "pixels are uint8"),
        (np.zeros((0, 4, 3), dtype=np.uint8), "pixels are uint8"),
        (np.zeros((), dtype=np.float32), "holds nothing to invert"),
        (np.zeros((0, 3), dtype=np.float32), "holds nothing to invert"),
        (np.array([1.0, np.nan, np.inf]), "NaN or infinity in 2 of its 3"),
        (np.zeros(3, dtype=np.longdouble), "convert it to float32"),
        (42, "A int is neither a picture nor a code"),
        (Image.new("F", (4, 4)), "mode 'F'"),
        (encoded(Image.new("I;16", (4, 4)), "PNG"), "mode 'I;16'"),
    ],
)
def test_what_is_neither_is_refused_with_a_sentence(source: object, said: str) -> None:
    with pytest.raises(preimage.BadInput, match=said):
        read(source)


def test_a_file_that_ends_too_early_is_refused_where_it_is_decoded() -> None:
    torn = encoded(Image.fromarray(messages.pixels()), "BMP")[:-20]
    with pytest.raises(preimage.BadInput, match="These bytes cannot be decoded"):
        read(torn)
