"""Planted controls: attackers whose knowledge is known, from pictures to the verdict."""

import numpy as np
import pytest

from preimage_worker.audit.measures import (
    baselines,
    chance,
    decoder,
    distances,
    matching,
    overlap,
    plateau,
    recovery,
)
from preimage_worker.audit.measures.distances import Rows
from preimage_worker.audit.measures.evidence import Conduct, Evidence, Link, Rung
from preimage_worker.audit.measures.health import Health
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.verdict import Answer, Finding, Verdict, verdict
from tests.worker.audit.measures import natural

SET = natural.pictures(500)
TARGETS, AUXILIARY = SET[:100], SET[100:]
OWN = np.arange(100)
MEAN = baselines.mean_picture(AUXILIARY)
PLATEAU = plateau.plateau((1, 2, 4), np.ones((3, 100)), seed=0)
SOUND = Conduct(("B0", "B1", "L1", "A1"), "standard", True, PLATEAU, Health(), Health())  # noqa: FBT003


def link(name: str, released: Rows, candidates: Rows) -> Link:
    table = distances.squared(released, candidates)
    return Link(name, matching.match(table, OWN, seed=0))


def row(reconstructions: Floats, *codes: Link) -> Verdict:
    """Re-identification among targets and 400 others, and linkage where there are codes."""
    table = chance.cross_mse(reconstructions, TARGETS)
    explained = chance.explained(table, recovery.mse_of_one(MEAN, TARGETS), seed=0)
    links = (link("Re-identification in pixels", reconstructions, SET), *codes)
    return verdict(Evidence((Rung("A1", explained),), links), SOUND)


def code(pictures: Floats, length: int) -> Floats:
    """A random linear code."""
    weights = natural.generator(3).normal(size=(16 * 16 * 3, length))
    return np.asarray(pictures.reshape(len(pictures), -1) @ weights)


def test_the_sets_of_the_controls_do_not_overlap() -> None:
    assert overlap.find(TARGETS, AUXILIARY).none


def test_originals_as_reconstructions_are_recovered_and_identified() -> None:
    found = recovery.measure(TARGETS, TARGETS, MEAN)
    assert (found.fve == 1).all()
    assert link("", TARGETS, SET).match.rank1.estimate == 1
    assert row(TARGETS).finding is Finding.RECOVERED_AND_LINKABLE


def test_the_mean_picture_as_reconstruction_recovers_and_identifies_nothing() -> None:
    mean = np.broadcast_to(MEAN, TARGETS.shape)
    assert (recovery.measure(mean, TARGETS, MEAN).fve == 0).all()
    assert row(mean).finding is Finding.NOT_RECOVERED


@pytest.mark.parametrize("seed", range(4))
def test_pictures_of_something_else_recover_and_identify_nothing(seed: int) -> None:
    drawn = baselines.random_picture(AUXILIARY, 100, seed=seed).pictures
    assert row(drawn).finding is Finding.NOT_RECOVERED
    assert row((drawn + MEAN) / 2).finding is Finding.NOT_RECOVERED


def test_swapped_originals_recover_nothing() -> None:
    assert row(np.roll(TARGETS, 1, 0)).finding is Finding.NOT_RECOVERED


def test_a_tenth_of_the_originals_is_found_though_the_mean_hides_it() -> None:
    some = np.broadcast_to(MEAN, TARGETS.shape).copy()
    some[::5] = TARGETS[::5]
    assert row(some).recovered is Answer.YES


def test_codes_under_a_deterministic_defence_are_linked_where_nothing_is_recovered() -> None:
    signs = np.sign(code(SET - SET.mean((1, 2, 3), keepdims=True), 256))
    mean = np.broadcast_to(MEAN, TARGETS.shape)
    found = row(mean, link("Linkage by squared distance", signs[:100], signs))
    assert found.label == "linkable, not recovered by the attacks listed"


def test_noise_of_ten_times_the_rms_leaves_nothing_to_decode_and_everything_to_link() -> None:
    clean = np.cos(100 * code(SET, 4096))
    noise = natural.generator(5).normal(size=clean.shape) * 10 * np.sqrt(np.square(clean).mean())
    released = clean + noise
    decoded = decoder.fit(released[100:], AUXILIARY).decode(released[:100])
    found = row(decoded, link("Linkage by squared distance", released[:100], clean))
    assert found.label == "linkable, not recovered by the attacks listed"


def test_enough_of_a_linear_code_is_recovered_by_the_decoder_and_a_few_numbers_are_not() -> None:
    many, few = code(SET, 300), natural.generator(6).normal(size=(500, 8))
    assert row(decoder.fit(many[100:], AUXILIARY).decode(many[:100])).recovered is Answer.YES
    assert row(decoder.fit(few[100:], AUXILIARY).decode(few[:100])).recovered is Answer.NO


def test_the_nearest_auxiliary_picture_knows_as_much_as_the_code_tells_of_it() -> None:
    codes, nothing = code(SET, 300), natural.generator(6).normal(size=(500, 8))
    close = baselines.nearest(codes[:100], codes[100:], AUXILIARY).pictures
    blind = baselines.nearest(nothing[:100], nothing[100:], AUXILIARY).pictures
    assert row(np.asarray(close)).recovered is Answer.YES
    assert row(np.asarray(blind)).finding is Finding.NOT_RECOVERED
