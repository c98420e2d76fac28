"""What a user can get wrong: one sentence, the right exit code, no traceback."""

import json
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2

import preimage
from preimage.cli.values import (
    read_box,
    read_layer,
    read_plateau,
    read_range,
    read_size,
    read_strength,
)
from tests.client.cli.conftest import Run
from tests.client.fake import FakeService
from tests.client.refusals import Refusal

HOG = ("--model", "hog", "--layer", "hog")


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").stdout == f"preimage {preimage.__version__}\n"


def test_without_a_command_the_help_lists_the_commands(run: Run) -> None:
    shown = run().output
    assert "invert" in shown
    assert "doctor" in shown


def test_with_nobody_at_the_target_one_sentence_names_preimage_up(run: Run, picture: Path) -> None:
    ended = run("invert", picture, *HOG, "--target", "127.0.0.1:1")
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        "No service answers at 127.0.0.1:1: start one here with `preimage up`, "
        "or name another with --target.\n"
    )


def test_a_refusal_is_its_sentence(run: Run, picture: Path, service: FakeService) -> None:
    refusal = Refusal(grpc.StatusCode.NOT_FOUND, "There is no model hug.", "MODEL_NOT_FOUND")
    service.refusals["CreatePreimage"].append(refusal)
    ended = run("invert", picture, "--model", "hug", "--layer", "hog")
    assert ended.exit_code == 1
    assert "There is no model hug." in ended.stderr
    assert "Traceback" not in ended.output


def test_with_json_a_refusal_is_one_object_too(
    run: Run, picture: Path, service: FakeService
) -> None:
    wrong = error_details_pb2.BadRequest()
    wrong.field_violations.add(field="spec.optimiser.steps", description="is 0")
    refusal = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, "A field is wrong.", "INVALID_FIELDS", (wrong,)
    )
    service.refusals["CreatePreimage"].append(refusal)
    ended = run("invert", picture, *HOG, "--json")
    assert ended.exit_code == 1
    error = json.loads(ended.stdout)["error"]
    assert (error["code"], error["reason"]) == ("INVALID_ARGUMENT", "INVALID_FIELDS")
    assert error["fields"] == ["steps"]
    assert error["message"] == ended.stderr.strip()


def test_with_json_a_mistake_on_this_side_is_one_object_too(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    ended = run("invert", text, *HOG, "--json")
    assert ended.exit_code == 1
    error = json.loads(ended.stdout)["error"]
    assert error == {"code": None, "reason": None, "message": error["message"], "fields": []}
    assert error["message"] == ended.stderr.strip()


@pytest.mark.parametrize("weight", ["-1", "0", "nan", "inf"])
def test_the_weight_of_a_single_layer_is_checked_too(
    run: Run, picture: Path, service: FakeService, weight: str
) -> None:
    ended = run("invert", picture, "--model", "hog", "--layer", f"hog={weight}")
    assert ended.exit_code == 1
    assert "layers['hog'] must be a number, more than 0" in ended.stderr
    assert not service.requests


def test_codes_beside_a_picture_are_refused_with_the_reason(
    run: Run, picture: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "ok.npy", np.ones(3, "f4"))
    ended = run("invert", picture, *HOG, "--layer", "b", "--code", "b=ok.npy")
    assert ended.exit_code == 2
    assert "--code is for codes" in " ".join(ended.stderr.replace("│", " ").split())


def test_a_draining_server_is_not_taken_for_none(
    run: Run, picture: Path, service: FakeService
) -> None:
    refusal = Refusal(
        grpc.StatusCode.UNAVAILABLE,
        "The server is shutting down.",
        "DRAINING",
        trailers={"grpc-retry-pushback-ms": "-1"},
    )
    service.refusals["CreatePreimage"].append(refusal)
    ended = run("invert", picture, *HOG)
    assert "The server is shutting down." in ended.stderr
    assert "preimage up" not in ended.stderr


def test_a_file_that_is_no_picture_is_said_to_be_none(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    ended = run("invert", text, *HOG)
    assert ended.exit_code == 1
    assert "text.png" in ended.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("--input-size", "227"),
        ("--mask-channels", "3"),
        ("--mask-box", "1,2,3"),
        ("--plateau", "slow"),
        ("--lane", "fast"),
        ("--precision", "float64"),
        ("--out", "x.unknown"),
        ("--out", "x.gif"),
        ("--out", "nowhere/x.png"),
        ("--detach", "--embedded"),
        ("--prior-weight", "automatic"),
        ("--prior-weight", "auto:1:2:3"),
        ("--layer", "hog"),
        ("--layer", "a=much"),
        ("--repulsion", "2"),
        ("--code", "a=nowhere.npy"),
        ("--mask-centre", "0"),
        ("--loss", "absolute"),
        ("--variance", "nowhere.npy"),
    ],
)
def test_a_wrong_option_ends_with_2_before_anything_is_sent(
    run: Run, picture: Path, service: FakeService, wrong: tuple[str, ...]
) -> None:
    assert run("invert", picture, *HOG, *wrong).exit_code == 2
    assert not service.requests


def test_values_are_read_as_they_are_documented() -> None:
    assert read_size("227x128") == (227, 128)
    assert read_range("0:64") == (0, 64)
    assert read_box("1,2,3,4") == (1, 2, 3, 4)
    assert read_plateau("0.01") == preimage.Plateau(0.01, 50)
    assert read_plateau("0.01:20") == preimage.Plateau(0.01, 20)
    assert read_layer("features.5") == ("features.5", 1.0)
    assert read_layer("features.5=0.5") == ("features.5", 0.5)
    assert read_strength("0.5") == (0.5,)
    assert read_strength("auto") == ("auto",)
    assert read_strength("auto:3") == (preimage.AutomaticStrength(3.0),)
    assert read_strength("auto:3:0.1") == (preimage.AutomaticStrength(3.0, 0.1),)


def test_without_an_extra_serve_names_the_package(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for command in ("serve", "work", "up"):
        ended = run(command)
        assert ended.exit_code == 1
        assert "pip install 'preimage[all]'" in ended.stderr
