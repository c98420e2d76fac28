"""When a lane ends, and how."""

import pytest

from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import StopRule
from preimage_worker.inversion.representations.network import NetworkRepresentation
from tests.worker.inversion.small import batch_of, problem, run_to_end


def test_a_preset_runs_its_whole_schedule_unless_told_otherwise(
    shallow: NetworkRepresentation,
) -> None:
    batch, report = run_to_end(batch_of(shallow, problem(shallow, overrides=Overrides(steps=60))))
    assert report.lanes[0].outcome is Outcome.STEP_LIMIT
    assert len(batch.curve(0)) == 60


def test_a_lane_ends_at_the_first_boundary_where_its_error_is_small_enough(
    shallow: NetworkRepresentation,
) -> None:
    stop = StopRule(target_error=0.3)
    batch, report = run_to_end(batch_of(shallow, problem(shallow, stop=stop)))
    assert report.lanes[0].outcome is Outcome.TARGET_REACHED
    errors = batch.curve(0)[:, 4]
    assert errors[-1] <= 0.3
    assert (errors[9:-1:10] > 0.3).all()
    (measured,) = batch.measure([0])
    assert measured.relative_error == pytest.approx(errors[-1], rel=1e-5)


def test_a_plateau_ends_each_segment_early_and_in_the_last_one_the_lane(
    deep: NetworkRepresentation,
) -> None:
    # Nobody improves by 100 % in a window, so every segment ends after its second window.
    stop = StopRule(plateau=1.0, plateau_window_steps=10)
    batch, _ = batch_of(deep, problem(deep, stop=stop)).run(10)
    batch, first = batch.run(10)
    assert first.lanes[0].outcome is None
    assert (first.lanes[0].step, first.lanes[0].steps_total) == (20, 70)
    batch, second = run_to_end(batch)
    assert second.lanes[0].outcome is Outcome.CONVERGED
    assert (second.lanes[0].step, second.lanes[0].steps_total) == (40, 40)


@pytest.mark.parametrize("stride", [1, 3, 7, 50])
def test_a_lane_stops_at_the_same_step_however_often_it_is_looked_at(
    shallow: NetworkRepresentation, stride: int
) -> None:
    stop = StopRule(target_error=0.3, plateau=0.05, plateau_window_steps=10)
    batch = batch_of(shallow, problem(shallow, stop=stop))
    report = None
    while report is None or report.lanes[0].outcome is None:
        batch, report = batch.run(stride)
    whole, expected = run_to_end(batch_of(shallow, problem(shallow, stop=stop)))
    assert report.lanes[0] == expected.lanes[0]
    assert batch.curve(0).tolist() == whole.curve(0).tolist()


def test_a_lane_that_still_improves_is_not_on_a_plateau(shallow: NetworkRepresentation) -> None:
    stop = StopRule(plateau=0.001, plateau_window_steps=5)
    overrides = Overrides(steps=400)
    batch, report = run_to_end(batch_of(shallow, problem(shallow, "mv2015", overrides, stop=stop)))
    assert report.lanes[0].outcome is Outcome.CONVERGED
    objective = batch.curve(0)[:, 0]
    assert 30 < len(objective) < 400
    assert objective[-1] < objective[:20].min()


def test_every_outcome_is_a_sentence() -> None:
    for outcome in Outcome:
        assert outcome.sentence[0].isupper()
        assert outcome.sentence.endswith(".")
