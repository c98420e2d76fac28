"""Codes and the files that hold them."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import preimage
from tests.client import messages


def test_a_safetensors_file_keeps_all_that_is_known(tmp_path: Path) -> None:
    features = preimage.Features(
        messages.code(), input_size=(100, 90), model="hog", layer="cells", model_digest="ab12"
    )
    loaded = preimage.Features.load(features.save(tmp_path / "code.safetensors"))
    assert np.array_equal(loaded.array, messages.code())
    assert loaded.shape == (2, 3, 4)
    assert loaded.input_size == (100, 90)
    assert (loaded.model, loaded.layer, loaded.model_digest) == ("hog", "cells", "ab12")


def test_what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    loaded = preimage.Features.load(
        preimage.Features(messages.code()).save(tmp_path / "code.safetensors")
    )
    assert (loaded.input_size, loaded.model, loaded.layer) == (None, None, None)


def test_a_strided_array_is_saved_in_its_own_order(tmp_path: Path) -> None:
    strided = messages.code().transpose(2, 0, 1)
    saved = preimage.Features(strided).save(tmp_path / "code.safetensors")
    assert np.array_equal(preimage.Features.load(saved).array, strided)


def test_a_file_of_one_tensor_needs_no_particular_name(tmp_path: Path) -> None:
    save_file({"anything": messages.code()}, tmp_path / "one.safetensors")
    loaded = preimage.Features.load(tmp_path / "one.safetensors")
    assert np.array_equal(loaded.array, messages.code())


def test_of_several_tensors_the_one_called_code_is_taken(tmp_path: Path) -> None:
    tensors = {"other": np.zeros(3, np.float32), "code": messages.code()}
    save_file(tensors, tmp_path / "two.safetensors")
    loaded = preimage.Features.load(tmp_path / "two.safetensors")
    assert np.array_equal(loaded.array, messages.code())


def test_several_tensors_without_that_name_are_listed(tmp_path: Path) -> None:
    save_file({"b": np.zeros(3), "a": np.zeros(3)}, tmp_path / "two.safetensors")
    with pytest.raises(preimage.BadInput, match=r"the tensors \['a', 'b'\]"):
        preimage.Features.load(tmp_path / "two.safetensors")


def test_pixels_are_no_code(tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", messages.pixels())
    with pytest.raises(preimage.BadInput, match="holds uint8"):
        preimage.Features.load(tmp_path / "pixels.npy")


def test_a_code_of_whole_numbers_is_advised_to_become_floats(tmp_path: Path) -> None:
    np.save(tmp_path / "whole.npy", np.ones((512, 7, 7), np.int64))
    with pytest.raises(preimage.BadInput, match=r"holds int64; .*astype\('float32'\)"):
        preimage.Features.load(tmp_path / "whole.npy")


def test_pickled_arrays_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(preimage.BadInput, match=r"is no \.npy file of numbers"):
        preimage.Features.load(tmp_path / "objects.npy")


def test_an_empty_or_cut_npy_file_is_said_to_be_broken(tmp_path: Path) -> None:
    np.save(tmp_path / "cut.npy", messages.code())
    whole = (tmp_path / "cut.npy").read_bytes()
    for length in (0, 20, len(whole) - 1):
        (tmp_path / "cut.npy").write_bytes(whole[:length])
        with pytest.raises(preimage.BadInput, match=r"is no \.npy file of numbers"):
            preimage.Features.load(tmp_path / "cut.npy")


@pytest.mark.parametrize("name", ["text.npy", "text.safetensors"])
def test_a_text_is_no_code_and_the_sentence_is_ours(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("This is a text, and no array of floats at all.")
    with pytest.raises(preimage.BadInput) as caught:
        preimage.Features.load(tmp_path / name)
    said = str(caught.value)
    assert f"{name} is no {Path(name).suffix} file" in said
    assert said.endswith(".")
    assert not said.endswith("..")
    assert "unsafe" not in said
    assert "pickle" not in said


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    for name in ("missing.npy", "missing.safetensors"):
        with pytest.raises(
            preimage.BadInput, match=rf"{name} cannot be read: No such file[^.]*\.$"
        ):
            preimage.Features.load(tmp_path / name)


@pytest.mark.parametrize("name", ["missing.npy", "missing.safetensors", "broken.safetensors"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"x" * 40)
    with pytest.raises(preimage.BadInput, match=name):
        preimage.Features.load(tmp_path / name)


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(preimage.BadInput, match=r"\.safetensors or \.npy"):
        preimage.Features(messages.code()).save(tmp_path / "code.pt")
