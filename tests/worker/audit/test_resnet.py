"""The audit of a trained network, on natural pictures."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.transform
from safetensors.torch import load_file

from preimage_worker.audit.in_process import LaneInverter
from preimage_worker.audit.material import codes
from preimage_worker.audit.measures.verdict import Answer, Finding
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.profiles import STANDARD, Profile
from preimage_worker.audit.records import AuditReport, Linkage, Row, Utility
from preimage_worker.audit.releases import release
from preimage_worker.audit.run import run
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.representations.survey import survey
from tests.worker import own
from tests.worker.audit.subjects import Networked
from tests.worker.inversion.conftest import WEIGHTS_FOLDER
from tests.worker.inversion.natural import NAMES, natural

RESNET = "resnet20_cifar10.safetensors"
SIDE = 32
INVERSIONS = frozenset({"A2", "A3"})


@pytest.fixture(scope="module")
def resnet() -> Networked:
    folder = os.environ.get(WEIGHTS_FOLDER)
    path = Path(folder or ".") / RESNET
    if folder is None or not path.is_file():
        pytest.skip(f"{WEIGHTS_FOLDER} names no folder with {RESNET}.")
    model = own.resnet20()
    model.load_state_dict(load_file(path))
    return Networked("resnet20", survey(model, SIDE, SIDE), "linear")


def crops(name: str) -> Levels:
    """All of a picture, in squares side by side."""
    small = skimage.transform.rescale(natural(name), 1 / 3, anti_aliasing=True, channel_axis=2)
    rows, columns = (side // SIDE for side in small.shape[:2])
    found = small[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
    squares = found.transpose(0, 2, 1, 3, 4).reshape(-1, SIDE, SIDE, 3)
    return np.rint(255 * squares).astype(np.uint8)


def plan(
    subject: Networked, count: int, profile: Profile = STANDARD, **changes: object
) -> AuditPlan:
    squares = np.concatenate([crops(name) for name in NAMES])
    order = np.random.default_rng(0).permutation(len(squares))
    made = AuditPlan(
        subject=subject,
        layers=("layer1",),
        control_layer="relu",
        defences=parse("none"),
        targets=squares[order[:count]],
        auxiliary=squares[order[count:]],
        profile=profile,
    )
    return replace(made, **changes)


def audited(made: AuditPlan) -> AuditReport:
    return run(made, LaneInverter(made.subject.representation))


def only(report: AuditReport) -> Row:
    (row,) = report.rows
    return row


@pytest.mark.parametrize(("preset", "steps"), [("mv2016", 20), ("auto", 1)])
def test_an_attack_that_was_stopped_early_is_inconclusive(
    resnet: Networked, preset: str, steps: int
) -> None:
    short = replace(STANDARD, steps=steps, doublings=0, control_pictures=3)
    row = only(audited(plan(resnet, 4, short, preset=preset, rungs=INVERSIONS)))
    assert row.best.psnr_db.mean.estimate < 16
    assert row.verdict.finding is Finding.INCONCLUSIVE
    assert any("a plateau shows after" in reason for reason in row.verdict.reasons)


@pytest.mark.slow
def test_the_same_codes_are_recovered_by_one_that_was_not(resnet: Networked) -> None:
    long = replace(STANDARD, steps=100, doublings=2, prior_factors=(0.01,), control_pictures=3)
    report = audited(plan(resnet, 3, long, rungs=INVERSIONS))
    row = only(report)
    assert row.best.psnr_db.mean.estimate >= 30
    assert row.verdict.recovered is Answer.YES
    assert report.control is not None
    assert not report.control.complaints


def linked(row: Row) -> float:
    assert isinstance(row.linkage, Linkage)
    return row.linkage.match.rank1.estimate


def test_noise_hides_whose_pooled_code_it_is_and_not_whose_code_of_a_shallow_layer(
    resnet: Networked,
) -> None:
    strengths = parse("gaussian:rel_rms=0.1,1,10")
    made = plan(
        resnet,
        12,
        replace(STANDARD, probes=1),
        layers=("layer1", "layer3:mean"),
        defences=strengths,
        rungs=frozenset({"L1"}),
    )
    found = {(row.layer, row.defence): row for row in audited(made).rows}
    pooled, shallow = (
        [linked(found[layer, f"gaussian:rel_rms={s}"]) for s in ("0.1", "1", "10")]
        for layer in ("layer3:mean", "layer1")
    )
    assert pooled[0] == 1
    assert pooled[0] > pooled[1] > pooled[2]
    assert pooled[2] <= 0.15
    assert shallow[0] == shallow[1] == 1
    assert shallow[2] >= 0.9
    uses = [found["layer1", f"gaussian:rel_rms={s}"].utility for s in ("0.1", "1", "10")]
    rates = [each.value.estimate for each in uses if isinstance(each, Utility)]
    assert rates[0] > rates[1] > rates[2]


def test_the_utility_of_a_fitted_defence_is_that_on_other_pictures(resnet: Networked) -> None:
    made = plan(resnet, 24, defences=parse("pca:components=24"), rungs=frozenset({"L1"}))
    use = only(audited(made)).utility
    assert isinstance(use, Utility)
    of_layer = codes(made, "layer1")
    released = release(made, of_layer, made.defences[0])
    rest = resnet.rest("layer1")
    assert rest is not None
    lifted = released.fitted.lift(released.auxiliary)
    same = rest(lifted).argmax(1) == rest(of_layer.auxiliary).argmax(1)
    assert float(same.float().mean()) - use.value.estimate > 0.2
