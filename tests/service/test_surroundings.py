"""What clients find besides the methods: reflection, compressed messages."""

import grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.service.specs import create
from tests.service.stack import Stack
from tests.service.worker import FakeWorker


async def _services(channel: grpc.aio.Channel) -> set[str]:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for response in stub.ServerReflectionInfo(iter([request])):
        return {service.name for service in response.list_services_response.service}
    raise AssertionError


async def test_both_ports_name_their_own_services(stack: Stack) -> None:
    common = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    names = ("PreimageService", "ModelService", "AuditService")
    callers = {f"preimage.v1.{name}" for name in names}
    assert await _services(stack.channel) == callers | common
    assert await _services(stack.operator_channel) == {"preimage.v1.AdminService"} | common


async def test_a_compression_bomb_is_stopped_by_the_limit(stack: Stack, worker: FakeWorker) -> None:
    request = create()
    request.spec.target.picture.encoded = bytes(70 * 2**20)
    call = stack.preimages.CreatePreimage(request, compression=grpc.Compression.Gzip)
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
