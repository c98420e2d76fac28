from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion import presets
from preimage_worker.inversion.cosine import dct2
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.settings import Start
from preimage_worker.inversion.start import draw
from tests.worker.inversion.small import SIDE, problem, small_network


def test_the_start_of_2015_has_exactly_its_root_mean_square_in_every_picture() -> None:
    noise = draw(problem(small_network("1"), "mv2015"), (3, 24, 24))
    assert float(noise.square().mean().sqrt()) == pytest.approx(68.92, abs=0.01)
    assert float(noise.mean()) == pytest.approx(0, abs=5)


def test_the_start_of_2016_is_uniform_with_its_quantile_at_the_amplitude() -> None:
    noise = draw(problem(small_network("1")), (3, 100, 100))
    below = (noise <= 80 / 3**0.5).double().mean()
    assert float(below) == pytest.approx(0.95, abs=1e-4)
    assert float(noise.max()) == pytest.approx(80 / 3**0.5 / 0.9, rel=0.01)
    assert float(noise.min()) == pytest.approx(-80 / 3**0.5 / 0.9, rel=0.01)


def test_the_start_depends_on_seed_and_restart_and_on_nothing_of_the_target() -> None:
    one = problem(small_network("1"), seed=3)
    shape = (3, 24, 24)
    assert torch.equal(draw(one, shape), draw(replace(one, target=one.target + 1), shape))
    assert not torch.equal(draw(one, shape), draw(replace(one, seed=4), shape))
    assert not torch.equal(draw(one, shape), draw(replace(one, restart=1), shape))


def test_the_start_leaves_torchs_own_generator_alone() -> None:
    before = torch.get_rng_state()
    draw(problem(small_network("1")), (3, 24, 24))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_natural_start_has_its_root_mean_square_and_more_of_the_low_frequencies() -> None:
    settings = replace(problem(small_network("1")).settings, start=Start.NATURAL)
    posed = replace(problem(small_network("1")), settings=settings)
    for channels in (1, 3):
        noise = draw(posed, (channels, 64, 64))
        assert float(noise.square().mean().sqrt()) == pytest.approx(settings.start_amplitude)
        slow = dct2(noise)[:, :16, :16].square().sum() / noise.square().sum()
        assert float(slow) > 0.5  # of white noise it is 1/16


def test_the_solver_starts_faint_where_the_mask_leaves_positions_out() -> None:
    representation = small_network("4")
    target = torch.ones(representation.code_shape(SIDE, SIDE))
    places, channels = torch.zeros_like(target), torch.zeros_like(target)
    places[:, 1, 1] = 1
    channels[0] = 1

    def strength(mask: torch.Tensor | None, preset: str = "auto") -> float:
        settings = presets.resolve(preset, representation, SIDE, SIDE)
        masked = Problem(target, SIDE, SIDE, settings, mask=mask)
        return float(draw(masked, (3, SIDE, SIDE)).square().mean().sqrt())

    assert strength(None) == strength(channels) > 50
    assert strength(places) == pytest.approx(5, rel=1e-3)
    assert strength(places, "mv2016") == strength(None, "mv2016") > 20
