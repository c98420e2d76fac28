"""Sweeps of priors and restarts on a budget that is doubled."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from preimage_worker.audit import aims
from preimage_worker.audit.inverted import nearing, quarry
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.audit.material import Material, codes
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.releases import release
from preimage_worker.audit.search import Search, search
from preimage_worker.audit.sweep import Quarry, sweep
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Planted

LONG = replace(subjects.TINY, steps=100, doublings=6, restarts=2)


def seen(plan: AuditPlan, text: str = "none", *, adaptive: bool = False) -> Quarry:
    (chain,) = parse(text)
    of_layer = codes(plan, plan.layers[0])
    released = release(plan, of_layer, chain)
    known = (aims.adaptive(released),) if adaptive else ()
    return quarry(Material(plan), of_layer, released, (aims.naive(released), *known))


def searched(plan: AuditPlan, strength: Callable[[Attempt], float]) -> tuple[Search, Planted]:
    inverter = Planted(planted.noisy(plan, strength))
    return search(plan, seen(plan), inverter), inverter


def budgets(inverter: Planted) -> list[int]:
    return [some[0].steps for some in inverter.sets]


def test_all_pictures_priors_restarts_and_attackers_of_a_budget_are_one_set() -> None:
    plan = subjects.plan(profile=LONG)
    inverter = Planted(planted.original(plan))
    sweep(plan, seen(plan, "pool:k=2", adaptive=True), inverter, 100)
    (attempts,) = inverter.sets
    assert len(attempts) == len(set(inverter.names)) == 6 * 2 * 2 * 2
    assert "2/pool:k=2/A4/5/0.01/100/1" in inverter.names
    defended = [each for each in attempts if each.defence is not None]
    assert len(defended) == 24
    assert len({id(each.defence) for each in defended}) == 1


def test_the_budget_is_doubled_until_that_has_stopped_to_help_twice() -> None:
    plan = subjects.plan(profile=LONG)
    found, inverter = searched(plan, lambda each: max(20, 8000 / each.steps))
    assert budgets(inverter) == [100, 200, 400, 800, 1600]
    assert found.plateau.reached
    assert found.first.steps == 100
    assert found.best.steps >= 400


def test_a_budget_that_still_helps_ends_with_the_profile() -> None:
    plan = subjects.plan(profile=LONG)
    found, inverter = searched(plan, lambda each: 40000 / each.steps)
    assert budgets(inverter) == list(LONG.budgets)
    assert not found.plateau.reached


def test_where_nothing_is_left_to_recover_no_budget_is_doubled() -> None:
    plan = subjects.plan(profile=LONG)
    assert budgets(searched(plan, lambda _: 0)[1]) == [100]


def test_a_budget_that_made_it_worse_is_not_the_one_that_counts() -> None:
    plan = subjects.plan(profile=LONG)
    found, _ = searched(plan, lambda each: 20 if each.steps == 200 else 40)
    assert found.best.steps == 200


def test_one_strength_of_the_priors_is_chosen_for_all_pictures() -> None:
    plan = subjects.plan(profile=LONG)
    found, _ = searched(plan, lambda each: 20 if each.prior_factor == 1 else 40)
    assert found.best.best("A3").prior_factor == 1


def test_of_restarts_the_one_counts_whose_code_is_nearest_whatever_it_shows() -> None:
    plan = subjects.plan(profile=LONG)

    class Restarted(Planted):
        def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
            errors = {0: np.nan, 1: 0.3}
            return [
                replace(one, end_error=errors[each.restart])
                for each, one in zip(attempts, super().invert(attempts), strict=True)
            ]

    strength = planted.noisy(plan, lambda each: 0 if each.restart == 0 else 30)
    found = sweep(plan, seen(plan), Restarted(strength), 100)
    assert all((each.end_error == 0.3).all() and (each.mse > 0).all() for each in found.variants)
    assert all((each.mse == 0).all() for each in found.single)


def test_a_code_of_zeros_is_not_attacked_and_its_picture_is_the_mean_one() -> None:
    plan = subjects.plan(profile=LONG)
    whole = seen(plan)
    (aim,) = whole.aims
    zeros = aim.readings[0]._replace(target=torch.zeros_like(aim.readings[0].target))
    some = replace(whole, aims=(replace(aim, readings=(zeros, *aim.readings[1:])),))
    inverter = Planted(planted.original(plan))
    found = sweep(plan, some, inverter, 100)
    assert {planted.picture_of(each) for each in inverter.sets[0]} == {1, 2, 3, 4, 5}
    assert (found.variants[0].pictures[0] == whole.mean_picture).all()
    assert np.isnan(found.variants[0].end_error[0])
    assert (found.variants[0].mse[1:] == 0).all()


@pytest.mark.parametrize("releases", [1, 3])
def test_where_the_defence_is_noise_alone_one_release_leaves_nothing_to_know(
    releases: int,
) -> None:
    plan = subjects.plan(releases=releases)
    (noisy, pooled) = (*parse("gaussian:rel_rms=1"), *parse("pool:k=2"))
    assert bool(aims.nothing_to_know(plan, noisy)) == (releases == 1)
    assert aims.nothing_to_know(plan, Chain())
    assert not aims.nothing_to_know(plan, pooled)
    assert aims.wanted(plan, noisy) == (("A3",) if releases == 1 else ("A3", "A4"))


def test_several_releases_averaged_are_nearer_to_the_truth() -> None:
    plan = subjects.plan(releases=9)
    of_layer = codes(plan, "2")
    released = release(plan, of_layer, parse("gaussian:rel_rms=1")[0])
    naive, adaptive = (
        aims.truth_errors(aim(released), of_layer) for aim in (aims.naive, aims.adaptive)
    )
    assert np.median(adaptive) < 0.5 * np.median(naive)


def test_the_originals_lie_within_what_a_coarse_defence_leaves_open() -> None:
    plan = subjects.plan()
    of_layer = codes(plan, "2")
    released = release(plan, of_layer, parse("quantise:bits=3")[0])
    assert aims.truth_errors(aims.adaptive(released), of_layer) == pytest.approx(0, abs=1e-6)
    assert (aims.truth_errors(aims.naive(released), of_layer) > 0.01).all()


def test_where_elements_were_kept_an_attacker_also_weighs_them() -> None:
    plan = subjects.plan()
    of_layer = codes(plan, "2")
    kept, coarse, both = (
        aims.aims(plan, release(plan, of_layer, parse(text)[0]))
        for text in ("topk:fraction=0.3", "quantise:bits=3", "quantise:bits=3+topk:fraction=0.3")
    )
    assert [each.rung for each in kept] == ["A3", "A4 weighing", "A4"]
    weights = kept[1].readings[0].mask
    assert weights is not None
    assert 0 < float(weights.min()) < float(weights.max()) == 1
    assert [each.rung for each in coarse] == ["A3", "A4"]
    assert [each.rung for each in both] == ["A3", "A4"], "none of those is known exactly"
    assert np.isfinite(aims.truth_errors(kept[1], of_layer)).all()


def test_pictures_that_are_flat_are_at_no_plateau_while_their_codes_come_nearer() -> None:
    plan = subjects.plan(profile=LONG)

    class Nearing(Planted):
        def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
            self.end_error = max(0.1, 40 / attempts[0].steps)
            return super().invert(attempts)

    inverter = Nearing(planted.noisy(plan, lambda _: 40))
    found = search(plan, seen(plan), inverter)
    assert budgets(inverter) == [100, 200, 400, 800]
    assert found.plateau.reached
    assert found.nearing == frozenset()
    assert found.errors == ({"A3": 0.4}, {"A3": 0.2}, {"A3": 0.1}, {"A3": 0.1})


def test_an_attacker_on_the_way_is_heard_though_another_has_settled() -> None:
    plan = subjects.plan(profile=LONG)
    still = {"A3": 0.5, "A4": 0.05}
    found = search(plan, seen(plan), Planted(planted.noisy(plan, lambda _: 40)))
    found = replace(found, errors=({**still, "A3": 0.53}, still))
    assert found.nearing == {"A3"}
    assert nearing(found, "A4") == ()
    (said,) = nearing(found, "A3")
    assert "of A3 went from 0.53 to 0.5" in said
