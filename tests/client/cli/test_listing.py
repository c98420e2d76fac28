"""`preimage models`, `jobs`, `cancel` and `delete`."""

import json
from pathlib import Path

import pytest

from preimage.v1 import model_service_pb2
from tests.client import messages
from tests.client.cli.conftest import Run
from tests.client.fake import FakeService
from tests.client.refusals import not_found

HOG = ("--model", "hog", "--layer", "hog")


def test_models_are_listed(run: Run) -> None:
    listed = run("models").stdout
    assert "squeezenet1_0" in listed
    assert "served" in listed
    names = [model["name"] for model in json.loads(run("models", "--json").stdout)["models"]]
    assert names == ["hog", "squeezenet1_0"]


def test_why_a_model_is_not_served_stands_below_the_table(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "The weights are not on this machine. " * 10
    served = messages.model

    def missing(name: str, *, layers: bool = True) -> model_service_pb2.Model:
        model = served(name, layers=layers)
        model.availability = model_service_pb2.AVAILABILITY_WEIGHTS_MISSING
        model.unavailable_reason = reason
        return model

    monkeypatch.setattr(messages, "model", missing)
    *table, first, second = run("models").stdout.splitlines()
    assert [first, second] == [f"hog: {reason}", f"squeezenet1_0: {reason}"]
    assert max(map(len, table)) < 100


def test_one_model_is_shown_with_layers_and_preprocessing(run: Run) -> None:
    shown = run("models", "squeezenet1_0").stdout
    assert "features.1" in shown
    assert "2 × 3 × 4" in shown
    assert "RGB, 6 × 4 (bilinear), divided by 255, minus (0.5, 0.25, 0.125)" in shown
    (layer,) = json.loads(run("models", "squeezenet1_0", "--json").stdout)["layers"]
    assert layer == {
        "name": "features.1",
        "kind": "ReLU",
        "code_shape": [2, 3, 4],
        "axes": ["channels", "height", "width"],
        "stride": 2,
        "has_reference": False,
    }
    assert "mv2016: IJCV 2016. (350 steps to invert, 300 steps to maximise)" in shown


@pytest.mark.parametrize(
    ("channels", "said"), [(1, "grey"), (3, "RGB"), (5, "5 channels"), (2, "2 channels")]
)
def test_the_channels_of_a_model_are_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, channels: int, said: str
) -> None:
    model = messages.model("hog")
    model.preprocessing.channels = channels
    monkeypatch.setattr(messages, "model", lambda _: model)
    assert f"input: {said}, 6 × 4 (bilinear)" in run("models", "hog").stdout


def test_jobs_are_listed_newest_first_as_many_as_asked_for(run: Run, picture: Path) -> None:
    for _ in range(3):
        run("invert", picture, *HOG, "--detach")
    listed = json.loads(run("jobs", "--limit", 2, "--json").stdout)["jobs"]
    assert [job["id"] for job in listed] == ["job-3", "job-2"]
    assert "QUEUED" in run("jobs").stdout


def test_jobs_are_listed_with_their_tasks_and_layers(run: Run, picture: Path) -> None:
    run("maximise", *HOG, "--channel", 7, "--detach")
    run("invert", picture, "--model", "hog", "--layer", "a", "--layer", "b=0.5", "--detach")
    listed = json.loads(run("jobs", "--json").stdout)["jobs"]
    assert [(job["task"], job["layers"]) for job in listed] == [
        ("invert", ["a", "b"]),
        ("maximise", ["hog"]),
    ]
    printed = run("jobs").stdout
    assert "hog a+b" in printed
    assert "maximise" in printed


def test_jobs_are_chosen_by_state_and_model(run: Run, picture: Path, service: FakeService) -> None:
    run("invert", picture, *HOG)
    run("invert", picture, *HOG, "--detach")
    listed = json.loads(run("jobs", "--state", "succeeded", "--json").stdout)["jobs"]
    assert [job["id"] for job in listed] == ["job-1"]
    assert json.loads(run("jobs", "--model", "other", "--json").stdout)["jobs"] == []
    assert service.requests["ListPreimages"][-1].filter.model == "other"


def test_cancel_passes_the_reason_on_and_says_what_became_of_the_job(
    run: Run, picture: Path, service: FakeService
) -> None:
    job_id = run("invert", picture, *HOG, "--detach").stdout.strip()
    ended = run("cancel", job_id, "--reason", "changed my mind")
    assert ended.stdout == "job-1 is CANCELLED.\n"
    assert service.requests["CancelPreimage"][0].reason == "changed my mind"
    assert json.loads(run("cancel", job_id, "--json").stdout)["state"] == "CANCELLED"


def test_cancelling_and_deleting_ask_for_nothing_else(
    run: Run, picture: Path, service: FakeService
) -> None:
    """Reading a job needs another scope than changing it."""
    job_id = run("invert", picture, *HOG, "--detach").stdout.strip()
    service.requests.clear()
    assert run("cancel", job_id).exit_code == 0
    assert run("delete", job_id).stdout == "job-1 is deleted.\n"
    assert set(service.requests) == {"CancelPreimage", "DeletePreimage"}
    assert [each.id for each in service.requests["DeletePreimage"]] == ["job-1"]
    assert json.loads(run("delete", job_id, "--json").stdout) == {"id": "job-1", "deleted": True}


def test_what_cannot_be_deleted_is_told(run: Run, service: FakeService) -> None:
    service.refusals["DeletePreimage"].append(not_found())
    ended = run("delete", "job-1")
    assert ended.exit_code == 1
    assert "There is no such pre-image" in ended.stderr


def test_the_words_of_others_do_not_steer_the_terminal(
    run: Run, picture: Path, service: FakeService
) -> None:
    job_id = run("invert", picture, *HOG, "--detach").stdout.strip()
    run("cancel", job_id, "--reason", "\x1b[2Jall\rgone\x9b31m\nfor good")
    told = run("watch", job_id).stderr
    assert "was cancelled: \\x1b[2Jall\\x0dgone\\x9b31m\nfor good." in told
    service.jobs[job_id].spec.representation.layer = "\x1b]0;title\x07"
    assert "hog \\x1b]0;title\\x07" in run("jobs").stdout
