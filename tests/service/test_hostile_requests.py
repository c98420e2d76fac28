"""Whatever arrives, no call ends as INTERNAL or UNKNOWN, and the server goes on."""

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_service_pb2 as preimages
from preimage.v1.model_service_pb2 import ListModelsRequest
from tests.service.specs import create, from_picture
from tests.service.stack import Stack
from tests.service.worker import FakeWorker

FORBIDDEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
SERVICES: tuple[ServiceDescriptor, ...] = (
    preimages.DESCRIPTOR.services_by_name["PreimageService"],
    models.DESCRIPTOR.services_by_name["ModelService"],
    admin.DESCRIPTOR.services_by_name["AdminService"],
)
METHODS = [
    pytest.param(service, method, id=method.name)
    for service in SERVICES
    for method in service.methods
]
_EXTREME = (0, -1, 1, 2**31 - 1, -(2**31))


def _strange_value(field: Any, dice: np.random.Generator) -> object:  # noqa: ANN401  two kinds of descriptor
    kinds = {
        FieldDescriptor.CPPTYPE_STRING: lambda: (
            [b"", b"\xff\xfe", bytes(40)][dice.integers(3)]
            if field.type == FieldDescriptor.TYPE_BYTES
            else ["", "toy", "conv", "\0", "a" * 32, "é" * 70, "1-1+0"][dice.integers(7)]
        ),
        FieldDescriptor.CPPTYPE_BOOL: lambda: bool(dice.integers(2)),
        FieldDescriptor.CPPTYPE_ENUM: lambda: int(dice.integers(-2, 9)),
        FieldDescriptor.CPPTYPE_INT32: lambda: _EXTREME[dice.integers(5)],
        FieldDescriptor.CPPTYPE_UINT64: lambda: 2**64 - 1,
        FieldDescriptor.CPPTYPE_INT64: lambda: (*_EXTREME, 2**63 - 1, -(2**63))[dice.integers(7)],
    }
    floats = (0.0, -1.0, float("nan"), float("inf"), 1e308, 5e-324)
    return kinds.get(field.cpp_type, lambda: floats[dice.integers(6)])()


def _fill(message: Message, dice: np.random.Generator, depth: int = 0) -> None:
    """Set fields at random, to values at the edges."""
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.3:
            continue
        if field.message_type is None and field.is_repeated:
            getattr(message, field.name).extend([_strange_value(field, dice) for _ in range(3)])
        elif field.message_type is None:
            setattr(message, field.name, _strange_value(field, dice))
        elif field.is_repeated:
            _fill(getattr(message, field.name).add(), dice, depth + 1)
        else:
            inner = getattr(message, field.name)
            inner.SetInParent()
            _fill(inner, dice, depth + 1)


def _requests(kind: type[Message]) -> Iterator[bytes]:
    """Requests made of random bytes, and messages made of random fields."""
    dice = np.random.default_rng(7)
    for size in (0, 1, 7, 100, 3000):
        yield dice.bytes(size)
    for _ in range(60):
        message = kind()
        _fill(message, dice)
        yield message.SerializeToString()


@pytest.mark.parametrize(("service", "method"), METHODS)
async def test_no_request_however_malformed_is_internal(
    stack: Stack, worker: FakeWorker, service: ServiceDescriptor, method: MethodDescriptor
) -> None:
    channel = stack.operator_channel if service.name == "AdminService" else stack.channel
    for data in _requests(GetMessageClass(method.input_type)):
        code = await _code(channel, service, method, data)
        assert code not in FORBIDDEN, data
    assert len((await stack.models.ListModels(ListModelsRequest())).models) == 3


_PARTS = (
    "representation.mask",
    "representation.further_layers",
    "target.unit",
    "target.uploaded_features",
    "objective",
    "priors",
    "optimiser",
    "stopping",
    "repulsion",
)


@pytest.mark.parametrize("part", _PARTS)
async def test_no_part_of_a_request_that_is_right_otherwise_is_internal(
    stack: Stack, worker: FakeWorker, part: str
) -> None:
    dice = np.random.default_rng(11)
    for index in range(40):
        request = create(from_picture() if index % 2 else None)
        message: Any = request.spec
        *way, last = part.split(".")
        for name in way:
            message = getattr(message, name)
        inner = getattr(message, last)
        if hasattr(inner, "add"):
            inner = inner.add(layer="fc")
        inner.SetInParent()
        _fill(inner, dice)
        request.spec.objective.kind = dice.choice([0, 1, 3, 4, 5])
        method = preimages.DESCRIPTOR.services_by_name["PreimageService"].methods_by_name[
            "CreatePreimage"
        ]
        code = await _code(stack.channel, SERVICES[0], method, request.SerializeToString())
        assert code not in FORBIDDEN, request


async def _code(
    channel: grpc.aio.Channel, service: ServiceDescriptor, method: MethodDescriptor, data: bytes
) -> grpc.StatusCode:
    """The status that raw bytes as a request end with; time runs out where all was right."""
    path = f"/{service.full_name}/{method.name}"
    call: Any
    if method.client_streaming:
        upload: Any = channel.stream_unary(path)
        call = upload(iter([data, data]), timeout=5)
    else:
        ask: Any = (
            channel.unary_stream(path) if method.server_streaming else channel.unary_unary(path)
        )
        call = ask(data, timeout=0.5)
    code: grpc.StatusCode = await call.code()
    return code


async def test_pictures_and_unknown_fields_do_not_end_up_in_the_specification(
    stack: Stack, worker: FakeWorker
) -> None:
    raw = create(from_picture()).SerializeToString()
    with_extra = preimages.CreatePreimageRequest.FromString(raw)
    extra = bytes([0xFA, 0x3E]) + bytes([0x80, 0x80, 0x04]) + bytes(65536)  # field 1007
    with_extra.spec.MergeFromString(extra)
    await stack.preimages.CreatePreimage(with_extra)
    assert len(worker.must_claim().spec) < 500
