"""Reference sets: built from pictures, written, read, and what comes of them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from preimage_worker import pictures, spec
from preimage_worker.errors import ReferenceSetError
from preimage_worker.reference import files
from preimage_worker.reference.__main__ import main
from preimage_worker.reference.sets import Reference, find, summarise
from tests.worker import jobs

PICTURES = 5


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of another size than any model's, and a file that is none."""
    folder = tmp_path_factory.mktemp("album")
    for seed in range(PICTURES):
        (folder / f"{seed}.png").write_bytes(jobs.picture(seed, 40, 56))
    (folder / "readme.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def built(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of two layers of the small network and of HOG."""
    with pytest.MonkeyPatch.context() as patch:
        set_up(patch, tmp_path_factory.mktemp("catalogue"))
        output = tmp_path_factory.mktemp("set") / "set.json"
        models = ["--model", "tiny", "--model", "hog"]
        layers = ["--layer", "features.[03]", "--layer", "hog", "--side", "48"]
        assert main(["--pictures", str(album), *models, *layers, "-o", str(output)]) == 0
    return output


def set_up(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """The settings of a worker with the small catalogue."""
    for name, value in jobs.ENVIRONMENT.items():
        patch.setenv(name, value)
    patch.setenv("PREIMAGE_CATALOGUE", str(jobs.catalogue_file(folder)))
    patch.setenv("PREIMAGE_DEVICE", "cpu")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_up(monkeypatch, tmp_path)


def some(**changes: object) -> Reference:
    """Distances 1 to 4."""
    reference = Reference("m", "d", "l", 8, 9, 3, "p", 2.5, 5.0, (1.0, 2.0, 3.0, 4.0))
    return dataclasses.replace(reference, **changes)  # type: ignore[arg-type]


def test_numbers_are_those_of_the_codes_of_the_resized_pictures(album: Path, built: Path) -> None:
    models = jobs.models()
    served = models.served("tiny").announcement
    reference = find(files.load(built), served.digest, "features.3", jobs.SIDE, jobs.SIDE)
    assert reference is not None
    representation = models.representation("tiny", "features.3")
    limits = pictures.Limits(10**6, 10**6)
    codes = []
    for seed in range(PICTURES):
        pixels = pictures.decode((album / f"{seed}.png").read_bytes(), limits)
        pixels = pictures.resize(pixels, jobs.SIDE, jobs.SIDE)
        codes.append(spec.encode(representation, pixels, torch.device("cpu")).double().numpy())
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(codes) for b in codes[i + 1 :]]
    assert reference.pictures == PICTURES
    assert reference.mean_distance == pytest.approx(np.mean(pairs), rel=1e-6)
    everything = 2 * np.sum(np.square(pairs)) / PICTURES**2
    assert reference.mean_squared_distance == pytest.approx(everything, rel=1e-6)
    assert reference.quantiles[0] == pytest.approx(min(pairs), rel=1e-6)
    assert reference.quantiles[500] == pytest.approx(np.median(pairs), rel=1e-6)
    assert reference.quantiles[1000] == pytest.approx(max(pairs), rel=1e-6)


def test_a_set_holds_the_layers_that_match_and_no_code(built: Path) -> None:
    found = files.load(built)
    assert [(each.model, each.layer, each.height) for each in found] == [
        ("tiny", "features.0", jobs.SIDE),
        ("tiny", "features.3", jobs.SIDE),
        ("hog", "hog", 48),
    ]
    assert len({each.pictures_digest for each in found}) == 1
    assert len({each.digest for each in found}) == 3
    assert built.stat().st_size < 100_000


def test_the_three_errors_of_a_distance() -> None:
    # Two codes, 6 apart: N = 6; over all four ordered pairs the mean square is (36 + 36) / 4.
    spread = summarise(np.array([[0.0, 6.0], [6.0, 0.0]]))
    assert (spread.mean_distance, spread.mean_squared_distance) == (6, 18)
    errors = some(mean_distance=6.0, mean_squared_distance=18.0).calibrate(3.0)
    assert errors.paper_2015 == 0.5
    assert errors.released_2015 == 0.5
    assert errors.percentile == pytest.approx(2 / 3)


@pytest.mark.parametrize(("distance", "share"), [(0.5, 0), (1, 0), (2.5, 0.5), (4, 1), (9, 1)])
def test_the_percentile_is_the_share_of_closer_pairs(distance: float, share: float) -> None:
    assert some().calibrate(distance).percentile == pytest.approx(share)


def test_a_percentile_agrees_with_counting() -> None:
    points = np.random.default_rng(0).normal(size=(60, 5))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    pairs = distances[np.triu_indices(60, 1)]
    reference = some(**dataclasses.asdict(summarise(distances)))
    for distance in (0.7, 1.9, 3.0, 4.4):
        counted = np.mean(pairs < distance)
        assert reference.calibrate(distance).percentile == pytest.approx(counted, abs=0.002)


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = (some(), some(layer="k", mean_distance=1 / 3))
    files.write(tmp_path / "set.json", written)
    assert files.load(tmp_path / "set.json") == written
    assert files.load(tmp_path) == written


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[:-9], "cannot be read"),
        (lambda text: "[" * 100_000, "cannot be read"),
        (lambda text: "[]", "no reference set of the format"),
        (lambda text: text.replace("preimage-reference/1", "preimage-reference/9"), "format"),
        (lambda text: text.replace('"mean_distance": 2.5', '"mean_distance": 2.6'), "entry 0"),
        (lambda text: text.replace('"mean_distance": 2.5', '"mean_distance": "2.5"'), "entry 0"),
        (lambda text: text.replace('"mean_distance": 2.5', '"mean_distance": NaN'), "entry 0"),
        (lambda text: text.replace('"width": 9, ', ""), "entry 0"),
    ],
)
def test_a_damaged_file_is_named(
    tmp_path: Path, damage: Callable[[str], str], sentence: str
) -> None:
    file = tmp_path / "set.json"
    files.write(file, [some()])
    file.write_text(damage(file.read_text()))
    with pytest.raises(ReferenceSetError, match=sentence) as caught:
        files.load(file)
    assert str(file) in str(caught.value)


def test_a_number_that_no_error_can_come_of_is_damage_even_with_a_right_digest(
    tmp_path: Path,
) -> None:
    for changes in ({"mean_distance": 0.0}, {"quantiles": (2.0, 1.0)}, {"pictures": 1}):
        files.write(tmp_path / "set.json", [some(**changes)])
        with pytest.raises(ReferenceSetError, match="damaged"):
            files.load(tmp_path)


def test_two_sets_that_differ_about_a_layer_are_refused_and_equal_ones_are_one(
    tmp_path: Path,
) -> None:
    files.write(tmp_path / "a.json", [some()])
    files.write(tmp_path / "b.json", [some(), some(layer="k")])
    assert len(files.load(tmp_path)) == 2
    files.write(tmp_path / "c.json", [some(pictures=4)])
    with pytest.raises(ReferenceSetError, match="keep one of them"):
        files.load(tmp_path)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReferenceSetError, match="no reference set"):
        files.load(tmp_path)
    with pytest.raises(ReferenceSetError, match=r"absent\.json cannot be read"):
        files.load(tmp_path / "absent.json")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "tiny", "--layer", "nothing*"], "No layer of tiny matches nothing*"),
        (["--model", "absent"], "weights of absent are not here"),
        (["--model", "unknown"], "no model 'unknown'"),
        (["--limit", "1"], "offers 1 pictures"),
        (["--pictures", "/no/such/folder"], "is no folder"),
        (["--model", "hog", "--side", "4"], "A picture of 4×4 pixels is too small for hog"),
        (["--model", "hog", "--side", "2049"], "PREIMAGE_MAXIMUM_PIXELS); name 2048 or less."),
        (["--model", "tiny", "--model", "hog", "--layer", "x"], "No layer of tiny or hog matches"),
        (["--layer", "features.0", "--layer", "x"], "matches x"),
    ],
)
def test_what_cannot_be_built_ends_with_one_sentence_and_status_2(
    album: Path,
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "set.json"
    assert main(["--pictures", str(album), *arguments, "-o", str(output)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert sentence in said[0]
    assert not output.exists()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"no picture", "cannot be decoded"), (jobs.picture(0, 40, 56), "are one picture")],
)
def test_a_picture_that_is_none_or_a_copy_is_named(
    tmp_path: Path, content: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0.png").write_bytes(jobs.picture(0, 40, 56))
    (tmp_path / "1.png").write_bytes(content)
    asked = ["--model", "hog", "-o", str(tmp_path / "set.json")]
    assert main(["--pictures", str(tmp_path), *asked]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "1.png" in said


@pytest.mark.usefixtures("environment")
def test_a_side_that_one_of_the_layers_cannot_see_is_refused_before_anything_is_measured(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = tmp_path / "formulas.toml"
    catalogue.write_text('[models.dsift]\narchitecture = "dsift"\n')
    monkeypatch.setenv("PREIMAGE_CATALOGUE", str(catalogue))
    asked = ["--side", "10", "-o", str(tmp_path / "set.json")]
    assert main(["--pictures", str(album), *asked]) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert "A picture of 10×10 pixels is too small for" in said


@pytest.mark.parametrize(
    "broken",
    [b"no picture", jobs.picture(1, 40, 56)[:-600]],
    ids=["no picture", "truncated"],
)
@pytest.mark.usefixtures("environment")
def test_a_broken_picture_is_named_with_what_to_do_and_without_words_about_memory(
    broken: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0.png").write_bytes(jobs.picture(0, 40, 56))
    (tmp_path / "1.png").write_bytes(broken)
    asked = ["--model", "hog", "-o", str(tmp_path / "set.json")]
    assert main(["--pictures", str(tmp_path), *asked]) == 2
    said = capsys.readouterr().err
    assert "1.png" in said
    assert "BytesIO" not in said
    assert "remove it from the folder" in said


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("place", "sentence"),
    [("absent/set.json", "make it, or name another file"), ("", "is a folder")],
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    album: Path, tmp_path: Path, place: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--model", "hog", "-o", str(tmp_path / place)]
    assert main(["--pictures", str(album), *asked]) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert str(tmp_path) in said
    assert sentence in said


@pytest.mark.usefixtures("environment")
def test_the_command_prints_the_digest_that_results_name(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "set.json"
    assert main(["--pictures", str(album), "--model", "hog", "-o", str(output)]) == 0
    (reference,) = files.load(output)
    layer, whole = capsys.readouterr().err.strip().splitlines()
    assert f"digest {reference.digest}, which results name" in layer
    assert reference.pictures_digest in whole
    assert "pictures_digest" in whole


@pytest.mark.usefixtures("environment")
def test_a_layer_of_one_of_several_models_is_enough(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "set.json"
    asked = ["--model", "tiny", "--model", "hog", "--layer", "features.0", "-o", str(output)]
    assert main(["--pictures", str(album), *asked]) == 0
    assert [each.model for each in files.load(output)] == ["tiny"]
    assert "hog has no layer that matches" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_pictures_that_all_have_one_code_make_no_reference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # HOG sees no contrast in flat pictures.
    for level in (10, 200):
        flat = np.full((32, 32, 3), level, dtype=np.uint8)
        (tmp_path / f"{level}.png").write_bytes(pictures.png(flat))
    asked = ["--model", "hog", "-o", str(tmp_path / "set.json")]
    assert main(["--pictures", str(tmp_path), *asked]) == 2
    assert "the codes of all pictures are equal" in capsys.readouterr().err


def test_a_set_names_the_digest_that_the_models_announce(built: Path) -> None:
    models = jobs.models()
    digests = {each["model_digest"] for each in json.loads(built.read_text())["layers"]}
    assert digests == {models.served(name).announcement.digest for name in ("tiny", "hog")}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--model", "tinny"], "has no model 'tinny' (did you mean 'tiny'?)."),
        (["--model", "absent"], "absent.safetensors is not in PREIMAGE_WEIGHTS_DIR"),
        (["--model", "tiny", "--layer", "nothing*"], " more."),
    ],
)
def test_what_is_not_there_is_told_in_one_short_line(
    album: Path, tmp_path: Path, asked: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--pictures", str(album), *asked, "-o", str(tmp_path / "set.json")]) == 2
    (said,) = capfd.readouterr().err.strip().splitlines()
    assert words in said
    assert len(said) < 400


@pytest.mark.usefixtures("environment")
def test_what_is_not_served_is_warned_of_where_no_model_is_named(
    album: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = ["--layer", "hog", "-o", str(tmp_path / "set.json")]
    assert main(["--pictures", str(album), *asked]) == 0
    assert [each for each in caplog.messages if "absent.safetensors" in each]
