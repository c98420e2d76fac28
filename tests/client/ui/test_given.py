"""Files that a tab is given."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preimage import BadInput, Features
from preimage.parts import Size
from preimage.ui.given import read
from tests.client import messages


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_picture_is_kept_as_it_came_and_shown_no_larger_than_a_page_can_use() -> None:
    data = jpeg(1200, 600)
    given = read("wide.jpg", data)
    assert given.source == data
    assert given.sentence == "wide.jpg: a picture of 1200 × 600 pixels"
    assert not given.is_code
    assert given.shown is not None
    assert Image.open(io.BytesIO(given.shown)).size == (512, 256)


def test_a_size_is_suggested_for_large_pictures_only() -> None:
    assert read("wide.jpg", jpeg(1200, 600)).fitted(256) == Size(128, 256)
    assert read("thread.jpg", jpeg(1200, 1)).fitted(256) == Size(1, 256)
    assert read("small.jpg", jpeg(256, 100)).fitted(256) is None


def test_a_code_is_told_by_its_suffix() -> None:
    given = read("code.NPY", npy(messages.code()))
    assert isinstance(given.source, Features)
    assert given.sentence == "code.NPY: a code of 2 × 3 × 4 numbers"
    assert given.is_code
    assert (given.shown, given.size, given.fitted(256)) == (None, None, None)


def test_a_code_keeps_what_its_file_says(tmp_path: Path) -> None:
    path = Features(messages.code(), input_size=(8, 9), model="hog").save(
        tmp_path / "x.safetensors"
    )
    given = read("x.safetensors", path.read_bytes())
    assert isinstance(given.source, Features)
    assert (given.source.model, given.size) == ("hog", Size(8, 9))


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.png", b"no picture", "a.png cannot be read as a picture. A code is a .npy or"),
        ("a.npy", b"no code", "a.npy is no .npy file of numbers, or a broken one"),
        ("a.npy", npy(np.zeros(3, np.uint8)), "a.npy holds uint8; a code is an array of floats."),
        ("a.npy", npy(np.full(3, np.nan)), "The code holds NaN or infinity in 3 of its 3"),
        ("a.safetensors", b"no code", "a.safetensors is no .safetensors file, or a broken one"),
    ],
)
def test_what_is_neither_is_refused_by_its_name(name: str, data: bytes, sentence: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read(name, data)
    assert str(refusal.value).startswith(sentence)
    assert "/tmp" not in str(refusal.value)
