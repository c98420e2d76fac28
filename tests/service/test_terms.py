"""From further layers, variances and kinds of objectives to blobs and batch keys."""

import hashlib

import grpc
import numpy as np

from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.preimage_service_pb2 import TensorHeader, UploadTensorRequest
from preimage_queue import Queue
from tests.service.rich import refused
from tests.service.specs import code, create, from_code, from_picture
from tests.service.stack import Stack
from tests.service.worker import CHANNELS, FakeWorker


def _digest(tensor: tensors.Tensor) -> str:
    return hashlib.sha256(tensor.data).hexdigest()


def _of_two_layers() -> specs.PreimageSpec:
    spec = from_code()
    spec.representation.further_layers.add(layer="fc", weight=0.5, features=code(10))
    return spec


async def _key(stack: Stack, worker: FakeWorker, spec: specs.PreimageSpec) -> str:
    await stack.preimages.CreatePreimage(create(spec))
    return str(worker.must_claim().batch.batch_key)


async def test_codes_of_further_layers_become_blobs_and_references(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = _of_two_layers()
    await stack.preimages.CreatePreimage(create(spec))
    claimed = worker.must_claim()
    assert claimed.blobs == (_digest(code(4, 8, 8)), _digest(code(10)))
    (term,) = worker.item(claimed).invert.representation.further_layers
    assert (term.layer, term.weight) == ("fc", 0.5)
    assert term.WhichOneof("code") == "uploaded_features"
    assert (term.uploaded_features.digest, list(term.uploaded_features.shape)) == (
        _digest(code(10)),
        [10],
    )
    assert worker.queue.read_blob(claimed.tenant, term.uploaded_features.digest) == code(10).data


async def test_a_variance_becomes_a_blob_and_a_reference(stack: Stack, worker: FakeWorker) -> None:
    spec = from_picture()
    ones = tensors.Tensor(dtype=1, shape=[4, 8, 8], data=np.ones((4, 8, 8), "<f4").tobytes())
    spec.objective.kind = specs.OBJECTIVE_KIND_MAHALANOBIS
    spec.objective.variance.CopyFrom(ones)
    await stack.preimages.CreatePreimage(create(spec))
    claimed = worker.must_claim()
    item = worker.item(claimed)
    assert item.invert.objective.uploaded_variance.digest == _digest(ones)
    assert claimed.blobs == (item.encoded_picture_digest, _digest(ones))


async def test_the_same_bytes_are_one_blob(stack: Stack, worker: FakeWorker) -> None:
    same = tensors.Tensor(dtype=1, shape=[4, 8, 8], data=np.ones((4, 8, 8), "<f4").tobytes())
    spec = from_code(same)
    spec.objective.kind = specs.OBJECTIVE_KIND_MAHALANOBIS
    spec.objective.variance.CopyFrom(same)
    await stack.preimages.CreatePreimage(create(spec))
    assert worker.must_claim().blobs == (_digest(same),)


async def test_an_uploaded_variance_that_is_gone_is_named(stack: Stack, worker: FakeWorker) -> None:
    spec = from_code()
    spec.objective.kind = specs.OBJECTIVE_KIND_MAHALANOBIS
    spec.objective.uploaded_variance.CopyFrom(
        tensors.TensorReference(digest="0" * 64, dtype=1, shape=[4, 8, 8])
    )
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TENSOR_NOT_FOUND")
    assert error.info.metadata["field"] == "spec.objective.uploaded_variance"


async def test_uploaded_codes_of_further_layers_are_used(stack: Stack, worker: FakeWorker) -> None:
    header = TensorHeader(dtype=1, shape=[10])
    parts = [UploadTensorRequest(header=header), UploadTensorRequest(chunk=code(10).data)]
    uploaded = (await stack.preimages.UploadTensor(iter(parts))).tensor
    spec = from_code()
    spec.representation.further_layers.add(layer="fc", uploaded_features=uploaded)
    await stack.preimages.CreatePreimage(create(spec))
    assert worker.must_claim().blobs[1] == uploaded.digest


async def test_the_same_terms_twice_are_one_job_and_others_are_refused(
    stack: Stack, worker: FakeWorker
) -> None:
    first = await stack.preimages.CreatePreimage(create(_of_two_layers(), "same"))
    again = await stack.preimages.CreatePreimage(create(_of_two_layers(), "same"))
    assert (again.existed, again.preimage.id) == (True, first.preimage.id)
    other = _of_two_layers()
    other.representation.further_layers[0].weight = 0.25
    error = await refused(stack.preimages.CreatePreimage(create(other, "same")))
    assert error.reason == "REQUEST_ID_REUSED"


async def test_an_activation_takes_the_first_preset_that_is_for_it_with_its_own_steps(
    queue: Queue, stack: Stack
) -> None:
    worker = FakeWorker(queue, catalogue=(CHANNELS,), pools=("channels@d4",))
    worker.announce()
    spec = specs.PreimageSpec(
        target={"unit": {"channel": 2}},
        objective={"kind": specs.OBJECTIVE_KIND_MAXIMISE},
        representation={
            "model": "channels",
            "layer": "last",
            "input_size": {"height": 9, "width": 9},
        },
    )
    await stack.preimages.CreatePreimage(create(spec))
    claimed = worker.must_claim()
    assert (claimed.batch.batch_key.split("|")[5], claimed.cost) == ("mv2016", 300.0)


async def test_a_walk_over_strengths_is_reckoned_as_two_schedules(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = from_code()
    spec.priors.automatic.SetInParent()
    spec.optimiser.preset = "auto"
    await stack.preimages.CreatePreimage(create(spec))
    assert worker.must_claim().cost == 2 * 200.0


async def test_what_cannot_share_a_batch_has_keys_of_its_own(
    stack: Stack, worker: FakeWorker
) -> None:
    plain, cosine, unit, coordinates = from_code(), from_code(), from_code(), from_code()
    cosine.objective.kind = specs.OBJECTIVE_KIND_COSINE
    unit.objective.kind = specs.OBJECTIVE_KIND_MAXIMISE
    unit.target.unit.channel = 1
    coordinates.optimiser.parametrisation = specs.PARAMETRISATION_DCT
    coordinates.optimiser.decorrelate_colour = True
    head = "toy@d1|invert"
    tail = "8x8|float32|mv2016"
    assert await _key(stack, worker, plain) == f"{head}|conv|{tail}|own|squared"
    assert await _key(stack, worker, _of_two_layers()) == f"{head}|conv+fc|{tail}|own|squared"
    assert await _key(stack, worker, cosine) == f"{head}|conv|{tail}|own|cosine"
    assert await _key(stack, worker, unit) == f"{head}|conv|{tail}|own|inner"
    assert await _key(stack, worker, coordinates) == f"{head}|conv|{tail}|dct+decorrelated|squared"
