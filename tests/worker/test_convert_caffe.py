"""From a .caffemodel, written here by hand, to the network that runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional

from preimage_worker import catalogue
from preimage_worker.convert_caffe.__main__ import main
from preimage_worker.convert_caffe.fitting import fit
from preimage_worker.convert_caffe.reading import read
from preimage_worker.inversion.representations.cnn_a import cnn_a
from preimage_worker.models import Models
from tests.worker import caffemodel, jobs
from tests.worker.caffemodel import Array

SHAPES = {
    "conv1": (96, 3, 11, 11),
    "conv2": (256, 48, 5, 5),
    "conv3": (384, 256, 3, 3),
    "conv4": (384, 192, 3, 3),
    "conv5": (256, 192, 3, 3),
    "fc6": (4096, 9216),
    "fc7": (4096, 4096),
    "fc8": (1000, 4096),
}


@pytest.fixture(scope="module")
def weights() -> dict[str, list[Array]]:
    """Numbers of the size that trained weights have."""
    generator = np.random.default_rng(0)
    # Repeating a short stretch is quicker than drawing 60 million numbers.
    drawn = 0.01 * generator.standard_normal(99_991, np.float32)
    return {
        name: [np.resize(drawn, shape), 0.1 * generator.standard_normal(shape[0], np.float32)]
        for name, shape in SHAPES.items()
    }


@pytest.fixture(scope="module")
def converted(weights: dict[str, list[Array]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    source, output = folder / "in.caffemodel", folder / "cnn_a.safetensors"
    source.write_bytes(caffemodel.v2(weights))
    assert main([str(source), str(output)]) == 0
    source.unlink()
    return output


@pytest.fixture(scope="module")
def models(converted: Path) -> Models:
    (entry,) = [each for each in catalogue.load(None) if each.name == "cnn_a"]
    settings = replace(jobs.settings(), weights_dir=converted.parent)
    return Models((entry,), settings, torch.device("cpu"))


def _code(models: Models, layer: str, canvas: Tensor) -> Tensor:
    with torch.no_grad():
        return models.representation("cnn_a", layer)(canvas)[0]


@pytest.fixture(scope="module")
def canvas() -> Tensor:
    return 60 * torch.randn(1, 3, 227, 227, generator=torch.Generator().manual_seed(4))


def test_conv1_sees_the_picture_in_the_order_blue_green_red(
    models: Models, weights: dict[str, list[Array]], canvas: Tensor
) -> None:
    kernel, bias = map(torch.from_numpy, weights["conv1"])
    bgr = canvas[0, [2, 1, 0], 40:51, 80:91]
    expected = (kernel * bgr).sum((1, 2, 3)) + bias
    torch.testing.assert_close(_code(models, "conv1", canvas)[:, 10, 20], expected)


def test_each_group_of_conv2_sees_its_half_of_the_channels(
    models: Models, weights: dict[str, list[Array]], canvas: Tensor
) -> None:
    below = functional.pad(_code(models, "norm1", canvas), (2, 2, 2, 2))
    kernel, bias = map(torch.from_numpy, weights["conv2"])
    patch = below[:, 7:12, 9:14]
    halves = (kernel[:128] * patch[:48]).sum((1, 2, 3)), (kernel[128:] * patch[48:]).sum((1, 2, 3))
    found = _code(models, "conv2", canvas)[:, 7, 9]
    torch.testing.assert_close(found, torch.cat(halves) + bias, rtol=1e-4, atol=1e-4)


def test_fc6_reads_channels_first_then_rows_then_columns(
    models: Models, weights: dict[str, list[Array]], canvas: Tensor
) -> None:
    below = _code(models, "mpool5", canvas)
    matrix, bias = map(torch.from_numpy, weights["fc6"])
    as_caffe = matrix.view(4096, 256, 6, 6)
    expected = torch.einsum("ocij,cij->o", as_caffe, below) + bias
    torch.testing.assert_close(_code(models, "fc6", canvas), expected, rtol=1e-3, atol=1e-3)


def test_the_older_form_gives_the_same_parameters(
    weights: dict[str, list[Array]], converted: Path, tmp_path: Path
) -> None:
    source = tmp_path / "old.caffemodel"
    source.write_bytes(caffemodel.v1(weights))
    found, expected = fit(read(source)), load_file(converted)
    source.unlink()
    assert set(found) == set(expected) == set(cnn_a().state_dict())
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("doubles", [False, True])
def test_numbers_are_read_in_single_and_in_double_precision(
    tmp_path: Path, *, doubles: bool
) -> None:
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([0.5, -2])]
    source = tmp_path / "small.caffemodel"
    source.write_bytes(caffemodel.v2({"ip": arrays}, doubles=doubles))
    found = read(source)
    assert list(found) == ["ip"]
    for blob, array in zip(found["ip"], arrays, strict=True):
        assert blob.dtype == np.float32
        assert np.array_equal(blob, array)


Weights = dict[str, list[Array]]


def _small(**changes: list[Array]) -> Weights:
    tiny = {name: [np.zeros((2, 2), np.float32), np.zeros(2, np.float32)] for name in SHAPES}
    return {**tiny, **changes}


def _without_fc8() -> bytes:
    arrays = {
        name: [np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)]
        for name, shape in SHAPES.items()
        if len(shape) == 4
    }
    return caffemodel.v2(arrays)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"name: 'CaffeNet'\nlayer { }", "is no binary Caffe model"),
        (lambda: caffemodel.v2(_small())[:-3], "only the beginning of one"),
        (lambda: b"", "holds no layer with weights"),
        (lambda: b"\x89HDF\r\n\x1a\n", "in HDF5"),
        (_without_fc8, "no layer fc6 with weights"),
        (lambda: caffemodel.v2(_small()), "conv1.weight has the shape [2, 2], and cnn_a needs [96"),
        (
            lambda: caffemodel.v2(_small(conv1=[np.zeros((1, 2), np.float32)])),
            "conv1 has 1 blobs",
        ),
        (
            lambda: caffemodel.v2(_small(conv2=[np.full(2, np.nan, np.float32)])),
            "conv2: a blob holds NaN",
        ),
        (
            lambda: caffemodel.v2(_small()).replace(b"\x0a\x02\x02\x02", b"\x0a\x02\x02\x03", 1),
            "a blob of shape [2, 3] has 4 numbers",
        ),
    ],
)
def test_a_file_that_cannot_be_converted_is_refused_with_a_sentence(
    make: Callable[[], bytes], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "in.caffemodel", tmp_path / "out.safetensors"
    source.write_bytes(make())
    assert main([str(source), str(output)]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == [source]


def test_an_existing_file_is_overwritten_only_when_asked(
    converted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "in.caffemodel", tmp_path / "out.safetensors"
    source.write_bytes(b"")
    output.write_text("mine")
    assert main([str(source), str(output)]) == 1
    assert "exists; overwrite it with --force" in capsys.readouterr().err
    assert main([str(source), str(output), "--force"]) == 1
    assert "holds no layer" in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_file_or_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none"), str(tmp_path / "out")]) == 1
    assert "none: No such file or directory." in capsys.readouterr().err
