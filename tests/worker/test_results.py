"""Results on the wire: what was measured, and the files beside it."""

import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import work_pb2
from preimage_worker.engine import Engine
from preimage_worker.findings import Classes, Diversity, Findings, LayerTarget
from preimage_worker.inversion.report import LaneReport, LayerError, Measurement
from preimage_worker.inversion.settings import Loss
from preimage_worker.jobs import Inverted, Pulse, Ticket
from preimage_worker.models import Models
from preimage_worker.reference.sets import Reference
from preimage_worker.results.course import loss_curve
from preimage_worker.results.errors import code_errors
from preimage_worker.results.events import event
from preimage_worker.results.fidelity import EQUAL_PSNR_DB, fidelity
from preimage_worker.results.inverted import inverted
from preimage_worker.results.parcel import Parcel
from preimage_worker.results.provenance import Surroundings
from tests.worker import jobs

REFERENCE = Reference("m", "d", "l", 8, 9, 3, "p", 4.0, 20.0, (1.0, 2.0, 3.0, 4.0, 5.0))


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


@pytest.fixture(scope="module")
def done(models: Models) -> Inverted:
    """Two restarts of ten steps."""
    engine = Engine(models, jobs.settings(), torch.device("cpu"))
    engine.admit(jobs.delivery(jobs.inversion(optimiser=jobs.steps(10), restarts=2)))
    (settled,) = engine.boundary().settled
    assert isinstance(settled, Inverted)
    return settled


def parcel(models: Models, done: Inverted, **findings: object) -> Parcel:
    changed = dataclasses.replace(done.findings, **findings)  # type: ignore[arg-type]
    changed_job = dataclasses.replace(done, findings=changed)
    return inverted(changed_job, models.served("tiny"), Surroundings("worker", "cpu"), 1.5)


def result(parcel: Parcel) -> wire.PreimageResult:
    return parcel.result.invert


def test_errors_against_a_reference_are_of_the_distances_themselves() -> None:
    # ‖Φ(x) − Φ₀‖ is 0.2 · 10 = 2 of the optimised and 0.4 · 10 = 4 of the delivered picture.
    errors = code_errors(Measurement(0.2, 0.4, 12), 10.0, REFERENCE)
    assert (errors.relative, errors.relative_delivered, errors.target_norm) == (0.2, 0.4, 10)
    assert errors.reference.paper_2015 == pytest.approx(2 / 4)
    assert errors.reference.released_2015 == pytest.approx(2**2 / 20)
    assert errors.reference.percentile == pytest.approx(0.25)
    assert errors.reference_delivered.paper_2015 == pytest.approx(4 / 4)
    assert errors.reference_delivered.released_2015 == pytest.approx(4**2 / 20)
    assert errors.reference_delivered.percentile == pytest.approx(0.75)
    assert errors.reference.pictures == 3
    assert errors.reference.digest == REFERENCE.digest


def test_without_a_reference_there_are_no_reference_errors() -> None:
    errors = code_errors(Measurement(0.2, 0.4, 12), 10.0, None)
    assert not errors.HasField("reference")
    assert not errors.HasField("reference_delivered")


def test_each_layer_of_several_has_its_own_errors() -> None:
    measured = Measurement(0.2, 0.4, 12, (LayerError(0.1, 0.3), LayerError(0.25, 0.5)))
    layers = (LayerTarget("a", 7.0), LayerTarget("b", 9.0))
    assert list(code_errors(measured, 1.0, layers=layers).layers) == [
        wire.LayerErrors(layer="a", relative=0.1, relative_delivered=0.3, target_norm=7),
        wire.LayerErrors(layer="b", relative=0.25, relative_delivered=0.5, target_norm=9),
    ]


def raising(done: Inverted) -> Inverted:
    """The same job, as if its numbers were activations."""
    settings = dataclasses.replace(done.plan.settings, loss=Loss.INNER)
    return dataclasses.replace(done, plan=dataclasses.replace(done.plan, settings=settings))


def test_an_activation_is_reported_in_place_of_an_error(models: Models, done: Inverted) -> None:
    sent = result(parcel(models, raising(done)))
    for each, lane in zip(sent.reconstructions, done.lanes, strict=True):
        assert not each.HasField("errors")
        assert each.activation.start == pytest.approx(lane.curve[0, 4])
        assert each.activation.optimised == lane.measurement.relative_error
        assert each.activation.delivered == lane.measurement.relative_error_delivered
        assert each.activation.scale == done.plan.problems[0].divisor
        assert list(each.loss_curve.activation) == pytest.approx(lane.curve[:, 4].tolist())
        assert not each.loss_curve.relative_error
    delivered = [lane.measurement.relative_error_delivered for lane in done.lanes]
    assert sent.best == int(np.argmax(delivered))


@pytest.mark.parametrize("raises", [False, True])
def test_progress_tells_an_error_or_an_activation(*, raises: bool) -> None:
    report = LaneReport(10, 40, 10, 3.0, 2.0, 0.5, 0.5, 0.25, None)
    told = work_pb2.WorkEvent.FromString(
        event(Pulse(Ticket("job", 1, "default"), report, raises=raises))
    ).progress
    assert (told.step, told.total_steps, told.objective) == (10, 40, 3)
    assert told.HasField("activation") == raises
    assert (told.activation, told.relative_error) == ((0.25, 0) if raises else (0, 0.25))


def test_a_long_curve_is_thinned_out_evenly() -> None:
    curve = np.arange(1200, dtype=np.float32)[:, None] + np.zeros(5, dtype=np.float32)
    thin = loss_curve(curve, raises=False)
    assert list(thin.steps) == list(range(0, 1200, 3))
    assert list(thin.relative_error) == list(range(0, 1200, 3))


def test_every_restart_is_compared_with_the_reference_of_the_job(
    models: Models, done: Inverted
) -> None:
    for each in result(parcel(models, done, reference=REFERENCE)).reconstructions:
        distance = each.errors.relative * done.plan.target_norm
        assert each.errors.reference.paper_2015 == pytest.approx(distance / 4)


def test_classes_and_passes_are_of_their_own_restart(models: Models, done: Inverted) -> None:
    classes = (Classes(7, 8, 9), Classes(7, 7, 7))
    first, second = result(parcel(models, done, classes=classes, passes=3)).reconstructions
    assert first.classes == wire.ClassAgreement(original=7, optimised=8, delivered=9)
    assert second.classes == wire.ClassAgreement(original=7, optimised=7, delivered=7)
    assert first.network_passes == 10 + 2 + 3
    without = result(parcel(models, done, classes=(), passes=0)).reconstructions[0]
    assert not without.HasField("classes")
    assert without.network_passes == 10 + 2


def test_the_spread_is_delivered_as_numbers_and_as_a_picture(
    models: Models, done: Inverted
) -> None:
    spread = np.array([[0.0, 16.0, 32.0], [64.0, 100.0, 127.5]], dtype=np.float32)
    found = Diversity((3.0, 4.0, 8.0), (0.1, 0.2, 0.6), spread)
    sent = parcel(models, done, diversity=found)
    diversity = result(sent).diversity
    assert list(diversity.picture_distances) == [3, 4, 8]
    assert diversity.mean_picture_distance == 5
    assert diversity.mean_code_distance == pytest.approx(0.3)
    assert diversity.spread.name == "spread.f32"
    assert list(diversity.spread.shape) == [2, 3]
    assert np.array_equal(np.frombuffer(sent.files["spread.f32"], "<f4").reshape(2, 3), spread)
    with Image.open(io.BytesIO(sent.files[diversity.spread_picture.name])) as picture:
        assert np.asarray(picture).tolist() == [[0, 64, 128], [255, 255, 255]]
    assert diversity.spread_picture.size_bytes == len(sent.files["spread.png"])


def test_one_restart_has_no_diversity(models: Models, done: Inverted) -> None:
    sent = parcel(models, done, diversity=None)
    assert not result(sent).HasField("diversity")
    assert "spread.png" not in sent.files


def test_every_artifact_is_a_file_of_its_size(models: Models, done: Inverted) -> None:
    sent = parcel(models, done)
    diversity = result(sent).diversity
    artifacts = [each for lane in result(sent).reconstructions for each in lane.artifacts]
    artifacts += [diversity.spread, diversity.spread_picture]
    assert {each.name: each.size_bytes for each in artifacts} == {
        name: len(data) for name, data in sent.files.items()
    }
    assert len(artifacts) == 6


def test_the_best_restart_has_the_lowest_error_of_its_delivered_picture(
    models: Models, done: Inverted
) -> None:
    errors = [lane.measurement.relative_error_delivered for lane in done.lanes]
    assert result(parcel(models, done)).best == int(np.argmin(errors))


def test_pictures_of_other_than_one_or_three_channels_are_numbers_alone(
    models: Models, done: Inverted
) -> None:
    lanes = tuple(
        dataclasses.replace(lane, levels=np.repeat(lane.levels, 2, axis=0)) for lane in done.lanes
    )
    plan = dataclasses.replace(done.plan, original=None)
    job = dataclasses.replace(done, lanes=lanes, plan=plan, findings=Findings())
    assert set(parcel(models, job).files) == {"0/picture.f32", "1/picture.f32"}


def test_equal_pictures_have_a_finite_psnr_and_small_ones_no_ssim() -> None:
    grey = np.full((10, 12), 7, dtype=np.uint8)
    likeness = fidelity(grey, np.repeat(grey[:, :, None], 3, axis=2))
    assert likeness.psnr_db == EQUAL_PSNR_DB
    assert not likeness.HasField("ssim")


def test_psnr_and_ssim_are_of_the_pictures_as_they_are_delivered() -> None:
    generator = np.random.default_rng(0)
    original = generator.integers(60, 180, (20, 24, 3), dtype=np.uint8)
    likeness = fidelity(original + np.uint8(10), original)
    assert likeness.psnr_db == pytest.approx(20 * np.log10(255 / 10))
    assert 0.9 < likeness.ssim < 1
