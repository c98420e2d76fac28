"""`preimage audit demo` with the fake service in the place of the one that it starts."""

import io
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

import preimage
from preimage.cli.audit.demo import command, crops
from preimage.cli.audit.demo.network import CATALOGUE, DEFENCES, LAYERS, choose
from preimage.cli.session import session
from preimage.embedded import StackOptions
from preimage.models import model_from_wire
from preimage.v1 import audit_pb2
from tests.client import messages
from tests.client.cli.conftest import Run
from tests.client.fake import FakeServer
from tests.client.fake_audits import files


@pytest.fixture
def started() -> list[tuple[StackOptions, str]]:
    """How the service was to be started, and with what catalogue."""
    return []


@pytest.fixture
def demo(
    run: Run,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    started: list[tuple[StackOptions, str]],
) -> Result:
    @contextmanager
    def fake(options: StackOptions) -> Iterator[SimpleNamespace]:
        started.append((options, Path(options.environment["PREIMAGE_CATALOGUE"]).read_text()))
        yield SimpleNamespace(client=lambda: session(server.target))

    monkeypatch.setattr(command, "private_stack", fake)
    return run("audit", "demo", "--out", "shown")


def test_a_quick_audit_of_three_layers_under_four_defences_is_asked_for(
    demo: Result, server: FakeServer, started: list[tuple[StackOptions, str]]
) -> None:
    assert demo.exit_code == 0, demo.output
    spec = server.audits.headers[0].spec
    assert (list(spec.layers), len(spec.layers)) == (list(LAYERS), 3)
    assert [each.chain for each in spec.defences] == list(DEFENCES)
    assert len(spec.defences) == 4
    assert spec.profile == audit_pb2.AUDIT_PROFILE_QUICK
    assert spec.pictures == audit_pb2.REPORT_PICTURES_THUMBNAIL
    assert spec.own_these_pictures
    ((options, catalogue),) = started
    assert (options.workers, options.auditors) == (min(2, os.cpu_count() or 1), 1)
    assert catalogue == CATALOGUE


def test_the_report_is_written_and_its_place_is_the_last_line(demo: Result) -> None:
    assert {each.name for each in Path("shown").iterdir()} == set(files())
    assert demo.stdout.splitlines()[-1] == "shown/report.html"
    assert "recovered" in demo.stdout
    assert "It took 0." in demo.stderr


def test_what_was_audited_is_said_before_and_after(demo: Result) -> None:
    assert demo.stderr.count("SqueezeNet 1.0 with its ImageNet weights") == 2


def test_without_weights_it_takes_random_ones_and_says_so() -> None:
    missing = replace(
        model_from_wire(messages.model("squeezenet1_0")),
        availability=preimage.Availability.WEIGHTS_MISSING,
        unavailable_reason="Put the file into a folder.",
    )
    network = choose([missing])
    assert network.model == "squeezenet1_0_with_random_weights"
    assert network.model in tomllib.loads(CATALOGUE)["models"]
    assert "RANDOM weights" in network.sentence
    assert network.sentence.endswith("Put the file into a folder.")


def test_targets_and_what_the_attacker_has_share_no_crop() -> None:
    targets, others = crops.targets(), crops.auxiliary()
    assert (len(targets), len(others)) == (9, 240)
    assert {each.size for each in (*targets, *others)} == {(crops.SIDE, crops.SIDE)}
    pairs = product(*(map(levels, each) for each in (targets, others)))
    assert min(float(abs(one - other).mean()) for one, other in pairs) > 8


def test_the_pictures_on_the_wire_are_the_crops(demo: Result, server: FakeServer) -> None:
    sent = [Image.open(io.BytesIO(each.encoded)) for each in server.audits.pictures]
    expected = [*crops.targets(), *crops.auxiliary()]
    assert len(sent) == len(expected)
    assert all((levels(one) == levels(two)).all() for one, two in zip(sent, expected, strict=True))


def levels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, float)


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_audited(
    run: Run, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(command, "private_stack")  # whoever starts a service fails
    ended = run("audit", "demo", "--out", picture / "shown")
    assert ended.exit_code == 1
    assert ended.stderr == f"{picture / 'shown'}: Not a directory\n"
