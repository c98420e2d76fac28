"""Attempts carried out in this process."""

import math
from dataclasses import replace

import numpy as np
import pytest

from preimage_worker.audit import aims
from preimage_worker.audit.in_process import LaneInverter
from preimage_worker.audit.inverter import Attempt
from preimage_worker.audit.material import canvases, codes
from preimage_worker.audit.releases import release
from preimage_worker.inversion import evaluate
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import subjects

PLAN = subjects.plan()
INVERTER = LaneInverter(PLAN.subject.representation)


def attempts(text: str = "none", steps: int = 5, preset: str = "auto") -> list[Attempt]:
    """Both readings of every target, in turns."""
    of_layer = codes(PLAN, "2")
    released = release(PLAN, of_layer, parse(text)[0])
    return [
        Attempt(
            f"{aim.rung}/{picture}",
            *("2", subjects.SIDE, subjects.SIDE),
            *(reading.target, reading.bounds, aim.defence),
            preset,
            steps,
            0.01,
            restart=0,
            seed=picture,
        )
        for pair in zip(
            *(
                [(aim, number, reading) for number, reading in enumerate(aim.readings)]
                for aim in (aims.naive(released), aims.adaptive(released))
            ),
            strict=True,
        )
        for aim, picture, reading in pair
    ]


def test_attempts_come_back_in_their_order_whatever_shares_a_batch() -> None:
    some = attempts("pool:k=2")
    together = INVERTER.invert(some)
    alone = [
        LaneInverter(PLAN.subject.representation, most_lanes=1).invert([one])[0] for one in some
    ]
    for one, other in zip(together, alone, strict=True):
        assert (one.picture == other.picture).all()
        assert (one.start_error, one.end_error) == (other.start_error, other.end_error)


def test_the_error_is_that_of_the_delivered_picture() -> None:
    some = attempts()[::2]
    phi = PLAN.subject.representation("2")
    for attempt, found in zip(some, INVERTER.invert(some), strict=True):
        assert found.picture.dtype == np.uint8
        code = evaluate.codes(phi, canvases(found.picture[None], phi, "cpu"))[0]
        wanted = attempt.target
        assert found.end_error == pytest.approx(
            float((code - wanted).norm() / wanted.norm()), rel=1e-3
        )
        assert found.end_error < found.start_error


@pytest.mark.parametrize("preset", ["auto", "mv2015", "mv2016"])
def test_every_preset_takes_any_number_of_steps(preset: str) -> None:
    for steps in (1, 3):
        (found,) = INVERTER.invert(attempts(steps=steps, preset=preset)[:1])
        assert math.isfinite(found.end_error)


def test_attempts_of_different_budgets_and_presets_are_one_set_too() -> None:
    one, _, other, *_ = attempts()
    mixed = [one, replace(other, steps=9), replace(one, name="m", preset="mv2016")]
    assert len(INVERTER.invert(mixed)) == 3
    assert INVERTER.invert([]) == []


def test_what_diverges_says_so_and_still_is_a_picture() -> None:
    (one, *_) = attempts(steps=30, preset="mv2016")
    (found,) = INVERTER.invert([replace(one, prior_factor=1e25)])
    assert math.isnan(found.end_error)
    assert math.isfinite(found.start_error)
    assert found.picture.shape == (subjects.SIDE, subjects.SIDE, 3)
