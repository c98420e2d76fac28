"""From a request to a job of the queue, over a real channel."""

import hashlib

import pytest

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.preimage_service_pb2 import (
    DeletePreimageRequest,
    GetPreimageRequest,
    TensorHeader,
    UploadTensorRequest,
)
from preimage_queue import Lane
from tests.service.rich import refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack
from tests.service.worker import FakeWorker


async def test_a_code_becomes_a_job_with_a_blob_and_a_reference(
    stack: Stack, worker: FakeWorker
) -> None:
    features = code(4, 8, 8)
    response = await stack.preimages.CreatePreimage(create(from_code(features), "r-1"))
    preimage = response.preimage
    assert (preimage.state, preimage.request_id) == (preimages.STATE_QUEUED, "r-1")
    assert not response.existed
    digest = hashlib.sha256(features.data).hexdigest()
    reference = preimage.spec.target.uploaded_features
    assert (reference.digest, list(reference.shape)) == (digest, [4, 8, 8])

    claimed = worker.must_claim()
    item = worker.item(claimed)
    assert item.invert.target.uploaded_features == reference
    assert item.model_digest == "d1"
    assert worker.blob(claimed) == features.data
    assert claimed.batch.pool == "toy@d1"
    assert claimed.batch.batch_key == "toy@d1|invert|conv|8x8|float32|mv2016|own|squared"
    assert (claimed.lane, claimed.slots, claimed.cost) == (Lane.INTERACTIVE, 1, 350.0)


async def test_an_encoded_picture_is_named_by_its_digest_alone(
    stack: Stack, worker: FakeWorker
) -> None:
    picture = png(20, 30)
    response = await stack.preimages.CreatePreimage(create(from_picture(picture)))
    assert response.preimage.spec.target.WhichOneof("source") == "picture"
    assert response.preimage.request_id == ""
    claimed = worker.must_claim()
    item = worker.item(claimed)
    assert item.encoded_picture_digest == hashlib.sha256(picture).hexdigest()
    assert item.invert.target.WhichOneof("source") == "picture"
    assert worker.blob(claimed) == picture
    assert "|8x8|" in claimed.batch.batch_key


async def test_pixels_become_an_uploaded_tensor(stack: Stack, worker: FakeWorker) -> None:
    spec = from_picture()
    pixels = tensors.Tensor(dtype=tensors.DATA_TYPE_UINT8, shape=[6, 5, 3], data=bytes(90))
    spec.target.picture.pixels.CopyFrom(pixels)
    await stack.preimages.CreatePreimage(create(spec))
    claimed = worker.must_claim()
    stored = worker.item(claimed).invert.target.picture.uploaded
    assert (list(stored.shape), stored.dtype) == ([6, 5, 3], tensors.DATA_TYPE_UINT8)
    assert worker.blob(claimed) == bytes(90)


async def test_an_uploaded_code_is_used_without_being_sent_again(
    stack: Stack, worker: FakeWorker
) -> None:
    features = code(4, 8, 8)
    header = TensorHeader(dtype=features.dtype, shape=features.shape)
    parts = [UploadTensorRequest(header=header), UploadTensorRequest(chunk=features.data)]
    uploaded = (await stack.preimages.UploadTensor(iter(parts))).tensor
    spec = from_code()
    spec.target.uploaded_features.CopyFrom(uploaded)
    await stack.preimages.CreatePreimage(create(spec))
    assert worker.blob(worker.must_claim()) == features.data


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("request_id", ["", "r-1"])
async def test_the_answer_says_what_reading_the_job_says(
    stack: Stack, restarts: int, request_id: str
) -> None:
    spec = from_code()
    spec.restarts = restarts
    spec.deadline.FromSeconds(3600)
    made = (await stack.preimages.CreatePreimage(create(spec, request_id))).preimage
    read = await stack.preimages.GetPreimage(GetPreimageRequest(id=made.id))
    assert made == read.preimage


async def test_the_same_request_twice_is_one_job(stack: Stack, worker: FakeWorker) -> None:
    first = await stack.preimages.CreatePreimage(create(request_id="same"))
    second = await stack.preimages.CreatePreimage(create(request_id="same"))
    assert first.preimage.id == second.preimage.id
    assert second.existed
    assert worker.claim() is not None
    assert worker.claim() is None


async def test_a_request_is_repeated_though_its_input_went_with_an_equal_job(
    stack: Stack, worker: FakeWorker
) -> None:
    features = code(4, 8, 8)
    header = TensorHeader(dtype=features.dtype, shape=features.shape)
    parts = [UploadTensorRequest(header=header), UploadTensorRequest(chunk=features.data)]
    spec = from_code()
    uploaded = (await stack.preimages.UploadTensor(iter(parts))).tensor
    spec.target.uploaded_features.CopyFrom(uploaded)
    made = [(await stack.preimages.CreatePreimage(create(spec, name))).preimage for name in "ab"]
    for _ in made:
        worker.succeed(worker.must_claim())
    await stack.preimages.DeletePreimage(DeletePreimageRequest(id=made[0].id))
    again = await stack.preimages.CreatePreimage(create(spec, "b"))
    assert (again.preimage.id, again.existed) == (made[1].id, True)
    error = await refused(stack.preimages.CreatePreimage(create(spec, "c")))
    assert error.reason == "TENSOR_NOT_FOUND"


async def test_without_a_request_id_every_call_makes_a_job(
    stack: Stack, worker: FakeWorker
) -> None:
    made = [await stack.preimages.CreatePreimage(create()) for _ in range(2)]
    assert made[0].preimage.id != made[1].preimage.id


async def test_what_is_asked_for_decides_lane_slots_cost_and_key(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = from_code(code(10), "fc")
    spec.lane = specs.LANE_BATCH
    spec.restarts = 3
    spec.optimiser.preset = "mv2015"
    spec.optimiser.steps = 20
    spec.optimiser.precision = specs.PRECISION_BFLOAT16
    spec.representation.input_size.CopyFrom(tensors.PictureSize(height=12, width=16))
    spec.deadline.FromMilliseconds(90_000)
    await stack.preimages.CreatePreimage(create(spec))
    claimed = worker.must_claim()
    assert (claimed.lane, claimed.slots, claimed.cost) == (Lane.BATCH, 3, 60.0)
    assert claimed.batch.batch_key == "toy@d1|invert|fc|12x16|bfloat16|mv2015|own|squared"
    assert claimed.deadline_ms is not None
    assert claimed.deadline_ms - claimed.created_ms == 90_000


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<f2"])
async def test_codes_of_every_float_type_are_taken(
    stack: Stack, worker: FakeWorker, dtype: str
) -> None:
    await stack.preimages.CreatePreimage(create(from_code(code(4, 8, 8, dtype=dtype))))
    assert worker.claim() is not None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_pictures_of_every_allowed_format_are_taken(
    stack: Stack, worker: FakeWorker, kind: str
) -> None:
    await stack.preimages.CreatePreimage(create(from_picture(png(9, 7, kind))))
    assert worker.claim() is not None


async def test_a_model_of_any_size_takes_the_size_of_the_picture_or_of_the_code(
    stack: Stack, worker: FakeWorker
) -> None:
    await stack.preimages.CreatePreimage(create(from_picture(png(40, 33), "hog")))
    assert "|40x33|" in worker.must_claim().batch.batch_key
    spec = from_picture(model="hog")
    spec.target.features.CopyFrom(code(27, 5, 4))
    await stack.preimages.CreatePreimage(create(spec))
    assert "|40x32|" in worker.must_claim().batch.batch_key


async def test_the_progress_of_a_maximisation_ends_with_its_activation(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = from_code()
    spec.objective.kind = specs.OBJECTIVE_KIND_MAXIMISE
    made = (await stack.preimages.CreatePreimage(create(spec))).preimage
    worker.succeed(worker.must_claim(), activation=6.5)
    done = (await stack.preimages.GetPreimage(GetPreimageRequest(id=made.id))).preimage
    assert (done.progress.activation, done.progress.relative_error) == (6.5, 0.0)
    assert not done.result.reconstructions[0].HasField("errors")


async def test_a_job_can_be_read_back_at_every_stage(stack: Stack, worker: FakeWorker) -> None:
    made = (await stack.preimages.CreatePreimage(create())).preimage
    claimed = worker.must_claim()
    worker.progress(claimed, 70)
    running = (await stack.preimages.GetPreimage(GetPreimageRequest(id=made.id))).preimage
    assert running.state == preimages.STATE_RUNNING
    assert (running.progress.step, running.progress.total_steps, running.attempt) == (70, 350, 1)
    assert (running.progress.objective, running.progress.relative_error) == (1 / 70, 0.5 / 70)
    assert running.start_time.ToMilliseconds() >= running.create_time.ToMilliseconds() > 0
    assert not running.HasField("end_time")
    worker.succeed(claimed)
    done = (await stack.preimages.GetPreimage(GetPreimageRequest(id=made.id))).preimage
    assert done.state == preimages.STATE_SUCCEEDED
    assert done.result.reconstructions[0].artifacts[0].name == "0/picture.png"
    assert (done.progress.step, done.progress.relative_error) == (350, 0.05)
    assert done.expire_time.ToMilliseconds() > done.end_time.ToMilliseconds() > 0
