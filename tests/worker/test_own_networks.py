"""An operator's own networks: programs, functions, and pictures other than 224 pixels in colour."""

import logging
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from preimage.v1 import model_service_pb2 as wire
from preimage.v1 import spec_pb2
from preimage_worker import catalogue
from preimage_worker.engine import Engine
from preimage_worker.errors import CatalogueError, InvalidSpecError
from preimage_worker.inversion.errors import ShapeMismatchError
from preimage_worker.jobs import Failed, Inverted
from preimage_worker.models import Models
from preimage_worker.results.inverted import inverted
from preimage_worker.results.provenance import Surroundings
from tests.worker import jobs, own

CPU = torch.device("cpu")
COLOUR = "input_size = [32, 32]\n"
GREY = f"{COLOUR}mean = [0.5]\nstd = [0.25]\n"
FIVE = f"{COLOUR}mean = [0.1, 0.2, 0.3, 0.4, 0.5]\nstd = [0.2, 0.2, 0.2, 0.2, 0.2]\n"


def of(architecture: str, keys: str = COLOUR, folder: Path | None = None) -> Models:
    """A catalogue with one model "own"."""
    source = f'[models.own]\narchitecture = "{architecture}"\n{keys}'
    environment = {"PREIMAGE_WEIGHTS_DIR": str(folder)} if folder else {}
    return Models(catalogue.parse(source), jobs.settings(**environment), CPU)


def function(name: str, keys: str = COLOUR) -> Models:
    return of(f"python:tests.worker.own:{name}", keys)


def announced(models: Models) -> wire.Model:
    (model,) = models.announcements()
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program, and with a file that is none."""
    made = tmp_path_factory.mktemp("programs")
    torch.manual_seed(0)
    lanes = torch.export.Dim("lanes", min=1, max=8)
    example = torch.zeros(2, 3, 32, 32)
    program = torch.export.export(own.resnet20().eval(), (example,), dynamic_shapes=({0: lanes},))
    torch.export.save(program, made / "own.pt2")
    (made / "bad.pt2").write_bytes(b"no program at all")
    with zipfile.ZipFile(made / "other.pt2", "w") as archive:
        archive.writestr("some/file", "no program either")
    torch.save(own.grey(), made / "plain.pt2")
    grey = torch.export.export(
        own.grey().eval(), (torch.zeros(2, 1, 32, 32),), dynamic_shapes=({0: lanes},)
    )
    torch.export.save(grey, made / "grey.pt2")
    return made


def test_a_program_is_a_model_with_the_layers_of_its_network(folder: Path) -> None:
    models = of("export:own.pt2", f"{COLOUR}classifies = true\n", folder)
    model = announced(models)
    assert model.availability == wire.AVAILABILITY_SERVED
    assert model.weights == "own.pt2"
    shapes = {layer.name: list(layer.code_shape) for layer in model.layers}
    assert shapes["layer2.0"] == [32, 16, 16]
    assert shapes["layer3:mean"] == [64]
    classify = models.classifier("own")
    assert classify is not None
    assert classify(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_a_programs_digest_is_that_of_its_file(folder: Path, tmp_path: Path) -> None:
    digest = announced(of("export:own.pt2", folder=folder)).weights_digest
    table = f'{COLOUR}sha256 = "{digest}"\n'
    assert announced(of("export:own.pt2", table, folder)).weights_digest == digest
    other = announced(of("export:own.pt2", f'{COLOUR}sha256 = "00"\n', folder))
    assert other.availability == wire.AVAILABILITY_WEIGHTS_MISSING
    assert "models.own.sha256 asks for 00" in other.unavailable_reason


def test_a_program_that_is_not_there_is_announced_with_the_reason(tmp_path: Path) -> None:
    model = announced(of("export:own.pt2", folder=tmp_path))
    assert model.availability == wire.AVAILABILITY_WEIGHTS_MISSING
    assert "The program of own is not here: own.pt2 is not in" in model.unavailable_reason
    assert not model.layers


@pytest.mark.parametrize("file", ["bad.pt2", "other.pt2", "plain.pt2"])
def test_a_file_that_is_no_program_is_refused_and_torch_logs_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture, file: str
) -> None:
    logging.getLogger("torch").addHandler(caplog.handler)  # torch's own lets nothing through
    try:
        with pytest.raises(CatalogueError, match=f"{file} cannot be read as a program") as caught:
            of(f"export:{file}", folder=folder)
    finally:
        logging.getLogger("torch").removeHandler(caplog.handler)
    assert not caplog.records
    assert "warnings above" not in str(caught.value)
    assert str(caught.value).endswith("; write it with torch.export.save.")


def test_a_picture_size_that_the_program_does_not_take_is_the_catalogues_fault(
    folder: Path,
) -> None:
    with pytest.raises(CatalogueError, match=r"models\.own\.input_size: .* 40×40 pixels"):
        of("export:own.pt2", "input_size = [40, 40]\n", folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "broken",
            "could not make its network: the function raised FileNotFoundError: weights.bin is",
        ),
        ("lacking", "the function raised ModuleNotFoundError: No module named 'timm'."),
        (
            "resnet2",
            "tests.worker.own has no function 'resnet2' (did you mean 'resnet20'?).",
        ),
        ("number", "gave a int, not a torch.nn.Module"),
        ("fickle", "cannot be traced"),
        ("nowhere", "made a network without numbers"),
    ],
)
def test_a_function_that_gives_no_usable_network_is_refused(name: str, words: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        function(name)
    assert words in str(caught.value)
    assert str(caught.value).startswith("models.own.")

    assert "PYTHONPATH" not in str(caught.value)


@pytest.mark.parametrize("path", ["nowhere", "tests.worker.nowhere"])
def test_a_module_that_cannot_be_imported_is_told_with_the_path(path: str) -> None:
    with pytest.raises(CatalogueError, match=r"ModuleNotFoundError: .* must be on PYTHONPATH"):
        of(f"python:{path}:network")


def test_a_module_that_raises_is_told_without_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raising_module.py").write_text("raise RuntimeError('boom')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CatalogueError) as caught:
        of("python:raising_module:network")
    assert str(caught.value).endswith("the module raising_module raised RuntimeError: boom.")


@pytest.mark.parametrize(
    ("architecture", "keys", "given", "advice"),
    [
        ("python:tests.worker.own:included", GREY, "1 channel ", "3 numbers each, one a channel"),
        ("python:tests.worker.own:grey", COLOUR, "3 channels ", "one number each"),
        ("python:tests.worker.own:spectral", COLOUR, "3 channels ", "5 numbers each"),
        ("export:grey.pt2", COLOUR, "3 channels ", "one number each"),
    ],
)
def test_another_number_of_channels_is_told_with_what_mean_and_std_must_have(
    folder: Path, architecture: str, keys: str, given: str, advice: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        of(architecture, keys, folder)
    assert str(caught.value).startswith("models.own.mean: ")
    assert f"with {given}" in str(caught.value)
    assert f": give mean and std {advice}" in str(caught.value)
    assert "another size" not in str(caught.value)


def test_where_size_and_channels_are_both_wrong_both_are_named(folder: Path) -> None:
    with pytest.raises(CatalogueError, match=r"another size, or give mean and std one number for"):
        of("export:grey.pt2", "input_size = [40, 40]\n", folder)
    with pytest.raises(CatalogueError) as caught:
        of("export:own.pt2", "input_size = [40, 40]\n", folder)
    assert str(caught.value).endswith("; use another size.")


def test_a_size_that_a_program_does_not_take_is_told_with_the_one_that_its_entry_states(
    folder: Path,
) -> None:
    representation = of("export:own.pt2", folder=folder).representation("own", "layer2")
    with pytest.raises(ShapeMismatchError) as caught:
        representation.code_shape(40, 48)
    assert str(caught.value).startswith("The model takes no pictures of 40×48 pixels")
    assert str(caught.value).endswith(
        "; use 32×32, the size that its entry in the catalogue states."
    )


def test_included_weights_are_the_functions_own_and_make_the_digest() -> None:
    models = function("included")
    code = models.representation("own", "0")(torch.zeros(1, 3, 32, 32))
    assert torch.equal(code, torch.full_like(code, 0.25))
    digest = announced(models).weights_digest
    assert digest == announced(function("included")).weights_digest
    random = function("resnet20", f"{COLOUR}weights = {{ random = 1 }}\n")
    assert announced(random).weights_digest != digest


def test_random_weights_of_a_function_are_those_of_the_seed() -> None:
    keys = "weights = {{ random = {} }}\n"
    codes = [
        function("grey", GREY + keys.format(seed)).representation("own", "2")(
            torch.ones(1, 1, 32, 32)
        )
        for seed in (1, 1, 2)
    ]
    assert torch.equal(codes[0], codes[1])
    assert not torch.equal(codes[0], codes[2])


def test_the_divisor_says_what_the_network_takes() -> None:
    levels = "mean = [100, 100, 100]\nstd = [1, 1, 1]\ndivisor = 1\n"
    models = function("included", COLOUR + levels)
    assert announced(models).preprocessing.divisor == 1
    code = models.representation("own", "0")(torch.ones(1, 3, 32, 32))
    assert models.representation("own", "0").mean == (100, 100, 100)
    torch.testing.assert_close(code, torch.full_like(code, 0.25 * 75 + 0.25))


@pytest.mark.parametrize("preset", ["mv2015", "mv2016"])
@pytest.mark.parametrize("layer", ["2", "4", "5"])
def test_small_grey_pictures_are_inverted_from_end_to_end(preset: str, layer: str) -> None:
    models = function("grey", f"{GREY}weights = {{ random = 1 }}\n")
    engine = Engine(models, jobs.settings(), CPU)
    wanted = jobs.inversion(layer, "own", optimiser=jobs.steps(30, preset=preset))
    wanted.invert.representation.ClearField("mask")
    assert engine.admit(jobs.delivery(wanted)) is None
    done = finish(engine)
    parcel = inverted(done, models.served("own"), Surroundings("w", "cpu"), 1.0)
    (reconstruction,) = parcel.result.invert.reconstructions
    assert {"0/picture.png", "0/picture.f32"} <= parcel.files.keys()
    assert done.lanes[0].levels.shape == (1, 32, 32)
    assert np.isfinite(done.lanes[0].levels).all()
    assert -1 <= reconstruction.fidelity.ssim <= 1
    assert reconstruction.errors.relative_delivered < done.lanes[0].curve[0, 4]


def finish(engine: Engine) -> Inverted:
    """Runs the only job of an engine to its end."""
    while engine.active:
        for settled in engine.boundary().settled:
            assert isinstance(settled, Inverted)
            return settled
    raise AssertionError("no job was running")


def test_a_code_of_five_channels_gives_a_float_picture_and_no_png() -> None:
    models = function("spectral", f"{FIVE}weights = {{ random = 1 }}\n")
    representation = models.representation("own", "2")
    canvas = 40 * torch.randn(1, 5, 32, 32, generator=torch.Generator().manual_seed(0))
    code = representation(canvas)[0].numpy().astype("<f4")
    wanted = jobs.inversion("2", "own", optimiser=jobs.steps(30))
    wanted.encoded_picture_digest = ""
    wanted.invert.target.uploaded_features.CopyFrom(
        spec_pb2.Target().uploaded_features.__class__(digest="code", dtype=1, shape=code.shape)
    )
    wanted.invert.progress.preview_every_steps = 5
    engine = Engine(models, jobs.settings(), CPU)
    assert engine.admit(jobs.delivery(wanted, {"code": code.tobytes()})) is None
    done = finish(engine)
    parcel = inverted(done, models.served("own"), Surroundings("w", "cpu"), 1.0)
    assert list(parcel.files) == ["0/picture.f32"]
    assert done.lanes[0].levels.shape == (5, 32, 32)
    assert done.lanes[0].curve[-1, 4] < done.lanes[0].curve[0, 4]


def test_a_picture_for_a_network_of_five_channels_is_refused() -> None:
    models = function("spectral", f"{FIVE}weights = {{ random = 1 }}\n")
    engine = Engine(models, jobs.settings(), CPU)
    settled = engine.admit(jobs.delivery(jobs.inversion("2", "own", optimiser=jobs.steps(5))))
    assert isinstance(settled, Failed)
    assert settled.error.reason == "INVALID_SPEC"
    assert "takes 5 channels, which no picture has" in str(settled.error)


@pytest.fixture(scope="module")
def assets() -> Path:
    """The folder of weights, with programs in "models" beside it."""
    folder = os.environ.get("PREIMAGE_WEIGHTS_DIR")
    if not folder or not (Path(folder) / "resnet20_cifar10.safetensors").exists():
        pytest.skip("PREIMAGE_WEIGHTS_DIR has no resnet20_cifar10.safetensors.")
    if not (Path(folder).parent / "models" / "resnet20_cifar10.pt2").exists():
        pytest.skip("Beside PREIMAGE_WEIGHTS_DIR there is no models/resnet20_cifar10.pt2.")
    return Path(folder)


def test_a_program_and_a_function_with_the_same_weights_are_the_same_network(
    assets: Path,
) -> None:
    program = of("export:../models/resnet20_cifar10.pt2", folder=assets)
    weights = 'weights = { file = "resnet20_cifar10.safetensors" }\n'
    network = of("python:tests.worker.own:resnet20", COLOUR + weights, assets)
    canvas = 50 * torch.randn(2, 3, 32, 32)
    for layer in ("conv1", "bn1", "layer1.0", "layer2.0", "layer3", "layer3:mean", "linear"):
        expected = network.representation("own", layer)(canvas)
        torch.testing.assert_close(
            program.representation("own", layer)(canvas), expected, rtol=1e-3, atol=1e-3
        )


def test_an_unknown_layer_of_a_program_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidSpecError, match="no layer 'layer9'"):
        of("export:own.pt2", folder=folder).representation("own", "layer9")


def test_the_network_of_the_how_to_is_served_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "own-network.md").read_text()
    code = next(each for each in blocks(page, "python") if each.startswith("# mynets/resnet.py"))
    (tmp_path / "mynets").mkdir()
    (tmp_path / "mynets" / "resnet.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    table = next(each for each in blocks(page, "toml") if "python:" in each)
    random = re.sub(r"weights = {.*", "weights = { random = 1 }", table)
    models = Models(catalogue.parse(random), jobs.settings(), CPU)
    assert "layer1.0" in {layer.name for layer in announced(models).layers}
    program = next(each for each in blocks(page, "toml") if "export:" in each)
    (entry,) = catalogue.parse(program)
    assert entry.weights == catalogue.FileWeights("resnet20_cifar10.pt2")
    assert models.classifier("resnet20") is not None


def test_the_network_of_the_tutorial_is_exported_and_served_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tutorial" / "first-hour.md").read_text()
    program = next(each for each in blocks(page, "python") if "torch.export" in each)
    (table,) = blocks(page, "toml")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "network.py", "exec"), {"__name__": "__main__"})
    served = Models(catalogue.parse(table), jobs.settings(PREIMAGE_WEIGHTS_DIR=str(tmp_path)), CPU)
    wanted = set(re.findall(r"--model mine --layer (\S+)", page))
    assert wanted
    assert wanted <= {layer.name for layer in announced(served).layers}


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
