"""Jobs whose target stands behind a defence, as auditors ask for them."""

import numpy as np
import pytest
import safetensors.torch
import torch

from preimage.v1 import model_service_pb2, tensor_pb2, work_pb2
from preimage_orders import Fit, Order, Size, new_job
from preimage_worker import spec
from preimage_worker.engine import Engine
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.defences.defended import Defended
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.jobs import Inverted
from preimage_worker.models import Models
from tests.worker import jobs
from tests.worker.test_spec import plan_of, with_code

CPU = torch.device("cpu")
CHAIN = "pool:k=2+topk:fraction=0.25"


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


def _fitted(models: Models, chain: str = CHAIN) -> tuple[Fitted, torch.Tensor]:
    phi = models.representation("tiny", "features.3")
    generator = torch.Generator().manual_seed(0)
    pictures = 50 * torch.randn(4, 3, jobs.SIDE, jobs.SIDE, generator=generator)
    with torch.no_grad():
        codes = phi(pictures)
    (one,) = parse(chain)
    return one.fit(codes), codes


def _job(
    fitted: Fitted, chain: str, released: torch.Tensor
) -> tuple[work_pb2.WorkItem, dict[str, bytes]]:
    reading = fitted.read(released[None])
    item = with_code(reading.target.numpy())
    blobs = {"code": reading.target.numpy().tobytes()}
    item.defence.chain = chain
    item.defence.code_shape.extend(fitted.form.shape)
    item.defence.layout = model_service_pb2.CODE_LAYOUT_CHANNELS_FIRST
    if fitted.tensors():
        item.defence.statistics_digest = "learnt"
        blobs["learnt"] = safetensors.torch.save(fitted.tensors())
    if reading.bounds is not None:
        for name, side in zip(("low", "high"), reading.bounds, strict=True):
            blobs[name] = _refer(getattr(item.bounds, name), name, side)
    return item, blobs


def _refer(reference: tensor_pb2.TensorReference, name: str, tensor: torch.Tensor) -> bytes:
    reference.digest, reference.dtype = name, tensor_pb2.DATA_TYPE_FLOAT32
    reference.shape.extend(tensor.shape)
    return tensor.numpy().astype("<f4").tobytes()


def test_the_target_is_of_the_defended_code_with_its_bounds(models: Models) -> None:
    fitted, codes = _fitted(models)
    item, blobs = _job(fitted, CHAIN, fitted.release(codes[:1], 0, [0])[0])
    plan = plan_of(models, item, blobs)
    assert isinstance(plan.representation, Defended)
    (problem,) = plan.problems
    assert tuple(problem.target.shape) == fitted.smooth_shape
    assert problem.bounds is not None
    torch.testing.assert_close(plan.representation.defence.smooth(codes), fitted.smooth(codes))


def test_elements_that_are_known_less_count_less(models: Models) -> None:
    fitted, codes = _fitted(models)
    release = fitted.release(codes[:1], 0, [0])
    weighed = fitted.weigh(release)
    assert weighed is not None
    assert weighed.mask is not None
    item, blobs = _job(fitted, CHAIN, release[0])
    item.ClearField("bounds")
    blobs["weights"] = _refer(item.weights, "weights", weighed.mask)
    (problem,) = plan_of(models, item, blobs).problems
    assert problem.bounds is None
    assert problem.mask is not None
    torch.testing.assert_close(problem.mask, weighed.mask)


@pytest.mark.parametrize("chain", [CHAIN, "pca:components=2", "quantise:bits=4"])
def test_what_was_learnt_travels_with_the_job(models: Models, chain: str) -> None:
    fitted, codes = _fitted(models, chain)
    item, blobs = _job(fitted, chain, fitted.release(codes[:1], 0, [0])[0])
    phi = plan_of(models, item, blobs).representation
    assert isinstance(phi, Defended)
    torch.testing.assert_close(phi.defence.smooth(codes), fitted.smooth(codes))


def test_jobs_behind_other_defences_are_in_other_batches(models: Models) -> None:
    keys = set()
    for chain in ("pool:k=2", "topk:fraction=0.25"):
        fitted, codes = _fitted(models, chain)
        item, blobs = _job(fitted, chain, fitted.release(codes[:1], 0, [0])[0])
        keys.add(plan_of(models, item, blobs).key)
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("pool:k=2,4", "is 2 defences"),
        ("pol:k=2", "pol"),
        ("pca:components=2", "fit the defence again"),
    ],
)
def test_a_defence_that_cannot_be_made_ends_the_job_with_a_sentence(
    models: Models, chain: str, words: str
) -> None:
    fitted, codes = _fitted(models)
    item, blobs = _job(fitted, chain, fitted.release(codes[:1], 0, [0])[0])
    with pytest.raises(InvalidSpecError, match=words):
        plan_of(models, item, blobs)


def test_what_was_learnt_must_be_there_and_be_tensors(models: Models) -> None:
    fitted, codes = _fitted(models, "pca:components=2")
    item, blobs = _job(fitted, "pca:components=2", fitted.release(codes[:1], 0, [0])[0])
    with pytest.raises(InvalidSpecError, match="no safetensors"):
        plan_of(models, item, {**blobs, "learnt": b"rubbish"})
    del blobs["learnt"]
    with pytest.raises(InvalidSpecError, match="not in the queue any more"):
        plan_of(models, item, blobs)


def test_the_engine_runs_such_a_job_and_measures_behind_the_defence(models: Models) -> None:
    fitted, codes = _fitted(models)
    item, blobs = _job(fitted, CHAIN, fitted.release(codes[:1], 0, [0])[0])
    item.invert.optimiser.steps = 30
    engine = Engine(models, jobs.settings(), CPU)
    assert engine.admit(jobs.delivery(item, blobs)) is None
    settled = []
    while not settled:
        settled = engine.boundary().settled
    (done,) = settled
    assert isinstance(done, Inverted)
    (lane,) = done.lanes
    assert 0 <= lane.measurement.relative_error < 1
    assert done.findings.reference is None
    assert np.isfinite(lane.levels).all()


def test_the_queue_and_the_worker_tell_defences_apart_alike(models: Models) -> None:
    model = models.served("tiny").announcement
    (layer,) = [each for each in model.layers if each.name == "features.3"]
    item = jobs.inversion()
    item.defence.chain = "pool:k=2"
    job = new_job(Order("me", "r", Fit(model, layer, Size(jobs.SIDE, jobs.SIDE)), item, {}))
    assert job.batch_key.split("|")[-1] == spec.defence_key(item)
    item.ClearField("defence")
    assert spec.defence_key(item) == ""
    job = new_job(Order("me", "r", Fit(model, layer, Size(jobs.SIDE, jobs.SIDE)), item, {}))
    assert job.batch_key.endswith("|squared")
