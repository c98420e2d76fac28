"""What noise promises whatever the attacker does."""

import math

import pytest
import torch

from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.defences.guarantees import Guarantees, gaussian_dp, guarantees
from preimage_worker.inversion.fisher import information
from preimage_worker.inversion.representations.network import NetworkRepresentation
from tests.worker.inversion.defences.test_defended import codes, fitted
from tests.worker.inversion.small import picture

CANVASES = torch.stack([picture(seed) for seed in range(3)])
VARIANCE = torch.stack([picture(seed) for seed in range(10, 30)]).var(0)


def of(representation: NetworkRepresentation, text: str, releases: int = 1) -> Guarantees:
    defence = fitted(representation, text)
    return guarantees(representation, defence, CANVASES, VARIANCE, releases=releases)


@pytest.mark.parametrize(
    "text",
    ["none", "quantise:bits=4", "topk:fraction=0.1", "sign", "pool:k=2", "clip:rel_norm=1"],
)
def test_a_deterministic_defence_promises_nothing(
    shallow: NetworkRepresentation, text: str
) -> None:
    assert of(shallow, text) == Guarantees(None, None)


def test_noise_after_a_stage_that_steps_has_no_bound(shallow: NetworkRepresentation) -> None:
    assert of(shallow, "quantise:bits=4+gaussian:rel_rms=1").errors is None


def test_bounds_are_those_of_the_noise_behind_what_comes_before_it(
    shallow: NetworkRepresentation,
) -> None:
    errors = of(shallow, "gaussian:rel_rms=0.3").errors
    assert errors is not None
    sigma = 0.3 * float(codes(shallow, 10, 20).square().mean().sqrt())
    expected = information(shallow, CANVASES, sigma**-2) / VARIANCE.numel()
    torch.testing.assert_close(errors.dfil, expected)
    assert errors.unbiased == pytest.approx(float((1 / expected).mean()))
    assert errors.mean_picture == pytest.approx(float(VARIANCE.mean()))
    pooled = of(shallow, "pool:k=2+gaussian:rel_rms=0.3").errors
    assert pooled is not None
    assert (pooled.dfil < errors.dfil).all()


def test_what_comes_after_the_noise_changes_no_bound(shallow: NetworkRepresentation) -> None:
    plain, after = (
        of(shallow, f"gaussian:rel_rms=1{more}").errors for more in ("", "+topk:fraction=0.5+sign")
    )
    assert plain is not None
    assert after is not None
    assert torch.equal(plain.dfil, after.dfil)
    assert plain[1:] == after[1:]


def test_laplaces_noise_tells_twice_as_much_and_two_releases_too(
    shallow: NetworkRepresentation,
) -> None:
    plain, laplace, twice = (
        of(shallow, "gaussian:rel_rms=1").errors,
        of(shallow, "laplace:rel_rms=1").errors,
        of(shallow, "gaussian:rel_rms=1", releases=2).errors,
    )
    assert plain is not None
    assert laplace is not None
    assert twice is not None
    torch.testing.assert_close(laplace.dfil, 2 * plain.dfil)
    torch.testing.assert_close(twice.dfil, 2 * plain.dfil)


def test_at_ten_times_the_codes_own_size_the_unbiased_bound_says_nothing(
    shallow: NetworkRepresentation,
) -> None:
    loud, faint = (of(shallow, f"gaussian:rel_rms={rms}").errors for rms in ("10", "0.01"))
    assert loud is not None
    assert faint is not None
    assert not loud.informative
    assert loud.unbiased > loud.mean_picture >= loud.van_trees > 0.5 * loud.mean_picture
    assert faint.informative
    assert faint.van_trees <= faint.unbiased


def limit(defence: Fitted) -> float:
    return float(defence.stages[0].statistics["limit"])


def sigma(defence: Fitted) -> float:
    return float(defence.before_noise()[1].statistics["deviation"])  # type: ignore[index]


@pytest.mark.parametrize(
    "between", ["", "pool:k=2+", "topk:fraction=0.5+", "drop_channels:fraction=0.5+"]
)
def test_clipping_before_gaussian_noise_is_gaussian_differential_privacy(
    shallow: NetworkRepresentation, between: str
) -> None:
    defence = fitted(shallow, f"clip:rel_norm=0.5+{between}gaussian:rel_rms=0.3")
    expected = 2 * limit(defence) / sigma(defence)
    assert gaussian_dp(defence) == pytest.approx(expected)
    assert gaussian_dp(defence, releases=9) == pytest.approx(3 * expected)


def test_unit_codes_are_clipped_at_one(shallow: NetworkRepresentation) -> None:
    defence = fitted(shallow, "normalise+gaussian:rel_rms=0.3+quantise:bits=4")
    assert gaussian_dp(defence) == pytest.approx(2 / sigma(defence))
    # Of unit codes the root mean square is one over the root of their number of elements.
    assert sigma(defence) == pytest.approx(0.3 / math.sqrt(800))


@pytest.mark.parametrize(
    "text",
    [
        *("gaussian:rel_rms=1", "gaussian:rel_rms=1+clip:rel_norm=1"),
        *(
            "clip:rel_norm=1+laplace:rel_rms=1",
            "clip:rel_norm=1+quantise:bits=4+gaussian:rel_rms=1",
        ),
    ],
)
def test_without_a_limit_on_what_gaussian_noise_is_added_to_there_is_no_privacy_to_state(
    shallow: NetworkRepresentation, text: str
) -> None:
    assert gaussian_dp(fitted(shallow, text)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("clip:rel_norm=0.7", "normalise", "topk:fraction=0.3", "prune:fraction=0.5", "pool:k=2"),
        *("drop_positions:fraction=0.5", "pca:components=5", "projection:dimensions=40"),
    ],
)
def test_no_release_is_longer_than_its_stage_says(
    shallow: NetworkRepresentation, text: str
) -> None:
    (stage,) = fitted(shallow, text).stages
    fresh = 3 * codes(shallow, 0, 5)
    longest = stage.stage.longest(float(fresh.flatten(1).norm(dim=1).max()), stage.statistics)
    assert max(float(stage.release(code, 0).norm()) for code in fresh) <= longest * 1.0001
