"""The solver's transform by itself: what it accepts, shortens, forgets and takes back."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from preimage_worker.inversion.optimisers.quasi_newton import (
    RELAXED_STEPS,
    State,
    leak,
    quasi_newton,
)
from preimage_worker.inversion.optimisers.steps import project
from preimage_worker.inversion.optimisers.transform import Buffers, Control, Seen
from preimage_worker.inversion.traits import Traits

SIDE = 8
Objective = Callable[[Tensor], Tensor]
FINE = Traits(stride=1, rectifiers=5)
EXACT, RELAXED = Traits(), Traits(stride=4, rectifiers=10, leak=0.25)


def _control(
    canvas: Tensor,
    objective: Tensor,
    age: int,
    bound: Tensor | None = None,
    smoothing: Tensor | None = None,
) -> Control:
    ages = torch.full((len(canvas), 1, 1, 1), float(age))
    seen = Seen(canvas, objective, bound, smoothing)
    return Control(torch.ones_like(ages), (ages > 0).float(), ages, seen)


def _bowl(seed: int) -> tuple[Objective, Tensor]:
    """A convex quadratic of condition 100 around a random canvas, 3 at its minimum; and that."""
    generator = torch.Generator().manual_seed(seed)
    lowest = 10 * torch.randn(1, 1, SIDE, SIDE, generator=generator)
    steep = 10 ** (2 * torch.rand(1, 1, SIDE, SIDE, generator=generator))

    def objective(canvas: Tensor) -> Tensor:
        return 3 + (steep * (canvas - lowest).square()).flatten(1).sum(1) / 2

    return objective, lowest


class Descent:
    """The transform as the step calls it, on an objective of ours."""

    def __init__(
        self,
        objective: Objective,
        canvas: Tensor,
        traits: Traits = EXACT,
        bound: Tensor | None = None,
        smoothing: Tensor | None = None,
    ) -> None:
        self.transform = quasi_newton(traits)
        self.objective, self.canvas, self.bound = objective, canvas, bound
        self.smoothing = smoothing
        self.buffers: Buffers = self.transform.init(canvas)
        self.age = 0

    @property
    def state(self) -> State:
        return State(*self.buffers)

    def step(self) -> Tensor:
        """Take one; returns the objective that was measured before it."""
        canvas = self.canvas.detach().requires_grad_()
        value = self.objective(canvas)
        (gradient,) = torch.autograd.grad(value.sum(), canvas)
        with torch.no_grad():
            control = _control(self.canvas, value.detach(), self.age, self.bound, self.smoothing)
            update, self.buffers = self.transform.update(gradient, self.buffers, control)
            self.canvas = self.canvas + update
            if self.bound is not None:
                self.canvas = project(self.canvas, self.bound)
        self.age += 1
        return value.detach()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_reaches_the_minimum_of_a_convex_quadratic_in_few_steps(seed: int) -> None:
    objective, lowest = _bowl(seed)
    descent = Descent(objective, torch.zeros(1, 1, SIDE, SIDE))
    values = torch.cat([descent.step() for _ in range(80)])
    assert values.min() - 3 < 1e-4 * (values[0] - 3)
    assert (descent.canvas - lowest).abs().max() < 0.3


def _smoothed(of_code: float) -> Objective:
    """A code of the plain canvas with this curvature, beside a quadratic total variation."""
    generator = torch.Generator().manual_seed(7)
    target = 60 + 100 * torch.randn(1, 1, 32, 32, generator=generator)

    def objective(canvas: Tensor) -> Tensor:
        rough = sum(canvas.diff(dim=side).square().sum((1, 2, 3)) for side in (-1, -2))
        return (of_code * (canvas - target).square().sum((1, 2, 3)) + rough) / 2

    return objective


@pytest.mark.parametrize("of_code", [0.01, 1.0, 30.0])
def test_it_learns_how_much_the_code_says_beside_the_priors(of_code: float) -> None:
    start = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(8))
    descent = Descent(_smoothed(of_code), 46 * start, FINE, smoothing=torch.ones(1))
    for _ in range(12):
        descent.step()
    state = descent.state
    assert float(state.of_code / state.of_priors) == pytest.approx(of_code, rel=2e-2)
    assert bool(state.outweighed) is (of_code < 2)


def test_what_a_code_says_beside_strong_priors_is_found_in_few_steps() -> None:
    """Of such a code only coarse structure is left, and that comes first."""
    start = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(8))
    values = []
    for smoothing in (torch.ones(1), torch.zeros(1)):
        descent = Descent(_smoothed(0.001), 46 * start, FINE, smoothing=smoothing)
        values.append(torch.cat([descent.step() for _ in range(40)]))
    lowest = min(each.min() for each in values)
    told, untold = (int((each > 1.001 * lowest).sum()) for each in values)
    assert told < 0.7 * untold


def _bounded(seed: int) -> Objective:
    """A convex quadratic whose minimum lies beyond a bound of 18 in about half of the pixels."""
    generator, shape = torch.Generator().manual_seed(seed), (1, 3, SIDE, SIDE)
    lowest = 10 * torch.randn(shape, generator=generator)
    steep = 10 ** torch.rand(shape, generator=generator)
    smooth = torch.rand(3 * SIDE**2, 3 * SIDE**2, generator=generator) / SIDE

    def objective(canvas: Tensor) -> Tensor:
        away = (canvas - lowest).flatten(1)
        return (steep.flatten(1) * away.square() + (away @ smooth).square()).sum(1) / 2

    return objective


def _lowest_within(objective: Objective, bound: Tensor) -> Tensor:
    """By projected gradients, slow and sure."""
    canvas = torch.zeros(1, 3, SIDE, SIDE)
    for _ in range(3000):
        canvas.requires_grad_()
        (gradient,) = torch.autograd.grad(objective(canvas).sum(), canvas)
        canvas = project(canvas.detach() - 2e-3 * gradient, bound)
    return canvas


@pytest.mark.parametrize("seed", range(6))
def test_where_the_minimum_lies_beyond_the_bound_it_finds_the_lowest_point_within(
    seed: int,
) -> None:
    """From any start: what the last bits decide must not matter."""
    objective, bound = _bounded(seed), torch.full((1, 1, 1, 1), 18.0)
    canvas = _lowest_within(objective, bound)
    assert (canvas.square().sum(1).sqrt() > 18 - 1e-3).sum() > SIDE
    generator = torch.Generator().manual_seed(seed)
    for amplitude in (0.0, 1e-3, 5.0):
        start = amplitude * torch.randn(canvas.shape, generator=generator)
        descent = Descent(objective, start, bound=bound)
        found = min(float(descent.step()) for _ in range(120))
        assert found <= 1.001 * float(objective(canvas))


def test_a_refused_trial_at_the_bound_is_shortened_before_it_is_cut_off() -> None:
    """Between two canvases on a sphere the straight line leads through it, mostly uphill."""
    objective, bound = _bounded(0), torch.full((1, 1, 1, 1), 18.0)
    descent = Descent(objective, torch.zeros(1, 3, SIDE, SIDE), bound=bound)
    lengths = []
    for _ in range(60):
        descent.step()
        state = descent.state
        trial = project(state.point + state.length[:, None, None, None] * state.way, bound)
        torch.testing.assert_close(descent.canvas, trial)
        lengths.append(float(state.length))
    assert min(lengths) < 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_goes_on_where_the_objectives_rounding_hides_what_a_step_gains(seed: int) -> None:
    bowl, lowest = _bowl(seed)

    def rounded(canvas: Tensor) -> Tensor:
        noise = torch.sin(1e4 * canvas.detach().flatten(1).sum(1))
        return bowl(canvas) + 1e7 * (1 + 4e-7 * noise)

    descent = Descent(rounded, torch.zeros(1, 1, SIDE, SIDE))
    for _ in range(80):
        descent.step()
    assert (descent.state.point - lowest).norm() < 0.2


def _rough(canvas: Tensor) -> Tensor:
    """Waves on a bowl: most proposals are refused."""
    return (canvas.square() + 200 * (1 - torch.cos(3 * canvas))).flatten(1).sum(1)


def test_it_accepts_no_rise_but_of_rounding() -> None:
    start = 20 * torch.randn(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    descent, accepted, refused = Descent(_rough, start), [], 0
    for _ in range(60):
        before = descent.state.value
        value = descent.step()
        accepted.append(descent.state.value)
        if descent.age > 1:
            assert (descent.state.value <= before * (1 + 2e-6)).all()
            refused += int((value > before).sum())
    assert refused > 10
    assert (accepted[-1] < accepted[0]).all()


def test_a_refused_trial_is_shortened_along_the_same_line_and_the_point_kept() -> None:
    objective, _ = _bowl(0)
    descent = Descent(objective, torch.zeros(1, 1, SIDE, SIDE))
    descent.step()
    point, trial = descent.state.point, descent.canvas
    way = trial - point

    descent.objective = lambda canvas: objective(canvas) + 1e6
    descent.step()
    assert torch.equal(descent.state.point, point)
    assert descent.state.tries.tolist() == [1]
    shorter = descent.canvas - descent.state.point
    factor = float((shorter * way).sum() / way.square().sum())
    assert 0.1 - 1e-5 <= factor <= 0.5 + 1e-5
    torch.testing.assert_close(shorter, factor * way, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("nothing", [torch.nan, torch.inf])
def test_a_trial_without_a_finite_objective_is_refused(nothing: float) -> None:
    objective, _ = _bowl(0)
    descent = Descent(objective, torch.zeros(1, 1, SIDE, SIDE))
    descent.step()
    before, way = descent.state, descent.canvas - descent.state.point
    value = torch.tensor([nothing])
    gradient = torch.full_like(descent.canvas, torch.nan)
    control = _control(descent.canvas, value, 1)
    update, buffers = descent.transform.update(gradient, descent.buffers, control)
    after = State(*buffers)
    assert torch.equal(after.point, before.point)
    assert torch.equal(after.gradient, before.gradient)
    assert after.value == before.value
    shorter = descent.canvas + update - before.point
    torch.testing.assert_close(shorter, 0.1 * way, rtol=1e-3, atol=1e-3)


def test_after_eight_refusals_everything_begins_anew_from_the_point() -> None:
    objective, _ = _bowl(1)
    descent = Descent(objective, torch.zeros(1, 1, SIDE, SIDE))
    for _ in range(4):
        descent.step()
    point = descent.state.point
    descent.objective = lambda canvas: objective(canvas) + 1e6
    for number in range(1, 8):
        descent.step()
        assert descent.state.tries.tolist() == [number]
        assert not torch.equal(descent.canvas, point)
    descent.step()
    assert descent.state.tries.tolist() == [0]
    torch.testing.assert_close(descent.canvas, point)
    assert (descent.state.births > 0).any()
    descent.step()  # accepted, whatever its objective
    assert descent.state.length.tolist() == [1]
    assert not descent.state.births.any()
    fresh = Descent(descent.objective, point)
    fresh.age = descent.age - 1
    fresh.step()
    torch.testing.assert_close(descent.canvas, fresh.canvas)


def test_where_a_segment_begins_everything_is_forgotten() -> None:
    objective, _ = _bowl(2)
    used = Descent(objective, torch.zeros(1, 1, SIDE, SIDE))
    for _ in range(12):
        used.step()
    fresh = Descent(objective, used.canvas)
    used.age = 0
    for _ in range(6):
        assert torch.equal(used.step(), fresh.step())
        assert torch.equal(used.canvas, fresh.canvas)


def test_lanes_of_different_ages_have_the_bits_that_they_have_alone() -> None:
    both = [Descent(_rough, torch.full((1, 1, SIDE, SIDE), fill), RELAXED) for fill in (7.0, -3.0)]
    for _ in range(9):
        both[0].step()
    for _ in range(6):
        canvas = torch.cat([one.canvas for one in both]).requires_grad_()
        value = _rough(canvas)
        (gradient,) = torch.autograd.grad(value.sum(), canvas)
        ages = torch.tensor([float(one.age) for one in both])[:, None, None, None]
        control = Control(ages, (ages > 0).float(), ages, Seen(canvas.detach(), value.detach()))
        buffers = tuple(map(torch.cat, zip(*(one.buffers for one in both), strict=True)))
        update, after = both[0].transform.update(gradient, buffers, control)
        together = canvas.detach() + update
        for lane, one in enumerate(both):
            one.step()
            assert torch.equal(together[lane : lane + 1], one.canvas)
            assert all(
                torch.equal(buffer[lane : lane + 1], own)
                for buffer, own in zip(after, one.buffers, strict=True)
            )


def test_the_leak_shrinks_with_every_refusal_and_ends_with_age() -> None:
    objective, _ = _bowl(0)
    descent = Descent(objective, torch.zeros(1, 1, SIDE, SIDE), RELAXED)
    first = RELAXED.leak
    assert leak(descent.buffers).tolist() == pytest.approx([first])
    descent.step()
    assert leak(descent.buffers).tolist() == pytest.approx([first])
    descent.objective = lambda canvas: objective(canvas) + 1e6
    descent.step()
    assert leak(descent.buffers).tolist() == pytest.approx([0.3 * first])
    descent.objective = objective
    descent.age = RELAXED_STEPS - 1
    descent.step()
    assert leak(descent.buffers).tolist() == [0]


def test_gradients_of_different_relaxations_do_not_make_a_pair() -> None:
    objective, _ = _bowl(0)
    descent = Descent(objective, torch.zeros(1, 1, SIDE, SIDE), RELAXED)
    descent.step()
    descent.objective = lambda canvas: objective(canvas) + 1e6
    descent.step()  # refused: the next pass has another leak than the point's slope
    descent.objective = objective
    descent.step()
    assert descent.state.tries.tolist() == [0]
    assert not descent.state.births.any()
    while descent.age < RELAXED_STEPS + 3:
        descent.step()
    assert descent.state.births[0, 0] > 0


def test_updates_of_owned_buffers_leave_the_old_ones_as_they_were() -> None:
    descent = Descent(_rough, torch.full((2, 1, SIDE, SIDE), 4.0), RELAXED)
    for _ in range(7):
        before = [buffer.clone() for buffer in descent.buffers]
        kept = descent.buffers
        descent.buffers = descent.transform.own(kept)
        descent.step()
        assert all(map(torch.equal, kept, before))


@pytest.mark.parametrize("channels", [1, 3])
def test_on_an_accelerator_an_update_waits_for_nothing(channels: int) -> None:
    """Tensors of the device "meta" have no values, so whoever looks at one fails."""
    transform = quasi_newton(Traits(stride=16, rectifiers=10, coloured=channels > 1, leak=0.2))
    canvas = torch.empty(2, channels, SIDE, SIDE + 1, device="meta")
    buffers = transform.own(transform.init(canvas))
    numbers = torch.empty(2, 1, 1, 1, device="meta")
    seen = Seen(canvas, torch.empty(2, device="meta"), numbers)
    update, after = transform.update(canvas, buffers, Control(numbers, numbers, numbers, seen))
    assert update.shape == canvas.shape
    assert [each.shape for each in after] == [each.shape for each in buffers]
