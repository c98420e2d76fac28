"""Mutated calls on every method of every service, over real connections to a real process."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final, final

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import audit_service_pb2 as audit_calls
from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_service_pb2 as calls
from preimage.v1.tensor_pb2 import DATA_TYPE_FLOAT32, Picture
from tests.fuzz import audits, seeds
from tests.fuzz.messages import mutated_bytes
from tests.fuzz.process import Frontend

SERVICES: Final[tuple[ServiceDescriptor, ...]] = (
    calls.DESCRIPTOR.services_by_name["PreimageService"],
    models.DESCRIPTOR.services_by_name["ModelService"],
    audit_calls.DESCRIPTOR.services_by_name["AuditService"],
    admin.DESCRIPTOR.services_by_name["AdminService"],
)
DOCUMENTED: Final = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""What a caller without tokens may get; UNIMPLEMENTED for methods that do not exist."""

_DETAILS: Final = "grpc-status-details-bin"
_OWN: Final = [("grpc.use_local_subchannel_pool", 1)]
_AT_ONCE: Final = 12
_WAITS_SECONDS: Final = 2.0
_STRANGE: Final = (("authorization", "Bearer \x7f"), ("x-bin", b"\xff\0"), ("a" * 200, "b" * 2000))


@final
@dataclass
class Answers:
    """What came back."""

    calls: int = 0
    seconds: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)
    by_method: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """Answers that must not be, with the requests that led to them."""

    def note(self, method: str, code: grpc.StatusCode, fault: str, parts: Sequence[bytes]) -> None:
        self.calls += 1
        self.codes[code.name] += 1
        self.by_method.setdefault(method, Counter())[code.name] += 1
        if code not in DOCUMENTED or fault:
            sent = b"|".join(parts)[:300]
            self.wrong.append(f"{method}: {code.name} {fault} for {sent!r}")


@cache
def _requests() -> dict[str, list[Message]]:
    """Valid requests, by method."""
    jobs = seeds.requests()
    picture = Picture(encoded=seeds.pictures()[0])
    representation = jobs[0].spec.representation
    one = "0" * 32
    return {
        "CreatePreimage": list(jobs),
        "Invert": [calls.InvertRequest(spec=job.spec, include_float=True) for job in jobs],
        "GetPreimage": [calls.GetPreimageRequest(id=one)],
        "ListPreimages": [calls.ListPreimagesRequest(page_size=3, filter={"states": [1, 2]})],
        "WatchPreimage": [calls.WatchPreimageRequest(id=one, resume_token="1-1+0")],
        "CancelPreimage": [calls.CancelPreimageRequest(id=one, reason="r")],
        "DeletePreimage": [calls.DeletePreimageRequest(id=one)],
        "DownloadResult": [calls.DownloadResultRequest(id=one, name="0/picture.png", offset=3)],
        "UploadTensor": [calls.UploadTensorRequest(chunk=bytes(40))],
        "ListModels": [models.ListModelsRequest()],
        "GetModel": [models.GetModelRequest(name="toy")],
        "ExtractFeatures": [
            models.ExtractFeaturesRequest(picture=picture, representation=representation)
        ],
        "ListWorkers": [admin.ListWorkersRequest()],
        "DrainWorker": [admin.DrainWorkerRequest(name="nobody")],
        "ListDeadLetters": [admin.ListDeadLettersRequest(page_size=5)],
        "RequeueDeadLetter": [admin.RequeueDeadLetterRequest(id=one)],
        "GetQueueStats": [admin.GetQueueStatsRequest()],
        **audits.requests(),
    }


def _uploads(dice: Random) -> list[bytes]:
    """The messages of an upload, mutated, in an order that is mostly right."""
    header = calls.UploadTensorRequest()
    header.header.dtype = DATA_TYPE_FLOAT32
    header.header.shape.append(10)
    parts = [header, *(calls.UploadTensorRequest(chunk=bytes(20)) for _ in range(2))]
    sent = [mutated_bytes(dice, part) if dice.random() < 0.4 else _whole(part) for part in parts]
    if dice.random() < 0.2:
        dice.shuffle(sent)
    return sent[: dice.randrange(4)] if dice.random() < 0.2 else sent


def _whole(message: Message) -> bytes:
    return bytes(message.SerializeToString())


@final
class Caller:
    """Makes mutated calls."""

    def __init__(self, frontend: Frontend, seed: int) -> None:
        self._dice = Random(f"{seed} wire")
        self._channel = grpc.aio.insecure_channel(frontend.target, _OWN)
        self._operators = grpc.aio.insecure_channel(frontend.admin, _OWN)
        self._ids: list[str] = []
        self.answers = Answers()

    async def run(self, count: int) -> Answers:
        """Make so many calls, some at a time; all methods get their share."""
        began = time.perf_counter()
        plan = iter(self._plan(count))
        await asyncio.gather(*(self._work(plan) for _ in range(_AT_ONCE)))
        await self._channel.close()
        await self._operators.close()
        self.answers.seconds += time.perf_counter() - began
        return self.answers

    def _plan(self, count: int) -> Iterator[tuple[ServiceDescriptor, MethodDescriptor]]:
        methods = [(service, method) for service in SERVICES for method in service.methods]
        for number in range(count):
            yield methods[number % len(methods)]

    async def _work(self, plan: Iterator[tuple[ServiceDescriptor, MethodDescriptor]]) -> None:
        for service, method in plan:
            parts = self._parts(method)
            code, fault = await self._call(service, method, parts)
            self.answers.note(method.name, code, fault, parts)

    def _parts(self, method: MethodDescriptor) -> list[bytes]:
        if method.client_streaming:
            begin = audits.stream if method.name == "CreateAudit" else _uploads
            return begin(self._dice)
        if self._dice.random() < 0.03:
            return [self._dice.randbytes(self._dice.choice((0, 1, 9, 200)))]
        message: Any = GetMessageClass(method.input_type)()
        message.CopyFrom(self._dice.choice(_requests()[method.name]))
        if self._ids and "id" in message.DESCRIPTOR.fields_by_name:
            message.id = self._dice.choice(self._ids)
        if self._dice.random() < 0.1:
            return [_whole(message)]
        return [mutated_bytes(self._dice, message)]

    async def _call(
        self, service: ServiceDescriptor, method: MethodDescriptor, parts: list[bytes]
    ) -> tuple[grpc.StatusCode, str]:
        """The status and, if its details are not what they should be, what is wrong with them."""
        name = method.name if self._dice.random() > 0.002 else "NoSuchMethod"
        path = f"/{service.full_name}/{name}"
        channel = self._operators if service.name == "AdminService" else self._channel
        metadata = (self._dice.choice(_STRANGE[1:]),) if self._dice.random() < 0.05 else ()
        options: dict[str, Any] = {"timeout": _WAITS_SECONDS, "metadata": metadata}
        call: Any
        if method.client_streaming:
            call = channel.stream_unary(path)(_sent(parts), **options)
        elif method.server_streaming:
            call = channel.unary_stream(path)(parts[0], **options)
        else:
            call = channel.unary_unary(path)(parts[0], **options)
        code = await self._finished(call, method)
        return code, _fault(code, await call.trailing_metadata(), await call.details())

    async def _finished(self, call: Any, method: MethodDescriptor) -> grpc.StatusCode:  # noqa: ANN401
        try:
            if method.server_streaming:
                async for _ in call:
                    pass
            else:
                self._remember(method, await call)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def _remember(self, method: MethodDescriptor, data: bytes) -> None:
        if method.name == "CreatePreimage":
            response = calls.CreatePreimageResponse.FromString(data)
            self._ids = [response.preimage.id, *self._ids[:20]]
        elif method.name == "CreateAudit":
            accepted = audit_calls.CreateAuditResponse.FromString(data)
            self._ids = [accepted.audit.id, *self._ids[:20]]


async def _sent(parts: list[bytes]) -> Any:  # noqa: ANN401  an iterator, as the stubs want one
    for part in parts:
        yield part


def _fault(code: grpc.StatusCode, trailers: Any, said: str | None) -> str:  # noqa: ANN401
    """What is wrong with the details of an error; nothing where all is well."""
    found = dict(trailers or ()).get(_DETAILS)
    if code is grpc.StatusCode.OK or found is None:
        silent = code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
        return "without details" if silent else ""
    status = status_pb2.Status.FromString(found)
    if status.code != code.value[0] or status.message != said or not status.details:
        return "with details of something else"
    return "" if said and "Traceback" not in said else "without a sentence"
