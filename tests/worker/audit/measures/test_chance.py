"""FVE over chance: nothing for those who know nothing, nearly all for those who know."""

import numpy as np
import pytest

from preimage_worker.audit.measures import baselines, chance, recovery
from preimage_worker.audit.measures.best import Selection, choose
from preimage_worker.audit.measures.chance import Explained
from preimage_worker.audit.measures.pictures import Floats
from tests.worker.audit.measures import natural

SET = natural.pictures(500)
TARGETS, AUXILIARY = SET[:100], SET[100:]
MEAN = baselines.mean_picture(AUXILIARY)
BASELINE = recovery.mse_of_one(MEAN, TARGETS)


def explained(reconstructions: Floats) -> Explained:
    return chance.explained(chance.cross_mse(reconstructions, TARGETS), BASELINE, seed=0)


def test_every_reconstruction_is_compared_with_every_original() -> None:
    others = natural.pictures(100, seed=1)
    table = chance.cross_mse(others, TARGETS)
    np.testing.assert_allclose(np.diag(table), recovery.mse(others, TARGETS))
    assert table[3, 40] == pytest.approx(np.square(others[3] - TARGETS[40]).mean())


def test_originals_are_all_above_chance() -> None:
    found = explained(TARGETS)
    assert found.fve.mean.estimate == 1
    assert found.over_chance.lower > 0.7
    assert found.over_chance.estimate == pytest.approx(1 - found.chance_mean)


def test_the_mean_picture_explains_nothing_of_anything() -> None:
    found = explained(np.broadcast_to(MEAN, TARGETS.shape))
    assert (found.fve.mean.upper, found.chance_mean) == pytest.approx((0, 0), abs=1e-12)
    assert found.over_chance.upper == pytest.approx(0, abs=1e-12)


def test_pictures_by_lot_have_an_fve_over_zero_and_none_over_chance() -> None:
    drawn = baselines.random_picture(AUXILIARY, 100, seed=0).pictures
    found = explained((drawn + MEAN) / 2)
    assert found.fve.mean.lower > 0
    assert found.over_chance.lower < 0 < found.over_chance.upper
    assert found.fve.worst_decile.lower < found.chance_worst_decile


def ladder(seed: int) -> dict[str, Floats]:
    """Many rungs that know nothing of the targets."""
    return {
        f"lot {k}": (baselines.random_picture(AUXILIARY, 100, seed=100 * seed + k).pictures + MEAN)
        / 2
        for k in range(8)
    }


@pytest.mark.parametrize("seed", range(5))
def test_an_oracle_that_chooses_among_many_who_know_nothing_is_at_its_own_chance(seed: int) -> None:
    rungs = ladder(seed)
    tables = {name: chance.cross_mse(rung, TARGETS) for name, rung in rungs.items()}
    errors = {name: np.diag(table) for name, table in tables.items()}
    best = choose(errors, Selection.ORACLE)
    found = chance.explained(best.table(tables), BASELINE, seed=seed)
    np.testing.assert_allclose(
        recovery.fve(recovery.mse(best.take(rungs), TARGETS), BASELINE).mean(),
        found.fve.mean.estimate,
    )
    # By itself this reads as recovered.
    assert found.fve.mean.lower > 0.05
    assert found.over_chance.lower < 0.05


def test_what_one_rung_knows_is_above_chance_and_less_so_where_an_oracle_had_many_to_choose() -> (
    None
):
    rungs = ladder(0) | {"knows": 0.3 * TARGETS + 0.7 * MEAN}
    tables = {name: chance.cross_mse(rung, TARGETS) for name, rung in rungs.items()}
    best = choose({name: np.diag(table) for name, table in tables.items()}, Selection.ORACLE)
    chosen = chance.explained(best.table(tables), BASELINE, seed=0)
    alone = chance.explained(tables["knows"], BASELINE, seed=0)
    assert alone.over_chance.lower > 0.2
    assert chosen.fve.mean.estimate > alone.fve.mean.estimate
    assert chosen.over_chance.estimate < alone.over_chance.estimate


def test_what_all_originals_have_in_common_is_not_counted_as_recovered() -> None:
    common = TARGETS.mean(0)
    alike = 0.1 * TARGETS + 0.9 * common
    baseline = recovery.mse_of_one(MEAN, alike)
    table = chance.cross_mse(np.broadcast_to(common, alike.shape), alike)
    found = chance.explained(table, baseline, seed=0)
    assert found.fve.mean.estimate > 0.3
    assert found.over_chance.upper < 0.01


def test_a_single_picture_has_no_chance_to_compare_with() -> None:
    found = chance.explained(np.array([[0.01]]), np.array([0.04]), seed=0)
    assert found.chance_mean == found.chance_worst_decile == 0
    assert found.over_chance.estimate == pytest.approx(0.75)
