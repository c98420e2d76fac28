"""What is found out about a whole job: reference errors, classes, and how restarts differ."""

from typing import TypeVar

import numpy as np
import pytest
import torch

from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_worker import checkpoints, pictures, spec
from preimage_worker.engine import Engine
from preimage_worker.jobs import Delivery, Inverted
from preimage_worker.models import Models
from preimage_worker.reference.known import References
from tests.worker import jobs

CPU = torch.device("cpu")
Some = TypeVar("Some")


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


def engine(models: Models, references: References | None = None) -> Engine:
    return Engine(models, jobs.settings(), CPU, references=references)


def run(models: Models, delivery: Delivery, references: References | None = None) -> Inverted:
    """The end of one job."""
    return run_on(engine(models, references), delivery)


def run_on(runs: Engine, delivery: Delivery) -> Inverted:
    settled = runs.admit(delivery)
    while settled is None:
        settled = next(iter(runs.boundary().settled), None)
    assert isinstance(settled, Inverted)
    return settled


def given(value: Some | None) -> Some:
    assert value is not None
    return value


def delivered(done: Inverted) -> list[np.ndarray]:
    """What the PNG files hold, as `(channels, height, width)`."""
    shown = [pictures.to_pixels(lane.levels) for lane in done.lanes]
    return [pictures.to_levels(pixels, 3) for pixels in shown]


def code(models: Models, levels: np.ndarray, layer: str = "features.3") -> np.ndarray:
    representation = models.representation("tiny", layer)
    pixels = levels.transpose(1, 2, 0).astype(np.uint8)
    return spec.encode(representation, pixels, CPU).double().numpy()


def bare_code(models: Models) -> tuple[work_pb2.WorkItem, dict[str, bytes]]:
    """A job with a code and no picture."""
    values = code(models, pictures.to_levels(np.full((jobs.SIDE, jobs.SIDE, 3), 99, np.uint8), 3))
    item = jobs.inversion(optimiser=jobs.steps(10))
    item.invert.target.uploaded_features.digest = "code"
    item.invert.target.uploaded_features.dtype = tensor_pb2.DATA_TYPE_FLOAT32
    item.invert.target.uploaded_features.shape.extend(values.shape)
    return item, {"code": values.astype("<f4").tobytes()}


def short(number: int = 10, **fields: object) -> Delivery:
    return jobs.delivery(jobs.inversion(optimiser=jobs.steps(number), **fields))


def test_distances_and_spread_are_those_of_the_delivered_pictures(models: Models) -> None:
    done = run(models, short(restarts=3))
    found = given(done.findings.diversity)
    shown = delivered(done)
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = [np.sqrt(np.mean((shown[i] - shown[j]) ** 2)) for i, j in pairs]
    assert found.picture_distances == pytest.approx(expected, rel=1e-6)
    codes = [code(models, levels) for levels in shown]
    apart = [np.linalg.norm(codes[i] - codes[j]) / done.plan.target_norm for i, j in pairs]
    assert found.code_distances == pytest.approx(apart, rel=1e-5)
    assert found.spread.shape == (jobs.SIDE, jobs.SIDE)
    assert found.spread == pytest.approx(np.std(shown, axis=0).mean(0), rel=1e-5)


def test_code_distances_are_of_the_part_that_counts(models: Models) -> None:
    ranges = spec_pb2.Mask(channels=[spec_pb2.IndexRange(begin=5, end=20)])
    item = jobs.inversion(optimiser=jobs.steps(10), restarts=2)
    item.invert.representation.mask.CopyFrom(ranges)
    done = run(models, jobs.delivery(item))
    one, other = (code(models, levels)[5:20] for levels in delivered(done))
    expected = np.linalg.norm(one - other) / done.plan.target_norm
    assert given(done.findings.diversity).code_distances == pytest.approx((expected,), rel=1e-5)


def test_one_restart_has_no_diversity(models: Models) -> None:
    assert run(models, short()).findings.diversity is None


def test_classes_are_the_first_choices_for_the_three_pictures(models: Models) -> None:
    done = run(models, short(restarts=2))
    classify = given(models.classifier("tiny"))
    mean = models.representation("tiny", "features.3").mean

    def choice(levels: np.ndarray) -> int:
        canvas = torch.from_numpy(pictures.canvas(levels.astype(np.float32), mean))
        return int(classify(canvas[None])[0].argmax())

    original = pictures.to_levels(given(done.plan.original), 3)
    for found, lane, shown in zip(done.findings.classes, done.lanes, delivered(done), strict=True):
        assert found.original == choice(original)
        assert found.optimised == choice(lane.levels)
        assert found.delivered == choice(shown)


def test_a_bare_code_another_size_and_a_model_without_classes_have_none(models: Models) -> None:
    item = jobs.inversion(optimiser=jobs.steps(10))
    item.invert.representation.input_size.height = 40
    item.invert.representation.input_size.width = 40
    formula = jobs.inversion("hog", "hog", optimiser=jobs.steps(10))
    bare, blobs = bare_code(models)
    for job in (jobs.delivery(item), jobs.delivery(formula), jobs.delivery(bare, blobs)):
        found = run(models, job).findings
        assert (found.classes, found.passes) == ((), 0)


def test_a_bare_code_is_compared_with_the_reference_too(models: Models) -> None:
    fitting = jobs.reference()
    done = run(models, jobs.delivery(*bare_code(models)), References((fitting,)))
    assert done.findings.reference is fitting


@pytest.mark.parametrize(("restarts", "passes"), [(1, 2), (3, 3)])
def test_passes_are_counted(models: Models, restarts: int, passes: int) -> None:
    assert run(models, short(restarts=restarts)).findings.passes == passes


def test_a_reference_is_found_for_the_layer_model_and_size_alone(models: Models) -> None:
    fitting = jobs.reference()
    others = (
        jobs.reference(layer="features.4"),
        jobs.reference(height=40),
        jobs.reference("hog"),
    )
    assert run(models, short(), References(others)).findings.reference is None
    assert run(models, short(), References((*others, fitting))).findings.reference is fitting


def test_a_part_of_a_code_is_not_compared_with_whole_ones(models: Models) -> None:
    item = jobs.inversion(optimiser=jobs.steps(10))
    item.invert.representation.mask.channels.add(begin=0, end=3)
    done = run(models, jobs.delivery(item), References((jobs.reference(),)))
    assert done.findings.reference is None


def test_restarts_that_ended_elsewhere_are_part_of_the_findings(models: Models) -> None:
    # A worker dies after the end of one restart, another one goes on with the other.
    item = jobs.inversion(optimiser=jobs.steps(40), restarts=2, seed=9)
    whole = run(models, jobs.delivery(item))
    first = engine(models)
    first.admit(jobs.delivery(item))
    first.boundary()
    (back,) = first.hand_back()
    held = given(checkpoints.unpack(checkpoints.pack(given(back.snapshot))))
    snapshot = checkpoints.collect({1: held.running[1]}, {0: whole.lanes[0]})
    resumed = run(models, jobs.delivery(item, checkpoint=checkpoints.pack(snapshot)))
    expected, found = given(whole.findings.diversity), given(resumed.findings.diversity)
    assert found.picture_distances == expected.picture_distances
    assert found.code_distances == expected.code_distances
    assert np.array_equal(found.spread, expected.spread)
    assert resumed.findings.classes == whole.findings.classes
    finished = checkpoints.collect({}, {lane.restart: lane for lane in whole.lanes})
    ended = run(models, jobs.delivery(item, checkpoint=checkpoints.pack(finished)))
    assert given(ended.findings.diversity).code_distances == expected.code_distances


def test_a_sets_model_and_layers_are_announced_and_others_ignored(
    models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    own, foreign = jobs.reference(), jobs.reference(model_digest="0123", model="elsewhere")
    announced = jobs.models()
    known = References.of_models((own, foreign), announced.announcements())
    assert known.known == (own,)
    assert "of elsewhere (layers: 1) are ignored" in caplog.text
    layers = announced.served("tiny").announcement.layers
    assert [layer.name for layer in layers if layer.has_reference] == ["features.3"]


def test_each_layer_of_several_has_its_own_error_and_norm(models: Models) -> None:
    item = jobs.inversion("features.3", optimiser=jobs.steps(10))
    item.invert.representation.further_layers.add(layer="features.0", weight=4)
    done = run(models, jobs.delivery(item), References((jobs.reference(),)))
    assert [layer.name for layer in done.findings.layers] == ["features.3", "features.0"]
    assert done.findings.reference is None
    original = pictures.to_levels(given(done.plan.original), 3)
    (shown,), (lane,) = delivered(done), done.lanes
    squares = []
    for layer, error in zip(done.findings.layers, lane.measurement.layers, strict=True):
        wanted = code(models, original, layer.name)
        missed = code(models, shown, layer.name) - wanted
        assert layer.norm == pytest.approx(np.linalg.norm(wanted), rel=1e-5)
        assert error.delivered == pytest.approx(np.linalg.norm(missed) / layer.norm, rel=1e-4)
        squares.append(error.delivered**2)
    mean = np.sqrt((squares[0] + 4 * squares[1]) / 5)
    assert lane.measurement.relative_error_delivered == pytest.approx(mean, rel=1e-4)
    kept = checkpoints.unpack(checkpoints.pack(checkpoints.collect({}, {0: lane})))
    assert given(kept).finished[0].measurement == lane.measurement


def test_a_caricature_has_classes_and_a_spread_but_no_reference_and_no_code_distances(
    models: Models,
) -> None:
    objective = spec_pb2.Objective(kind=spec_pb2.OBJECTIVE_KIND_CARICATURE)
    done = run(models, short(restarts=2, objective=objective), References((jobs.reference(),)))
    assert done.findings.reference is None
    assert given(done.findings.diversity).code_distances == ()
    assert len(done.findings.classes) == 2
    assert done.findings.passes == 2
