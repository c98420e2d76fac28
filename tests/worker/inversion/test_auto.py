"""The preset "auto" in batches: bits, checkpoints, stops, and what it can be asked for."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.optimisers.quasi_newton import State
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem, StopRule
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.hog import hog
from preimage_worker.inversion.representations.network import (
    NetworkRepresentation,
    Preprocessing,
    networks,
)
from preimage_worker.inversion.settings import Family, Loss
from tests.worker.inversion import test_transformers
from tests.worker.inversion.small import SIDE, batch_of, picture, problem, run_to_end, small_network

THREADS = 2


class _Cliff:
    """The plain canvas as a code, which is not a number where the canvas goes too far."""

    model, layer, channels, mean = "cliff", "cliff", 3, (127.0, 127.0, 127.0)

    def stride(self, _height: int, _width: int) -> float:
        return 1.0

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        return (3, height, width)

    def __call__(self, canvas: Tensor) -> Tensor:
        lengths = canvas.flatten(1).norm(dim=1)
        far = torch.where(lengths > 1.02 * LIMIT, torch.nan, 0.0)
        return canvas + far[:, None, None, None]


LIMIT = float(picture().norm())


def _deep_network(*nodes: str) -> NetworkRepresentation:
    """Four rectifiers and a pool on the way, so that gradients are relaxed at first."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        layers: list[nn.Module] = [nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(inplace=True)]
        layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        for _ in range(3):
            layers += [nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True)]
    grey = Preprocessing((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    return networks(nn.Sequential(*layers).eval(), nodes or ["8"], name="small", preprocessing=grey)


def _auto(representation: Representation, steps: int = 60, **fields: object) -> Problem:
    return problem(representation, "auto", Overrides(steps=steps), **fields)  # type: ignore[arg-type]


def _others(representation: Representation) -> list[Problem]:
    mask = torch.ones(representation.code_shape(SIDE, SIDE))
    mask[3:] = 0
    return [
        problem(
            representation,
            "auto",
            Overrides(data_weight=20.0 * (i + 1), beta=1 + i % 3 / 2, steps=70 + 5 * i),
            of=i,
            seed=i,
            mask=mask if i % 4 == 1 else None,
        )
        for i in range(15)
    ]


def _crowded(mine: Problem, others: list[Problem], representation: Representation) -> LaneBatch:
    """`mine` after all its steps, beside lanes that join at three moments, and one that leaves."""
    batch, _ = batch_of(representation, *others[:5]).run(7)
    batch, _ = batch.join([mine, *others[5:10]]).run(4)
    batch, _ = batch.leave([0]).join(others[10:]).run(9)
    while batch.lanes[batch.problems.index(mine)].outcome is None:
        batch, report = batch.run(10)
        at = batch.problems.index(mine)
        ended = [i for i, lane in enumerate(report.lanes) if lane.outcome and i != at]
        batch = batch.leave(ended)
    return batch.select([batch.problems.index(mine)])


@pytest.mark.parametrize("make", [lambda: small_network("1"), _deep_network], ids=["one", "deep"])
@pytest.mark.parametrize("steps", [20, 60])
def test_a_lane_beside_15_others_has_the_bits_that_it_has_alone(
    make: Callable[[], NetworkRepresentation], steps: int
) -> None:
    representation = make()
    mine = _auto(representation, steps, of=42, seed=99)
    alone, _ = run_to_end(batch_of(representation, mine))
    crowded = _crowded(mine, _others(representation), representation)
    assert np.array_equal(crowded.curve(0), alone.curve(0))
    assert torch.equal(crowded.pictures([0]), alone.pictures([0]))
    assert crowded.measure([0]) == alone.measure([0])


def test_with_several_threads_and_large_pictures_the_bits_are_the_same_too() -> None:
    class Plain(_Cliff):
        def __call__(self, canvas: Tensor) -> Tensor:
            return 1.0 * canvas

    side, before, plain = 128, torch.get_num_threads(), Plain()
    settings = resolve("auto", plain, side, side, Overrides(steps=14, beta=1.5))
    problems = [Problem(picture(of, side), side, side, settings, seed=of) for of in range(3)]
    empty = LaneBatch.empty(plain, Family.QUASI_NEWTON, side, side)
    try:
        torch.set_num_threads(THREADS)
        together, _ = run_to_end(empty.join(problems))
        alone, _ = run_to_end(empty.join(problems[1:2]))
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(together.curve(1), alone.curve(0))
    assert torch.equal(together.pictures([1]), alone.pictures([0]))


@pytest.mark.parametrize("stopped_at", [3, 17, 31, 45])
def test_a_restored_lane_ends_with_the_same_bits(stopped_at: int) -> None:
    representation = _deep_network()
    posed = _auto(representation, 50, seed=8)
    batch, _ = batch_of(representation, posed).run(stopped_at)
    snapshot = {name: tensor.clone() for name, tensor in batch.snapshot(0).items()}
    beside = batch_of(representation, _auto(representation, 50, seed=1))
    restored = beside.restore(posed, snapshot).leave([0])
    (went_on, first), (resumed, second) = run_to_end(batch), run_to_end(restored)
    assert torch.equal(went_on.pictures([0]), resumed.pictures([0]))
    assert np.array_equal(went_on.curve(0), resumed.curve(0))
    assert first.lanes == second.lanes


def test_the_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    representation = _deep_network()
    posed = _auto(representation, 20, seed=1)
    others = [posed, posed, replace(posed, seed=2), replace(posed, restart=1)]
    batch, _ = run_to_end(batch_of(representation, *others))
    first, second, seed, restart = batch.pictures(range(4))
    assert torch.equal(first, second)
    assert (first - seed).abs().max() > 1
    assert (first - restart).abs().max() > 1


def test_the_delivered_picture_is_the_best_one_measured_and_its_report_says_so() -> None:
    representation = _deep_network()
    posed = _auto(representation, 37)
    batch = batch_of(representation, posed)
    seen = []
    while batch.outcome(0) is None:
        assert batch.state is not None
        seen.append(batch.state.canvas[0])
        batch, report = batch.run(1)
    curve = batch.curve(0)
    best = int(curve[:, 0].argmin())
    assert (np.diff(curve[:, 0]) > 0).any()  # some trials were refused
    (lane,) = report.lanes
    assert lane.objective == curve[best, 0]
    assert lane.relative_error == curve[best, 4]
    assert torch.equal(batch.pictures([0])[0], seen[best])
    (measured,) = batch.measure([0])
    assert measured.relative_error == pytest.approx(curve[best, 4], rel=1e-4)


def test_a_target_error_ends_it_with_the_picture_that_reached_it() -> None:
    representation = small_network("1")
    posed = _auto(representation, 200, stop=StopRule(target_error=0.1))
    batch, report = run_to_end(batch_of(representation, posed))
    (lane,) = report.lanes
    assert lane.outcome is Outcome.TARGET_REACHED
    assert lane.step % 10 == 0
    assert lane.relative_error <= 0.1
    assert (batch.curve(0)[: lane.step - 10, 4] > 0.1).any()
    (measured,) = batch.measure([0])
    assert measured.relative_error == pytest.approx(lane.relative_error, rel=1e-4)


def test_a_plateau_ends_it_with_the_best_picture() -> None:
    representation = small_network("1")
    stop = StopRule(plateau=0.02, plateau_window_steps=10)
    batch, report = run_to_end(batch_of(representation, _auto(representation, 400, stop=stop)))
    (lane,) = report.lanes
    assert lane.outcome is Outcome.CONVERGED
    assert 20 <= lane.step < 400
    assert lane.objective == batch.curve(0)[:, 0].min()


def test_a_step_without_a_finite_objective_is_taken_back_and_the_lane_lives() -> None:
    cliff, overrides = _Cliff(), Overrides(steps=60, alpha_norm_weight=1.0)
    posed = Problem(picture(), SIDE, SIDE, resolve("auto", cliff, SIDE, SIDE, overrides))
    batch, report = run_to_end(batch_of(cliff, posed))
    objective = batch.curve(0)[:, 0]
    assert not np.isfinite(objective).all()
    assert report.lanes[0].outcome is Outcome.STEP_LIMIT
    assert report.lanes[0].objective == np.nanmin(objective) < 0.1 * objective[0]
    assert batch.pictures([0]).isfinite().all()


@pytest.mark.parametrize("weight", [0.5, 50.0, 5000.0])
def test_a_lane_learns_what_its_code_says_beside_its_own_priors(weight: float) -> None:
    """Of the plain canvas both curvatures are known: 2 C / ‖Φ₀‖², and 2 weight / (H W V²) for μ."""
    cliff, overrides = _Cliff(), Overrides(steps=60, total_variation_weight=weight)
    settings = resolve("auto", cliff, SIDE, SIDE, overrides)
    code = settings.data_weight / LIMIT**2
    priors = weight / (SIDE**2 * settings.total_variation.scale**2)
    batch, _ = batch_of(cliff, Problem(picture(), SIDE, SIDE, settings)).run(10)
    assert batch.state is not None
    state = State(*batch.state.buffers)
    assert float(state.of_code / state.of_priors) == pytest.approx(code / priors, rel=0.05)
    assert bool(state.outweighed) is (code < 2 * priors)


def test_a_lane_whose_start_is_not_finite_has_diverged() -> None:
    cliff = _Cliff()
    settings = replace(
        resolve("auto", cliff, SIDE, SIDE, Overrides(steps=60)), start_amplitude=1e4, bound=1e9
    )
    batch, report = batch_of(cliff, Problem(picture(), SIDE, SIDE, settings)).run(10)
    assert report.lanes[0].outcome is Outcome.DIVERGED
    assert batch.pictures([0]).isfinite().all()


def _vit(layer: str) -> Callable[[], NetworkRepresentation]:
    return lambda: test_transformers.of("vit", layer)


def _program() -> NetworkRepresentation:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU())
    lanes = ({0: torch.export.Dim("lanes", min=1, max=4)},)
    program = torch.export.export(layers.eval(), (torch.zeros(2, 3, 32, 32),), dynamic_shapes=lanes)
    white = Preprocessing((0.5,) * 3, (0.25,) * 3)
    return networks(program.module(), ["3"], name="p", preprocessing=white)


def _grey() -> NetworkRepresentation:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU())
    return networks(layers.eval(), ["3"], name="g", preprocessing=Preprocessing((0.5,), (0.25,)))


def _several() -> NetworkRepresentation:
    return _deep_network("1", "4")


@pytest.mark.parametrize("loss", [Loss.SQUARED, Loss.COSINE])
@pytest.mark.parametrize(
    "make",
    [
        _vit("encoder.layers.encoder_layer_1"),
        _vit("encoder.layers.encoder_layer_1:class_token"),
        _program,
        _grey,
        _several,
        hog,
    ],
    ids=["tokens", "class token", "program", "grey", "several", "hog"],
)
def test_codes_of_every_kind_are_found_again(
    make: Callable[[], Representation], loss: Loss
) -> None:
    representation, side = make(), 32
    with torch.no_grad():
        shown = picture(3, side, representation.channels)
        code = representation(shown[None])[0]
    settings = resolve("auto", representation, side, side, Overrides(steps=40), loss=loss)
    posed = Problem(code, side, side, settings)
    empty = LaneBatch.empty(representation, Family.QUASI_NEWTON, side, side, loss=loss)
    batch, report = run_to_end(empty.join([posed]))
    curve = batch.curve(0)
    assert report.lanes[0].outcome is Outcome.STEP_LIMIT
    assert report.lanes[0].objective == curve[:, 0].min() < 0.5 * curve[0, 0]
    (measured,) = batch.measure([0])
    assert measured.relative_error == pytest.approx(report.lanes[0].relative_error, rel=1e-3)


def test_a_mask_is_all_that_counts() -> None:
    representation = small_network("1")
    mask = torch.zeros(representation.code_shape(SIDE, SIDE))
    mask[:4] = 1
    batch, _ = run_to_end(batch_of(representation, _auto(representation, 60, mask=mask)))
    code = representation(batch.pictures([0]))[0]
    target = batch.problems[0].target
    (measured,) = batch.measure([0])
    seen = ((code - target) * mask).norm() / (target * mask).norm()
    unseen = ((code - target) * (1 - mask)).norm() / (target * (1 - mask)).norm()
    assert measured.relative_error == pytest.approx(float(seen), rel=1e-3)
    assert seen < 0.5 * unseen


def test_a_run_leaves_the_batch_before_it_as_it_was() -> None:
    batch, _ = batch_of(_deep_network(), *_others(_deep_network())).run(10)
    first, _ = batch.run(10)
    again, _ = batch.run(10)
    assert torch.equal(first.pictures([0, 1]), again.pictures([0, 1]))
    assert batch.state is not None
    assert first.state is not None
    assert any(
        not torch.equal(*each)
        for each in zip(batch.state.buffers, first.state.buffers, strict=True)
    )
