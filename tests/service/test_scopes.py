"""Every method against every scope: who is let in, and what the others are told."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import audit_service_pb2 as audits
from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_service_pb2 as preimages
from preimage_queue import QueueSettings
from preimage_service.callers import Scope
from preimage_service.identity import SCOPES
from tests.service.rich import Rich, read
from tests.service.stack import Stack, running
from tests.service.tokens import ADMIN, READ, SUBMIT, bearer, entry, write

Code = grpc.StatusCode
Metadata = tuple[tuple[str, str], ...]
REFUSALS = {Code.UNAUTHENTICATED, Code.PERMISSION_DENIED}
NEEDED = {
    "CreatePreimage": SUBMIT,
    "GetPreimage": READ,
    "ListPreimages": READ,
    "WatchPreimage": READ,
    "CancelPreimage": SUBMIT,
    "DeletePreimage": SUBMIT,
    "DownloadResult": READ,
    "UploadTensor": SUBMIT,
    "Invert": SUBMIT,
    "ListModels": READ,
    "GetModel": READ,
    "ExtractFeatures": SUBMIT,
    "PlanAudit": READ,
    "CreateAudit": SUBMIT,
    "GetAudit": READ,
    "WatchAudit": READ,
    "GetAuditReport": READ,
    "CancelAudit": SUBMIT,
    "DeleteAudit": SUBMIT,
    "ListWorkers": ADMIN,
    "DrainWorker": ADMIN,
    "ListDeadLetters": ADMIN,
    "RequeueDeadLetter": ADMIN,
    "GetQueueStats": ADMIN,
}
MODULES = (preimages, models, audits, admin)
FILES: tuple[FileDescriptor, ...] = tuple(module.DESCRIPTOR for module in MODULES)
STREAMED = {"UploadTensor", "CreateAudit"}


def methods() -> Iterator[tuple[str, str]]:
    for file in FILES:
        for service in file.services_by_name.values():
            yield from ((service.full_name, method.name) for method in service.methods)


@pytest.fixture
async def guarded(queue_settings: QueueSettings, tmp_path: Path) -> AsyncIterator[Stack]:
    """A frontend with a token for each scope, called as the scope is."""
    scopes = (SUBMIT, READ, ADMIN)
    file = write(tmp_path, *(entry(scope, scope, scopes=(scope,)) for scope in scopes))
    async with running(queue_settings, tokens=file) as stack:
        yield stack


def _stub(stack: Stack, method: str) -> Callable[..., Any]:
    for stub in (stack.preimages, stack.models, stack.audits, stack.admin):
        if hasattr(stub, method):
            found: Callable[..., Any] = getattr(stub, method)
            return found
    raise AssertionError(method)


async def _call(stack: Stack, method: str, metadata: Metadata = ()) -> Rich | None:
    """Call with an empty request; None if it succeeded, else how it was refused."""
    request = next(
        message() for module in MODULES if (message := getattr(module, f"{method}Request", None))
    )
    begin = _stub(stack, method)
    try:
        call = begin([request] if method in STREAMED else request, metadata=metadata)
        if isinstance(call, Awaitable):
            await call
        else:
            await anext(aiter(call), None)
    except grpc.aio.AioRpcError as error:
        return read(error)
    return None


def test_the_table_is_that_of_the_contract_and_no_method_is_left_out() -> None:
    assert {name for _, name in methods()} == set(NEEDED)
    own = {place: scope for place, scope in SCOPES.items() if place[0].startswith("preimage.")}
    assert own == {(service, name): Scope(NEEDED[name]) for service, name in methods()}


@pytest.mark.parametrize("scope", [SUBMIT, READ, ADMIN])
@pytest.mark.parametrize("method", NEEDED)
async def test_a_method_is_open_to_its_scope_alone(guarded: Stack, method: str, scope: str) -> None:
    refusal = await _call(guarded, method, bearer(scope))
    if scope == NEEDED[method]:
        assert refusal is None or refusal.code not in REFUSALS
        return
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (Code.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert refusal.info.metadata["scope"] == NEEDED[method]
    assert f"needs the scope '{NEEDED[method]}'" in refusal.message
    assert f"'{scope}' does not have" in refusal.message


@pytest.mark.parametrize("method", NEEDED)
async def test_without_a_token_no_method_answers(guarded: Stack, method: str) -> None:
    refusal = await _call(guarded, method)
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (Code.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert "Bearer TOKEN" in refusal.message


@pytest.mark.parametrize(
    "metadata",
    [
        bearer("unknown"),
        bearer(""),
        (("authorization", "Basic cmVhZA=="),),
        (("authorization", "read"),),
        (*bearer("read"), *bearer("read")),
    ],
    ids=["unknown", "empty", "basic", "bare", "twice"],
)
async def test_what_is_no_token_is_refused(guarded: Stack, metadata: Metadata) -> None:
    refusal = await _call(guarded, "ListModels", metadata)
    assert refusal is not None
    assert refusal.code is Code.UNAUTHENTICATED


async def test_what_nobody_known_sends_is_not_even_received(
    queue_settings: QueueSettings, tmp_path: Path
) -> None:
    file = write(tmp_path, entry("mine", "mine"))
    async with running(queue_settings, tokens=file, maximum_message_bytes=1000) as stack:
        send = stack.channel.unary_unary("/preimage.v1.PreimageService/CreatePreimage")

        async def code_of(metadata: Metadata) -> grpc.StatusCode:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await send(bytes(2000), metadata=metadata)
            return caught.value.code()

        assert await code_of(bearer("mine")) is Code.RESOURCE_EXHAUSTED, "received: too large"
        for metadata in ((), bearer("wrong")):
            assert await code_of(metadata) is Code.UNAUTHENTICATED


async def test_the_word_bearer_may_be_written_in_any_case(guarded: Stack) -> None:
    assert await _call(guarded, "ListModels", (("authorization", "bearer read"),)) is None


async def test_a_token_may_have_several_scopes(
    queue_settings: QueueSettings, tmp_path: Path
) -> None:
    file = write(tmp_path, entry("both", "secret", scopes=(READ, ADMIN)))
    async with running(queue_settings, tokens=file) as stack:
        assert await _call(stack, "ListModels", bearer("secret")) is None
        assert await _call(stack, "ListWorkers", bearer("secret")) is None
        refusal = await _call(stack, "CreatePreimage", bearer("secret"))
        assert refusal is not None
        assert refusal.code is Code.PERMISSION_DENIED


async def test_health_is_open_on_both_ports(guarded: Stack) -> None:
    for channel in (guarded.channel, guarded.operator_channel):
        stub = health_pb2_grpc.HealthStub(channel)
        response = await stub.Check(health_pb2.HealthCheckRequest())
        assert response.status in health_pb2.HealthCheckResponse.ServingStatus.values()
        watched = await anext(aiter(stub.Watch(health_pb2.HealthCheckRequest())))
        assert watched.status in health_pb2.HealthCheckResponse.ServingStatus.values()


async def test_reflection_needs_a_token_and_any_will_do(guarded: Stack) -> None:
    for channel in (guarded.channel, guarded.operator_channel):
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
        answer = await anext(aiter(stub.ServerReflectionInfo(asked, metadata=bearer("admin"))))
        assert answer.list_services_response.service
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(aiter(stub.ServerReflectionInfo(asked)))
        assert caught.value.code() is Code.UNAUTHENTICATED


async def test_without_tokens_and_certificates_everybody_on_this_machine_may_call(
    stack: Stack,
) -> None:
    for method in NEEDED:
        refusal = await _call(stack, method, bearer("anything"))
        assert refusal is None or refusal.code not in REFUSALS
