"""The pictures of the benchmarks and the galleries that show them."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from benchmarks import gallery, pictures
from PIL import Image


def _save(folder: Path, name: str, height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(folder / name)


def test_the_pictures_of_a_folder_come_by_name_and_no_more_than_asked(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.webp"):
        _save(tmp_path, name, 8, 12)
    (tmp_path / "notes.txt").write_text("no picture")
    assert [each.name for each in pictures.load(tmp_path, 2)] == ["a", "b"]


def test_without_a_folder_the_variable_counts_and_then_the_bundled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREIMAGE_PICTURES_DIR", raising=False)
    assert [each.name for each in pictures.load()] == ["chelsea", "coffee", "rocket"]
    _save(tmp_path, "own.png", 8, 12)
    monkeypatch.setenv("PREIMAGE_PICTURES_DIR", str(tmp_path))
    assert [each.name for each in pictures.load()] == ["own"]


def test_a_folder_without_pictures_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no PNG"):
        pictures.load(tmp_path)
    with pytest.raises(SystemExit, match="is no folder"):
        pictures.load(tmp_path / "nowhere")


def test_a_picture_that_stands_is_turned_and_not_resized(tmp_path: Path) -> None:
    _save(tmp_path, "wide.png", 8, 12)
    _save(tmp_path, "tall.png", 12, 8)
    tall, wide = pictures.load(tmp_path)
    size = pictures.common_size([tall, wide])
    assert size == (8, 12)
    assert np.array_equal(wide.fitted(*size).pixels, wide.pixels)
    assert np.array_equal(np.rot90(tall.fitted(*size).pixels, -1), tall.pixels)
    assert tall.fitted(6, 6).pixels.shape == (6, 6, 3)


def test_a_gallery_holds_every_picture_as_it_is(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    tiles = [gallery.Tile(colour, "1 < 2"), gallery.Tile(colour[..., 0], "grey")]
    gallery.write("Pictures & more", [gallery.Row("first", tiles)], tmp_path / "new" / "out")
    page = (tmp_path / "new" / "out.html").read_text()
    assert "Pictures &amp; more" in page
    assert "1 &lt; 2" in page
    embedded = [base64.b64decode(text) for text in re.findall(r"base64,([^\"]+)", page)]
    shown = [np.asarray(Image.open(io.BytesIO(each))) for each in embedded]
    assert np.array_equal(shown[0], colour)
    assert np.array_equal(shown[1], colour[..., 0])
    with Image.open(tmp_path / "new" / "out.png") as sheet:
        assert (np.asarray(sheet)[24:29, 8:15] == colour).all()
