"""A lane that resumes goes on as if it had never stopped."""

from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion.errors import BatchError, CheckpointError
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import StopRule
from preimage_worker.inversion.representations.network import NetworkRepresentation
from tests.worker.inversion.small import SIDE, batch_of, problem, run_to_end


@pytest.mark.parametrize("preset", ["mv2015", "mv2016"])
@pytest.mark.parametrize("stopped_at", [3, 51, 59])
def test_a_restored_lane_ends_with_the_same_bits(
    deep: NetworkRepresentation, preset: str, stopped_at: int
) -> None:
    posed = problem(deep, preset, Overrides(steps=60), seed=8)
    batch, _ = batch_of(deep, posed).run(stopped_at)
    snapshot = batch.snapshot(0)
    empty = LaneBatch.empty(deep, posed.settings.family, SIDE, SIDE)
    restored = empty.restore(posed, {name: tensor.clone() for name, tensor in snapshot.items()})
    (went_on, first), (resumed, second) = run_to_end(batch), run_to_end(restored)
    assert torch.equal(went_on.pictures([0]), resumed.pictures([0]))
    assert (went_on.curve(0) == resumed.curve(0)).all()
    assert first.lanes == second.lanes


def test_a_plateau_that_was_reached_is_remembered(deep: NetworkRepresentation) -> None:
    stop = StopRule(plateau=1.0, plateau_window_steps=10)
    batch, _ = batch_of(deep, problem(deep, stop=stop)).run(20)
    (posed,) = batch.problems
    restored = batch.leave([0]).restore(posed, batch.snapshot(0))
    assert restored.run(5)[1] == batch.run(5)[1]


def test_a_snapshot_is_on_the_host_and_shares_nothing_with_the_lanes(
    deep: NetworkRepresentation,
) -> None:
    batch, _ = batch_of(deep, problem(deep), problem(deep, seed=1)).run(5)
    before = batch.pictures([1])
    snapshot = batch.snapshot(1)
    assert {tensor.dtype for tensor in snapshot.values()} == {
        torch.float32,
        torch.float64,
        torch.int64,
    }
    for tensor in snapshot.values():
        assert tensor.device.type == "cpu"
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
        tensor.zero_()
    assert torch.equal(batch.pictures([1]), before)


def test_a_snapshot_of_another_problem_or_layer_is_refused(
    deep: NetworkRepresentation, shallow: NetworkRepresentation
) -> None:
    posed = problem(deep)
    batch, _ = batch_of(deep, posed).run(5)
    snapshot, empty = batch.snapshot(0), batch.leave([0])
    with pytest.raises(CheckpointError, match="another problem"):
        empty.restore(replace(posed, seed=1), snapshot)
    with pytest.raises(CheckpointError, match="lacks 'buffer1'"):
        empty.restore(posed, {k: v for k, v in snapshot.items() if k != "buffer1"})
    with pytest.raises(CheckpointError, match=r"'curve' is torch.float64"):
        empty.restore(posed, snapshot | {"curve": torch.zeros(5, 5, dtype=torch.float64)})
    other = batch_of(shallow, problem(shallow)).leave([0])
    with pytest.raises(CheckpointError, match=r"not torch.float32 of \(3, 24, 24\)"):
        other.restore(problem(shallow), snapshot)


def test_a_lane_that_has_ended_has_no_snapshot(deep: NetworkRepresentation) -> None:
    batch, _ = run_to_end(batch_of(deep, problem(deep, overrides=Overrides(steps=5))))
    with pytest.raises(BatchError, match="Lane 0 has ended"):
        batch.snapshot(0)
