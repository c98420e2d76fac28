"""The engine: lanes join and leave, and no job spoils another."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from preimage.v1 import spec_pb2
from preimage_worker import checkpoints
from preimage_worker.batching import DeviceLostError
from preimage_worker.engine import Engine
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.report import BoundaryReport
from preimage_worker.jobs import (
    Crashed,
    Delivery,
    Extracted,
    Failed,
    Inverted,
    Pulse,
    Returned,
    Settlement,
)
from preimage_worker.models import Models
from tests.worker import jobs

Run = Callable[[LaneBatch, int], tuple[LaneBatch, BoundaryReport]]
POISON = 666


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


@pytest.fixture
def engine(models: Models) -> Engine:
    return Engine(models, jobs.settings(), torch.device("cpu"))


def finish(engine: Engine, limit: int = 200) -> tuple[list[Settlement], list[Pulse]]:
    """Runs boundaries until the batch is empty."""
    settled: list[Settlement] = []
    pulses: list[Pulse] = []
    for _ in range(limit):
        if not engine.active:
            return settled, pulses
        boundary = engine.boundary()
        settled.extend(boundary.settled)
        pulses.extend(boundary.pulses)
    raise AssertionError("the batch did not empty")


def short(number: int, **fields: object) -> Delivery:
    return jobs.delivery(jobs.inversion(optimiser=jobs.steps(number), **fields))


def test_jobs_that_join_and_leave_a_running_batch_all_end(engine: Engine) -> None:
    assert engine.admit(short(30, seed=1)) is None
    engine.boundary()
    assert engine.admit(short(10, seed=2)) is None
    assert engine.active == 2
    settled, _ = finish(engine)
    assert [type(each) for each in settled] == [Inverted, Inverted]
    steps = [each.lanes[0].steps for each in settled if isinstance(each, Inverted)]
    assert steps == [10, 30]
    assert [each.largest_batch for each in settled if isinstance(each, Inverted)] == [2, 2]


def test_the_result_measures_the_delivered_picture(engine: Engine) -> None:
    engine.admit(short(40))
    (done,), _ = finish(engine)
    assert isinstance(done, Inverted)
    (lane,) = done.lanes
    assert lane.outcome is Outcome.STEP_LIMIT
    assert 0 < lane.measurement.relative_error < lane.curve[0, 4]
    assert lane.measurement.relative_error_delivered > 0
    assert lane.measurement.network_passes == 42
    assert lane.levels.shape == (3, jobs.SIDE, jobs.SIDE)
    assert 0 < lane.levels.mean() < 255


def test_restarts_are_lanes_of_one_job_and_differ(engine: Engine) -> None:
    engine.admit(short(10, restarts=3))
    assert engine.active == 3
    (done,), _ = finish(engine)
    assert isinstance(done, Inverted)
    assert [lane.restart for lane in done.lanes] == [0, 1, 2]
    first, second, third = (lane.levels for lane in done.lanes)
    assert np.abs(first - second).mean() > 1
    assert np.abs(second - third).mean() > 1


def test_unlike_jobs_do_not_share_a_batch_but_both_run(engine: Engine) -> None:
    engine.admit(short(10))
    engine.admit(jobs.delivery(jobs.inversion(layer="features.0", optimiser=jobs.steps(10))))
    boundary = engine.boundary()
    assert [lanes for lanes, _, _ in boundary.batches] == [1, 1]
    finish(engine)


def test_a_job_that_diverges_fails_alone(engine: Engine) -> None:
    wild = jobs.inversion(
        optimiser=jobs.steps(20, preset="mv2015", rate_factor=1e6),
        objective=spec_pb2.Objective(data_weight=1e30),
    )
    engine.admit(jobs.delivery(wild))
    tame = jobs.steps(20, preset="mv2015", rate_factor=1e-3)
    engine.admit(jobs.delivery(jobs.inversion(optimiser=tame)))
    settled, _ = finish(engine)
    failed, done = settled
    assert isinstance(failed, Failed)
    assert failed.error.reason == "DIVERGED"
    assert "rate_factor" in str(failed.error)
    assert isinstance(done, Inverted)
    assert np.isfinite(done.lanes[0].levels).all()


def test_an_impossible_job_is_refused_and_the_others_go_on(engine: Engine) -> None:
    engine.admit(short(10))
    refused = engine.admit(jobs.delivery(jobs.inversion(layer="features.77")))
    assert isinstance(refused, Failed)
    assert refused.error.reason == "INVALID_SPEC"
    assert [type(each) for each in finish(engine)[0]] == [Inverted]


def poisoned(error: Exception, culprit: Callable[[LaneBatch], bool]) -> Run:
    honest = LaneBatch.run

    def run(batch: LaneBatch, steps: int) -> tuple[LaneBatch, BoundaryReport]:
        if culprit(batch):
            raise error
        return honest(batch, steps)

    return run


def holds_poison(batch: LaneBatch) -> bool:
    return any(problem.seed == POISON for problem in batch.problems)


def test_a_batch_that_fails_is_bisected_and_only_the_culprit_ends(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LaneBatch, "run", poisoned(ValueError("boom"), holds_poison))
    for seed in (1, 2, POISON, 3, 4):
        engine.admit(short(20, seed=seed))
    settled, _ = finish(engine)
    assert [type(each) for each in settled] == [Crashed, *[Inverted] * 4]
    assert {each.plan.seed for each in settled if isinstance(each, Inverted)} == {1, 2, 3, 4}
    assert all(each.lanes[0].steps == 20 for each in settled if isinstance(each, Inverted))


def test_out_of_memory_halves_the_batch_and_hands_the_rest_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = torch.OutOfMemoryError("no memory left")
    monkeypatch.setattr(LaneBatch, "run", poisoned(error, lambda batch: len(batch) > 2))
    for seed in range(4):
        engine.admit(short(10, seed=seed))
    settled, _ = finish(engine)
    assert [type(each) for each in settled] == [Returned, Returned, Inverted, Inverted]
    assert engine.free == jobs.settings().slots


def test_a_job_that_does_not_fit_even_alone_fails_with_out_of_memory(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = torch.OutOfMemoryError("no memory left")
    monkeypatch.setattr(LaneBatch, "run", poisoned(error, lambda _: True))
    engine.admit(short(10, restarts=2))
    (failed,), _ = finish(engine)
    assert isinstance(failed, Failed)
    assert failed.error.reason == "OUT_OF_MEMORY"
    assert "2 pre-images at once" in str(failed.error)


def test_a_lost_device_is_nobodys_fault(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("CUDA error: an illegal memory access was encountered")
    monkeypatch.setattr(LaneBatch, "run", poisoned(error, lambda _: True))
    engine.admit(short(10))
    with pytest.raises(DeviceLostError, match="illegal memory access"):
        engine.boundary()


def test_a_deadline_returns_what_is_there(models: Models) -> None:
    now = [100.0]
    engine = Engine(models, jobs.settings(), torch.device("cpu"), clock=lambda: now[0])
    engine.admit(jobs.delivery(jobs.inversion(optimiser=jobs.steps(50)), deadline_at=105.0))
    assert not engine.boundary().settled
    now[0] = 106.0
    (done,) = engine.boundary().settled
    assert isinstance(done, Inverted)
    assert done.lanes[0].outcome is Outcome.DEADLINE
    assert done.lanes[0].steps == 20


def test_previews_come_about_as_often_as_asked_for(engine: Engine) -> None:
    progress = spec_pb2.ProgressOptions(preview_every_steps=20)
    engine.admit(short(60, progress=progress))
    _, pulses = finish(engine)
    seen = [pulse.report.step for pulse in pulses if pulse.preview]
    assert seen == [20, 40]
    preview = next(pulse.preview for pulse in pulses if pulse.preview)
    assert preview[1].shape == (jobs.SIDE, jobs.SIDE, 3)


def test_a_dropped_job_leaves_and_an_older_attempt_drops_nothing(engine: Engine) -> None:
    first, second = short(20), short(20)
    engine.admit(first)
    engine.admit(second)
    older = type(first.ticket)(first.ticket.id, 0, first.ticket.tenant)
    assert not engine.drop(older)
    assert engine.drop(first.ticket)
    assert not engine.drop(first.ticket)
    assert [type(each) for each in finish(engine)[0]] == [Inverted]


def test_a_job_handed_back_goes_on_elsewhere_as_if_it_had_never_stopped(models: Models) -> None:
    def fresh() -> Engine:
        return Engine(models, jobs.settings(), torch.device("cpu"))

    item = jobs.inversion(optimiser=jobs.steps(40), restarts=2, seed=9)
    whole, first, second = fresh(), fresh(), fresh()
    whole.admit(jobs.delivery(item))
    (expected,), _ = finish(whole)
    first.admit(jobs.delivery(item))
    first.boundary()
    first.boundary()
    (back,) = first.hand_back()
    assert back.snapshot is not None
    assert back.step == 20
    second.admit(jobs.delivery(item, checkpoint=checkpoints.pack(back.snapshot)))
    (done,), _ = finish(second)
    assert isinstance(expected, Inverted)
    assert isinstance(done, Inverted)
    for one, other in zip(expected.lanes, done.lanes, strict=True):
        assert np.array_equal(one.levels, other.levels)
        assert np.array_equal(one.curve, other.curve)


def test_a_finished_restart_survives_in_the_checkpoint(models: Models) -> None:
    engine = Engine(models, jobs.settings(), torch.device("cpu"))
    engine.admit(jobs.delivery(jobs.inversion(optimiser=jobs.steps(10))))
    (done,), _ = finish(engine)
    assert isinstance(done, Inverted)
    restored = checkpoints.unpack(checkpoints.pack(checkpoints.collect({}, {0: done.lanes[0]})))
    assert restored is not None
    (lane,) = restored.finished.values()
    assert lane.measurement == done.lanes[0].measurement
    assert np.array_equal(lane.levels, done.lanes[0].levels)


def test_a_checkpoint_that_is_too_large_for_the_queue_is_not_kept() -> None:
    half = torch.empty(checkpoints.MOST_BYTES // 8, device="meta")
    assert checkpoints.fits({"0/canvas": half, "0/kept": half})
    assert not checkpoints.fits({"0/canvas": half, "0/kept": half, "0/place": torch.zeros(1)})


def test_a_damaged_checkpoint_means_a_fresh_start(models: Models) -> None:
    engine = Engine(models, jobs.settings(), torch.device("cpu"))
    item = jobs.inversion(optimiser=jobs.steps(10))
    engine.admit(jobs.delivery(item, checkpoint=b"damaged"))
    (done,), _ = finish(engine)
    assert isinstance(done, Inverted)
    assert done.lanes[0].steps == 10


@pytest.mark.parametrize("name", ["curve", "levels", "note"])
def test_a_checkpoint_whose_result_is_damaged_means_a_fresh_start(name: str) -> None:
    whole = {f"0/result/{part}": torch.zeros(2, 4) for part in ("curve", "levels", "note")}
    del whole[f"0/result/{name}"]
    assert checkpoints.unpack(checkpoints.pack(whole)) is None
    assert checkpoints.unpack(checkpoints.pack({"first/canvas": torch.zeros(1)})) is None
    deep = torch.frombuffer(bytearray(b"[" * 100_000), dtype=torch.uint8)
    assert checkpoints.unpack(checkpoints.pack({"0/result/note": deep})) is None


def test_a_checkpoint_of_another_problem_means_a_fresh_start(models: Models) -> None:
    first, second = (Engine(models, jobs.settings(), torch.device("cpu")) for _ in range(2))
    first.admit(jobs.delivery(jobs.inversion(optimiser=jobs.steps(40), seed=1)))
    first.boundary()
    (back,) = first.hand_back()
    assert back.snapshot is not None
    item = jobs.inversion(optimiser=jobs.steps(10), seed=2)
    assert second.admit(jobs.delivery(item, checkpoint=checkpoints.pack(back.snapshot))) is None
    (done,), _ = finish(second)
    assert isinstance(done, Inverted)
    assert done.lanes[0].steps == 10


def test_an_extraction_is_settled_at_once(engine: Engine) -> None:
    item = jobs.inversion()
    item.extract.representation.model = "tiny"
    item.extract.representation.layer = "features.3"
    done = engine.admit(jobs.delivery(item))
    assert isinstance(done, Extracted)
    assert done.code.shape == (128, 6, 6)
    assert engine.active == 0


def test_a_lane_alone_and_beside_others_agree(models: Models) -> None:
    def run(others: int) -> Inverted:
        engine = Engine(models, jobs.settings(), torch.device("cpu"))
        engine.admit(short(20, seed=3))
        for seed in range(others):
            engine.admit(short(10 + 2 * seed, seed=100 + seed))
        settled, _ = finish(engine)
        return next(e for e in settled if isinstance(e, Inverted) and e.plan.seed == 3)

    alone, crowded = run(0), run(15)
    assert crowded.largest_batch == 16
    assert np.abs(alone.lanes[0].levels - crowded.lanes[0].levels).max() < 0.01
