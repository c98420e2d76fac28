"""`preimage maximise` and `caricature`, and inversions of several layers or with variances."""

import json
from pathlib import Path

import numpy as np
import pytest

from preimage.v1 import spec_pb2
from tests.client import messages
from tests.client.cli.conftest import Run
from tests.client.fake import FakeService

FC = ("--model", "hog", "--layer", "fc.1")


def _spec(service: FakeService) -> spec_pb2.PreimageSpec:
    spec: spec_pb2.PreimageSpec = service.requests["CreatePreimage"][-1].spec
    return spec


def test_a_channel_is_maximised(run: Run, service: FakeService) -> None:
    service.end = messages.activate
    options = ("--row", 0, "--column", 4, "--activation-scale", 2.5, "--prior-weight", 0.5)
    ended = run("maximise", *FC, "--channel", 7, *options)
    spec = _spec(service)
    assert spec.objective.kind == spec_pb2.OBJECTIVE_KIND_MAXIMISE
    assert spec.target.unit == spec_pb2.Unit(channel=7, row=0, column=4)
    assert (spec.objective.activation_scale, spec.priors.factor) == (2.5, 0.5)
    assert "activation 6.25 (6.5 before rounding to 8 bits, 1 at the start)" in ended.stdout
    assert "relative error" not in ended.stdout
    assert ended.stdout.splitlines()[-1] == "channel-7.hog.fc.1.maximised.png"
    assert Path("channel-7.hog.fc.1.maximised.png").read_bytes() == messages.png()


def test_a_direction_is_maximised(run: Run, code: Path, service: FakeService) -> None:
    service.end = messages.activate
    ended = run("maximise", *FC, "--direction", code, "--mask-channels", "0:2", "--json")
    answer = json.loads(ended.stdout)
    assert (answer["task"], answer["errors"]) == ("maximise", None)
    assert answer["activation"] == {
        "start": 1.0,
        "optimised": 6.5,
        "delivered": 6.25,
        "scale": 12.0,
    }
    assert answer["out"] == "code.hog.fc.1.maximised.png"
    assert list(_spec(service).target.features.shape) == [2, 3, 4]
    assert _spec(service).representation.mask.channels[0].end == 2


@pytest.mark.parametrize(
    "wrong", [(), ("--channel", 1, "--direction", "cat.png"), ("--direction", "nowhere.npy")]
)
def test_what_is_maximised_must_be_said_once(
    run: Run, picture: Path, service: FakeService, wrong: tuple[object, ...]
) -> None:
    assert picture.name == "cat.png"
    assert run("maximise", *FC, *wrong).exit_code == 2
    assert not service.requests


def test_a_picture_is_caricatured(run: Run, picture: Path, service: FakeService) -> None:
    service.end = messages.activate
    ended = run("caricature", picture, *FC, "--restarts", 2, "--mask-centre", 3)
    spec = _spec(service)
    assert spec.objective.kind == spec_pb2.OBJECTIVE_KIND_CARICATURE
    assert (spec.restarts, spec.representation.mask.centre) == (2, 3)
    assert ended.stdout.splitlines()[-1] == (
        "cat.hog.fc.1.caricature.png: restart 1, activation 6.25, the best"
    )


def test_it_can_be_detached_and_watched(run: Run, service: FakeService) -> None:
    service.end = messages.activate
    job_id = run("maximise", *FC, "--channel", 7, "--detach").stdout.strip()
    assert json.loads(run("watch", job_id, "--json").stdout)["activation"]["scale"] == 12.0


def test_several_layers_are_matched_by_weight(
    run: Run, picture: Path, service: FakeService
) -> None:
    two = ("--layer", "a/b", "--layer", "c=0.5")
    ended = run("invert", picture, "--model", "hog", *two, "--mask-channels", "0:1")
    spec = _spec(service).representation
    assert (spec.layer, spec.layer_weight, len(spec.mask.channels)) == ("a/b", 1.0, 1)
    assert [(each.layer, each.weight) for each in spec.further_layers] == [("c", 0.5)]
    assert ended.stdout.splitlines()[-1] == "cat.hog.a-b+c.preimage.png"


def test_codes_of_several_layers_are_named(run: Run, code: Path, service: FakeService) -> None:
    np.save("other.npy", np.ones(3, np.float32))
    two = ("--model", "hog", "--layer", "a", "--layer", "b")
    assert run("invert", code, *two, "--code", "b=other.npy").exit_code == 0
    spec = _spec(service)
    assert list(spec.target.features.shape) == [2, 3, 4]
    assert list(spec.representation.further_layers[0].features.shape) == [3]
    assert run("invert", code, *two, "--code", "c=other.npy").exit_code == 2


def test_a_variance_goes_along(run: Run, code: Path, service: FakeService) -> None:
    np.save("variance.npy", np.full((2, 3, 4), 0.5, np.float32))
    options = ("--loss", "mahalanobis", "--variance", "variance.npy")
    assert run("invert", code, *FC, *options).exit_code == 0
    assert list(_spec(service).objective.variance.shape) == [2, 3, 4]
    without = run("invert", code, *FC, "--variance", code, "--loss", "squared")
    assert without.exit_code == 0  # whether they go together, the service decides


def test_every_number_is_printed_in_words(run: Run, picture: Path, service: FakeService) -> None:
    service.end = messages.measure_everything
    printed = run("invert", picture, *FC, "--restarts", 3).stdout
    for words in (
        "of features.5 4.00%",
        "22.00% as the 2015 paper prints it, 12.00% as its code computes it",
        "12.5% of pairs of 24 are closer",
        "classes 281 for the picture, 285 for the pre-image",
        "priors multiplied by 2, the best of 2 for an error of 5.00%",
        "restarts differ by 10.5 grey levels, their codes by 75.00%",
    ):
        assert words in printed


def test_json_has_every_number(run: Run, picture: Path, service: FakeService) -> None:
    service.end = messages.measure_everything
    answer = json.loads(run("invert", picture, *FC, "--restarts", 2, "--json").stdout)
    assert answer["errors"]["reference_delivered"]["paper_2015"] == 0.22
    assert answer["errors"]["layers"][0]["layer"] == "features.1"
    assert answer["classes"] == {"original": 281, "optimised": 281, "delivered": 285}
    assert (answer["strength"]["chosen"], answer["strength"]["factor"]) == (1, 2.0)
    assert answer["diversity"]["picture_distances"] == [[0.0, 10.0], [10.0, 0.0]]
    assert answer["reconstructions"][0]["strength"]["factors"] == [8.0, 2.0]
