"""What is released, linked, useful and bounded under a defence."""

import numpy as np
import pytest
import torch

from preimage_worker.audit.material import Codes, Material, codes
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.promises import promises
from preimage_worker.audit.records import Bounds, Linkage, Utility
from preimage_worker.audit.releases import Released, release
from preimage_worker.audit.unaided import linkage
from preimage_worker.audit.utility import recall, utility
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import subjects

PLAN = subjects.plan(40, 60)


def defended(text: str, layer: str = "2", plan: AuditPlan = PLAN) -> tuple[Codes, Released]:
    of_layer = codes(plan, layer)
    return of_layer, release(plan, of_layer, parse(text)[0])


def linked(text: str, layer: str = "2", plan: AuditPlan = PLAN) -> Linkage:
    found = linkage(Material(plan), *defended(text, layer, plan))
    assert isinstance(found, Linkage)
    return found


def used(text: str, layer: str = "2") -> Utility:
    found = utility(PLAN, *defended(text, layer))
    assert isinstance(found, Utility)
    return found


@pytest.mark.parametrize("text", ["none", "pool:k=2", "quantise:bits=4", "pca:components=8"])
def test_whoever_knows_a_deterministic_defence_links_by_computing_it_again(text: str) -> None:
    found = linked(text)
    assert found.match.rank1.estimate == 1
    assert found.match.candidates == 100
    assert found.relative_noise is None


def test_noise_hides_whose_code_it_is_once_it_is_large_enough() -> None:
    rates, noises = [], []
    for strength in (0.01, 0.3, 3.0):
        found = linked(f"gaussian:rel_rms={strength}", "4")
        rates.append(found.match.rank1.estimate)
        noises.append(found.relative_noise)
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.2
    assert noises == sorted(noises)  # type: ignore[type-var]


def test_an_average_of_several_releases_is_linked_more_easily() -> None:
    text = "gaussian:rel_rms=0.3"
    averaged = linked(text, "4", subjects.plan(40, 60, releases=16))
    assert averaged.match.rank1.estimate > linked(text, "4").match.rank1.estimate


def test_without_the_key_codes_are_not_linked() -> None:
    text = "projection:dimensions=16,keyed={}"
    plan = subjects.plan(40, 60, key=99)
    assert linked(text.format("false"), plan=plan).match.rank1.estimate == 1
    assert linked(text.format("true"), plan=plan).match.rank1.estimate < 0.2


def test_what_is_released_is_fitted_to_auxiliary_pictures_alone() -> None:
    of_layer, released = defended("pca:components=4")
    mean = released.fitted.stages[0].statistics["mean"]
    torch.testing.assert_close(mean, of_layer.auxiliary.flatten(1).mean(0))


def test_the_receiver_sees_the_same_class_as_long_as_the_defence_lets_it() -> None:
    assert used("none").value.estimate == 1
    fine, coarse = used("quantise:bits=8"), used("gaussian:rel_rms=30")
    assert fine.value.estimate > coarse.value.estimate
    assert "same class" in fine.measure


def test_where_nothing_classifies_neighbours_count() -> None:
    clean, noisy = used("none", "2:mean"), used("gaussian:rel_rms=10", "2:mean")
    assert clean.value.estimate == 1
    assert clean.chance == pytest.approx(5 / 39)
    assert noisy.value.estimate < 0.5
    assert "5 nearest of the other targets" in clean.measure


def test_of_two_pictures_no_utility_is_known() -> None:
    plan = subjects.plan(2, 8)
    assert isinstance(utility(plan, *defended("none", "2:mean", plan)), Missing)


def test_recall_is_the_share_of_neighbours_that_stay() -> None:
    clean = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    swapped = np.array([[0.0], [1.0], [2.1], [2.0], [11.0], [12.0]])
    assert (recall(clean, clean, 2) == 1).all()
    assert recall(clean, swapped, 2).tolist() == [0.5, 0.5, 0.5, 0.0, 0.5, 0.5]


def test_noise_has_bounds_on_the_scale_of_the_measures_and_nothing_else_has() -> None:
    faint, loud = (promises(PLAN, *defended(f"gaussian:rel_rms={s}"))[0] for s in (0.01, 10))
    assert isinstance(faint, Bounds)
    assert isinstance(loud, Bounds)
    assert faint.informative
    assert not loud.informative
    pixels = Material(PLAN).auxiliary.astype(np.float64)
    assert loud.mean_picture_mse == pytest.approx(pixels.var(0, ddof=1).mean(), rel=1e-4)
    assert faint.unbiased_mse is not None
    assert faint.van_trees_mse <= faint.unbiased_mse < faint.mean_picture_mse
    for text, says in (("sign", "without noise"), ("sign+gaussian:rel_rms=1", "derivatives")):
        bound, _ = promises(PLAN, *defended(text))
        assert isinstance(bound, Missing)
        assert says in bound.reason


def test_clipping_before_noise_is_differential_privacy() -> None:
    assert promises(PLAN, *defended("gaussian:rel_rms=1"))[1] is None
    mu = promises(PLAN, *defended("clip:rel_norm=1+gaussian:rel_rms=1"))[1]
    assert mu is not None
    assert mu > 0
