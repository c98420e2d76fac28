"""What can be inverted, and codes computed on request."""

import asyncio

import grpc
import numpy as np
import pytest

from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.model_service_pb2 import (
    ExtractFeaturesRequest,
    GetModelRequest,
    ListModelsRequest,
)
from preimage.v1.preimage_service_pb2 import GetPreimageRequest, ListPreimagesRequest
from preimage.v1.spec_pb2 import Representation
from preimage_queue import Job, Lane, QueueSettings
from tests.service.patience import eventually
from tests.service.rich import refused
from tests.service.specs import create, png
from tests.service.stack import Stack, running
from tests.service.test_inverting import claimed_by
from tests.service.worker import HOG, TOY, FakeWorker


def _request(layer: str = "conv", model: str = "toy", inline: int = 0) -> ExtractFeaturesRequest:
    return ExtractFeaturesRequest(
        picture=tensors.Picture(encoded=png()),
        representation=Representation(model=model, layer=layer),
        maximum_inline_bytes=inline,
    )


async def test_models_are_listed_by_name_without_layers(stack: Stack, worker: FakeWorker) -> None:
    models = (await stack.models.ListModels(ListModelsRequest())).models
    assert [model.name for model in models] == ["absent", "hog", "toy"]
    assert not any(model.layers for model in models)
    assert models[2].presets[0].name == "mv2016"
    assert "absent.safetensors" in models[0].unavailable_reason


async def test_a_model_comes_with_all_that_computing_a_code_needs(
    stack: Stack, worker: FakeWorker
) -> None:
    assert (await stack.models.GetModel(GetModelRequest(name="toy"))).model == TOY
    assert (await stack.models.GetModel(GetModelRequest(name="hog"))).model == HOG


async def test_an_unknown_model_is_not_found_and_near_ones_are_named(
    stack: Stack, worker: FakeWorker
) -> None:
    for call in (
        stack.models.GetModel(GetModelRequest(name="toyy")),
        stack.models.ExtractFeatures(_request(model="toyy")),
    ):
        error = await refused(call)
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")
        assert "'toy'" in error.message


async def test_without_any_worker_nothing_is_served(stack: Stack) -> None:
    assert not (await stack.models.ListModels(ListModelsRequest())).models
    error = await refused(stack.preimages.CreatePreimage(create()))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.preconditions == [("MODEL_NOT_SERVED", "models/toy")]


async def test_a_model_that_appears_is_known_at_once(stack: Stack, worker: FakeWorker) -> None:
    await stack.models.ListModels(ListModelsRequest())
    newer = TOY.__class__()
    newer.CopyFrom(TOY)
    newer.name = "newer"
    FakeWorker(worker.queue, name="fake-2", catalogue=(newer,)).announce()
    assert (await stack.models.GetModel(GetModelRequest(name="newer"))).model.name == "newer"


async def test_a_code_is_computed_by_a_worker_and_returned(
    stack: Stack, worker: FakeWorker
) -> None:
    call = stack.models.ExtractFeatures(_request())
    claimed = await claimed_by(worker)
    item = worker.item(claimed)
    assert (claimed.lane, claimed.slots) == (Lane.INSTANT, 0)
    assert item.extract.representation.layer == "conv"
    assert worker.blob(claimed) == png()
    code = np.linspace(0, 1, 256, dtype="<f4").tobytes()
    worker.succeed_extraction(claimed, code, [4, 8, 8])
    response = await call
    assert response.features.data == code
    assert list(response.features.shape) == list(response.shape) == [4, 8, 8]
    assert (response.input_size.height, response.provenance.model) == (8, "toy")
    job = (await stack.preimages.GetPreimage(GetPreimageRequest(id=response.id))).preimage
    assert job.spec.representation.model == "toy"
    assert not (await stack.preimages.ListPreimages(ListPreimagesRequest())).preimages


async def test_a_large_code_is_only_named(stack: Stack, worker: FakeWorker) -> None:
    call = stack.models.ExtractFeatures(_request(inline=1023))
    worker.succeed_extraction(await claimed_by(worker), bytes(1024), [4, 8, 8])
    response = await call
    assert not response.HasField("features")
    assert response.id
    assert list(response.shape) == [4, 8, 8]


async def test_an_extraction_that_fails_is_an_error_of_the_call(
    stack: Stack, worker: FakeWorker
) -> None:
    call = stack.models.ExtractFeatures(_request())
    worker.fail(
        await claimed_by(worker), "OUT_OF_MEMORY", grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    )
    error = await refused(call)
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY")


async def test_an_extraction_that_is_cancelled_elsewhere_has_no_code(
    stack: Stack, worker: FakeWorker
) -> None:
    call = asyncio.ensure_future(stack.models.ExtractFeatures(_request()))

    async def jobs() -> tuple[Job, ...]:
        return (await stack.backend.queue.list_jobs("default")).jobs

    (job,) = await eventually(jobs)
    await stack.backend.queue.cancel(job.id, "default", "")
    error = await refused(call)
    assert (error.code, error.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RESULT_NOT_READY",
    )


async def test_an_extraction_waits_for_a_bounded_time(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, extract_limit_seconds=0.1) as stack:
        error = await refused(stack.models.ExtractFeatures(_request()))
        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ExtractFeaturesRequest(representation=Representation(model="toy", layer="fc")), "picture"),
        (_request(layer="fcc"), "representation.layer"),
        (_request(layer=""), "representation.layer"),
        (_request(inline=-1), "maximum_inline_bytes"),
        (ExtractFeaturesRequest(), "representation.model"),
    ],
)
async def test_a_wrong_extraction_is_refused(
    stack: Stack, worker: FakeWorker, request_: ExtractFeaturesRequest, field: str
) -> None:
    error = await refused(stack.models.ExtractFeatures(request_))
    assert field in error.fields
