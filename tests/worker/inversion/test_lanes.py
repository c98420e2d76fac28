"""Lanes share network passes and nothing else."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from preimage_worker.inversion import by_lane
from preimage_worker.inversion.errors import BatchError, ShapeMismatchError
from preimage_worker.inversion.lanes import CURVE_COLUMNS, LaneBatch
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.priors import PRIORS
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.network import NetworkRepresentation
from preimage_worker.inversion.settings import Family
from tests.worker.inversion.small import SIDE, batch_of, problem, run_to_end, small_network


def _neighbours(representation: Representation) -> list[Problem]:
    """15 problems that differ from each other in everything that may differ."""
    mask = torch.zeros(representation.code_shape(SIDE, SIDE))
    mask[:3] = 1
    return [
        problem(
            representation,
            "mv2016",
            Overrides(
                data_weight=10.0 * (i + 1),
                beta=1 + i % 3 / 2,
                alpha=4 + i % 4,
                rate_factor=0.5 + i / 10,
                jitter=i % 3 != 0,
                steps=60 + 7 * i,
            ),
            of=i,
            seed=i,
            mask=mask if i % 4 == 1 else None,
        )
        for i in range(15)
    ]


def _beside_others(batch: LaneBatch, mine: Problem, steps: int) -> LaneBatch:
    """`mine` after `steps` steps, beside 6 lanes of `batch` and 9 that join later, and leave."""
    others = _neighbours(batch.setup.representation)
    batch, _ = batch.run(3)
    batch = batch.join([mine, *others[6:10]])
    taken = 0
    while taken < steps:
        batch, report = batch.run(min(4, steps - taken))
        taken += report.steps
        at = batch.problems.index(mine)
        gone = [i for i, lane in enumerate(report.lanes) if lane.outcome and i != at]
        if taken in {8, 12} and at > 0:
            gone = sorted({*gone, 0})
        batch = batch.leave(gone)
        if taken == 8:
            batch = batch.join(others[10:])
    return batch.select([batch.problems.index(mine)])


@pytest.mark.parametrize("node", ["1", "4"])
@pytest.mark.parametrize("steps", [20, 350])
def test_a_lane_beside_15_that_join_and_leave_has_the_bits_that_it_has_alone(
    node: str, steps: int
) -> None:
    representation = small_network(node)
    mine = problem(representation, seed=99, of=42)
    alone = batch_of(representation, mine)
    while len(alone.curve(0)) < steps:
        alone, _ = alone.run(10)
    together = _beside_others(
        batch_of(representation, *_neighbours(representation)[:6]), mine, steps
    )
    assert torch.equal(together.pictures([0]), alone.pictures([0]))
    assert together.measure([0]) == alone.measure([0])
    assert together.outcome(0) == alone.outcome(0)


def test_lanes_that_pass_together_agree_with_lanes_that_pass_alone(
    shallow: NetworkRepresentation,
) -> None:
    mine = problem(shallow, seed=99, of=42)
    alone = batch_of(shallow, mine)
    wide = LaneBatch.empty(shallow, Family.ADAGRAD, SIDE, SIDE, lanes_per_pass=16)
    together = wide.join(_neighbours(shallow)[:6])
    early, (first, _) = _beside_others(together, mine, 20), alone.run(20)
    torch.testing.assert_close(early.pictures([0]), first.pictures([0]), rtol=0, atol=0.01)
    late, (last, _) = _beside_others(together, mine, 350), run_to_end(alone)
    (one,), (other,) = last.measure([0]), late.measure([0])
    assert other.relative_error == pytest.approx(one.relative_error, rel=0.01)
    noise = (late.pictures([0]) - last.pictures([0])).square().mean()
    assert 10 * torch.log10(255**2 / noise) >= 35


@pytest.mark.parametrize("preset", ["mv2015", "mv2016"])
def test_the_same_seed_gives_the_same_picture_and_another_seed_another(
    deep: NetworkRepresentation, preset: str
) -> None:
    posed = problem(deep, preset, Overrides(steps=20), seed=1)
    others = [posed, posed, replace(posed, seed=2), replace(posed, restart=1)]
    first, second, seed, restart = run_to_end(batch_of(deep, *others))[0].pictures(range(4))
    assert torch.equal(first, second)
    assert (first - seed).abs().max() > 1
    assert (first - restart).abs().max() > 1


def test_a_lane_that_is_not_finite_ends_alone_with_its_last_finite_picture(
    deep: NetworkRepresentation,
) -> None:
    sound = problem(deep, "mv2015", Overrides(steps=30))
    wild = problem(deep, "mv2015", Overrides(steps=30, rate_factor=1e5))
    alone, _ = batch_of(deep, sound, sound, sound).run(10)
    mixed, report = batch_of(deep, sound, wild, sound).run(10)
    assert [lane.outcome for lane in report.lanes] == [None, Outcome.DIVERGED, None]
    assert mixed.pictures([1]).isfinite().all()
    assert torch.equal(mixed.pictures([0, 2]), alone.pictures([0, 2]))
    rest, _ = run_to_end(mixed.leave([1]))
    assert rest.pictures([0, 1]).isfinite().all()


def test_a_diverged_lanes_picture_is_the_last_one_whose_objective_was_finite(
    deep: NetworkRepresentation,
) -> None:
    wild = batch_of(deep, problem(deep, "mv2015", Overrides(rate_factor=1e5)))
    steps, pictures = [], []
    batch = wild
    while batch.outcome(0) is None:
        pictures.append(batch.pictures([0]))
        batch, report = batch.run(1)
        steps.append(report.lanes[0].objective)
    at_once, _ = wild.run(20)
    last = max(i for i, objective in enumerate(steps) if torch.tensor(objective).isfinite())
    assert torch.equal(at_once.pictures([0]), pictures[last])


def test_the_curve_has_the_terms_of_every_step_measured_before_its_update(
    deep: NetworkRepresentation,
) -> None:
    posed = problem(deep, "mv2016", Overrides(jitter=False, steps=25))
    start = batch_of(deep, posed)
    (measured,) = start.measure([0])
    batch, report = start.run(10)
    batch, report = batch.run(10)
    curve = batch.curve(0)
    assert curve.shape == (20, len(CURVE_COLUMNS))
    assert curve[0, 4] == pytest.approx(measured.relative_error, rel=1e-5)
    assert curve[:, 0] == pytest.approx(curve[:, 1:4].sum(1), rel=1e-5)
    assert curve[:, 1] == pytest.approx(300 * curve[:, 4] ** 2, rel=1e-5)
    lane = report.lanes[0]
    assert (lane.step, lane.steps_total, lane.network_passes) == (20, 25, 20)
    assert lane.objective == curve[-1, 0]
    assert curve[-1, 0] < curve[0, 0] / 2


def test_a_run_stops_where_the_shortest_schedule_ends(deep: NetworkRepresentation) -> None:
    lanes = [problem(deep, overrides=Overrides(steps=steps)) for steps in (7, 30)]
    batch, report = batch_of(deep, *lanes).run(10)
    assert report.steps == 7
    assert [lane.outcome for lane in report.lanes] == [Outcome.STEP_LIMIT, None]
    with pytest.raises(BatchError, match=r"Lanes \[0\] have ended and must leave"):
        batch.run(10)
    batch, report = batch.leave([0]).run(10)
    assert (report.steps, batch.outcome(0)) == (10, None)


class _Watch:
    """Counts the passes through a representation, and fails the one that it is told to."""

    def __init__(self, representation: NetworkRepresentation) -> None:
        self.passes, self.lanes, self.fails_at = 0, 0, 0
        representation.module.register_forward_pre_hook(self._note)

    def _note(self, _: object, inputs: tuple[Tensor]) -> None:
        self.passes += 1
        self.lanes += len(inputs[0])
        if self.passes == self.fails_at:
            raise MemoryError


@pytest.mark.parametrize(("lanes_per_pass", "passes"), [(1, 50), (2, 30), (8, 10)])
def test_ten_steps_take_each_lane_through_the_network_ten_times_and_a_measurement_twice(
    deep: NetworkRepresentation, lanes_per_pass: int, passes: int
) -> None:
    empty = LaneBatch.empty(deep, Family.ADAGRAD, SIDE, SIDE, lanes_per_pass=lanes_per_pass)
    batch = empty.join([problem(deep, seed=i) for i in range(5)])
    watch = _Watch(deep)
    batch, report = batch.run(10)
    assert (watch.passes, watch.lanes) == (passes, 50)
    assert {lane.network_passes for lane in report.lanes} == {10}
    assert {one.network_passes for one in batch.measure([0, 2, 4])} == {12}
    assert watch.lanes == 56


def test_a_failed_run_leaves_the_batch_as_it_was_so_that_halves_can_be_retried(
    deep: NetworkRepresentation,
) -> None:
    before, _ = batch_of(deep, *[problem(deep, seed=i, of=i) for i in range(4)]).run(5)
    expected, _ = before.run(5)
    _Watch(deep).fails_at = 7
    with pytest.raises(MemoryError):
        before.run(5)
    halves = [before.select(half).run(5)[0] for half in ([0, 1], [2, 3])]
    again = halves[0].concatenate(halves[1])
    assert again.problems == before.problems
    assert torch.equal(again.pictures(range(4)), expected.pictures(range(4)))
    assert len(again.curve(3)) == 10


def test_nothing_is_copied_to_the_host_between_two_boundaries(
    deep: NetworkRepresentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = LaneBatch.empty(deep, Family.ADAGRAD, SIDE, SIDE, lanes_per_pass=3)
    batch = empty.join([problem(deep, seed=i) for i in range(3)])
    monkeypatch.setattr(by_lane, "every", lambda _: False)  # as on an accelerator
    monkeypatch.setattr(by_lane, "some", lambda _: True)
    asked: list[str] = []

    def watch(name: str) -> None:
        original = getattr(Tensor, name)

        def counted(self: Tensor, *arguments: object, **options: object) -> object:
            asked.append(name)
            return original(self, *arguments, **options)

        monkeypatch.setattr(Tensor, name, counted)

    for name in ("cpu", "item", "tolist", "numpy", "__bool__", "__float__", "__int__", "nonzero"):
        watch(name)
    batch.run(12)
    assert asked == ["cpu", "numpy"]


def test_select_and_leave_keep_the_order_and_join_appends(deep: NetworkRepresentation) -> None:
    problems = [problem(deep, seed=i) for i in range(4)]
    batch = batch_of(deep, *problems[:3])
    assert [p.seed for p in batch.select([2, 0]).problems] == [2, 0]
    left = batch.leave([1])
    assert [p.seed for p in left.join([problems[3]]).problems] == [0, 2, 3]
    assert torch.equal(left.pictures([1]), batch.pictures([2]))
    empty = left.leave([0, 1])
    assert len(empty) == 0
    assert empty.run(10)[1].lanes == ()
    assert len(empty.join(problems[:1])) == 1
    assert empty.pictures([]).shape == (0, 3, SIDE, SIDE)
    assert empty.measure([]) == ()


def test_problems_that_do_not_belong_to_the_batch_are_refused(
    shallow: NetworkRepresentation, deep: NetworkRepresentation
) -> None:
    batch = batch_of(shallow, problem(shallow))
    with pytest.raises(BatchError, match="family 'momentum'"):
        batch.join([problem(shallow, "mv2015")])
    with pytest.raises(BatchError, match=r"pictures of \(25, 24\)"):
        batch.join([replace(problem(shallow), height=25)])
    with pytest.raises(ShapeMismatchError, match=r"gives \(8, 10, 10\)"):
        batch.join([replace(problem(deep), settings=problem(shallow).settings)])
    with pytest.raises(BatchError, match="jitter range is 2 pixels"):
        batch.join([replace(problem(shallow), settings=problem(deep).settings)])
    with pytest.raises(BatchError, match="differ"):
        batch.concatenate(LaneBatch.empty(deep, Family.ADAGRAD, SIDE, SIDE))
    with pytest.raises(BatchError, match="0 steps"):
        batch.run(0)


@pytest.mark.parametrize("masked_first", [True, False])
def test_masked_and_unmasked_lanes_share_a_batch_whichever_joins_first(
    shallow: NetworkRepresentation, *, masked_first: bool
) -> None:
    mask = torch.zeros(8, 1, 1)
    mask[:4] = 1
    pair = [problem(shallow, mask=mask), problem(shallow, seed=1)]
    pair = pair if masked_first else pair[::-1]
    together, _ = batch_of(shallow, pair[0]).join(pair[1:]).run(10)
    alone = [batch_of(shallow, one).run(10)[0].pictures([0])[0] for one in pair]
    assert torch.equal(together.pictures([0, 1]), torch.stack(alone))


def test_a_mask_leaves_the_rest_of_the_code_free(shallow: NetworkRepresentation) -> None:
    mask = torch.zeros(8, 1, 1)
    mask[:4] = 1
    masked, whole = problem(shallow, mask=mask), problem(shallow)
    batch, _ = run_to_end(batch_of(shallow, masked, whole))
    with torch.no_grad():
        codes = shallow(batch.pictures([0, 1]))
    missed = (codes - whole.target).square().flatten(2).sum(2)
    assert missed[0, :4].sum() < missed[0, 4:].sum() / 10
    (measured, _) = batch.measure([0, 1])
    energy = whole.target[:4].square().sum()
    assert measured.relative_error == pytest.approx(
        float((missed[0, :4].sum() / energy).sqrt()), rel=1e-4
    )


def test_a_prior_that_no_lane_has_is_not_computed_and_changes_no_lane(
    deep: NetworkRepresentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = problem(deep, "mv2016", Overrides(alpha_norm_weight=0.0, steps=30))
    beside, _ = batch_of(deep, without, problem(deep, "mv2016", seed=1)).run(10)

    def fails(*_: object) -> tuple[Tensor, Tensor]:
        raise AssertionError("computed")

    monkeypatch.setitem(PRIORS, "alpha_norm", fails)
    alone, _ = batch_of(deep, without).run(10)
    assert torch.equal(alone.pictures([0]), beside.pictures([0]))
    assert (alone.curve(0)[:, 2] == 0).all()
    assert (alone.curve(0)[:, 3] > 0).all()
    with pytest.raises(AssertionError, match="computed"):
        batch_of(deep, problem(deep, "mv2016")).run(1)


def test_a_lane_without_priors_follows_its_code_alone(deep: NetworkRepresentation) -> None:
    free = problem(
        deep, "mv2016", Overrides(alpha_norm_weight=0.0, total_variation_weight=0.0, jitter=False)
    )
    batch, _ = batch_of(deep, free).run(20)
    curve = batch.curve(0)
    assert (curve[:, 2:4] == 0).all()
    assert curve[-1, 0] == curve[-1, 1] < curve[0, 1] / 2
