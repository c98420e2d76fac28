"""What happens around every call: it is counted, and whatever ends it becomes a proper status.

Requests that are no messages at all, our own errors, errors of the queue and bugs all leave as a
status with details; a bug leaves with an id under which the log has the rest. Streams are written
here, message by message, so that a caller who goes away ends the method's generator at once and not
when the garbage collector finds it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import grpc
from google.protobuf.message import DecodeError

from preimage_logging import about
from preimage_queue import is_id
from preimage_service import statuses
from preimage_service.audit import Trail
from preimage_service.backend import Backend
from preimage_service.errors import InvalidRequestError, ServiceError, Violation
from preimage_service.failures import explain
from preimage_service.tracing import begin_call, end_call
from preimage_tracing import NO_SPAN

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"

_MAKERS = {
    "unary_unary": grpc.unary_unary_rpc_method_handler,
    "unary_stream": grpc.unary_stream_rpc_method_handler,
    "stream_unary": grpc.stream_unary_rpc_method_handler,
    "stream_stream": grpc.stream_stream_rpc_method_handler,
}
_DISCARD_SECONDS, _SILENCE_SECONDS = 30.0, 1.0
"""How long what a refused caller still sends is read, and how long nothing may come."""

_AUDITS = "preimage.v1.AuditService"
_LONG_LIVED = frozenset({"WatchPreimage", "WatchAudit", "Watch", "ServerReflectionInfo"})
"""Streams without an end of their own: the end of the process does not wait for them."""


@final
@dataclass(frozen=True, slots=True)
class Method:
    """A method, as metrics and logs name it."""

    kind: str
    service: str
    name: str

    @property
    def labels(self) -> tuple[str, str, str]:
        """In the order of the metrics."""
        return self.kind, self.service, self.name


@final
@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands for a request whose bytes are no message of its type."""


@final
class CallInterceptor(grpc.aio.ServerInterceptor):
    """Counts calls, lets in who may, and turns what ends them into statuses."""

    def __init__(self, backend: Backend) -> None:
        self._meters = backend.meters
        self._gate = backend.gate
        self._guard = backend.guard
        self._audit = backend.audit

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Wrap the handler of a call; unknown methods stay UNIMPLEMENTED."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        kind = next(kind for kind in _MAKERS if getattr(handler, kind) is not None)
        _, service, name = handler_call_details.method.split("/")
        method = Method(kind, service, name)
        metadata = handler_call_details.invocation_metadata or ()
        refusal = self._guard.refusal(service, metadata)
        if refusal is not None and not handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._refusing(method, refusal))
        wrap = self._streaming if handler.response_streaming else self._answering
        behave = wrap(getattr(handler, kind), method, traced=refusal is None)
        reader = _tolerant(handler.request_deserializer)
        return _MAKERS[kind](behave, reader, handler.response_serializer)

    def _refusing(
        self, method: Method, refusal: ServiceError
    ) -> Callable[[object, Context], Awaitable[object]]:
        """End a call of nobody known before its request is received, however large that is."""

        async def refuse(_: object, context: Context) -> None:
            async with self._around(method, context, traced=False):
                raise refusal

        return refuse

    def _answering(
        self, behave: Callable[..., Awaitable[object]], method: Method, *, traced: bool
    ) -> Callable[[object, Context], Awaitable[object]]:
        async def answer(request: object, context: Context) -> object:
            async with self._around(method, context, traced=traced) as trail:
                try:
                    _note(trail, request, method)
                    self._admit(method, context, trail)
                    response = await behave(_checked(request), context)
                    trail.saw(response)
                except Exception:
                    if isinstance(request, AsyncIterable):
                        await _discard(request)
                    raise
                return response

        return answer

    def _streaming(
        self, behave: Callable[..., Any], method: Method, *, traced: bool
    ) -> Callable[[object, Context], Awaitable[None]]:
        async def stream(request: object, context: Context) -> None:
            async with self._around(method, context, traced=traced) as trail:
                _note(trail, request, method)
                self._admit(method, context, trail)
                outcome = behave(_checked(request), context)
                if not isinstance(outcome, AsyncGenerator):
                    await outcome  # it writes by itself, as gRPC's own health service does
                    return
                async with aclosing(outcome) as messages:
                    async for message in messages:
                        self._admit(method, context, trail)  # a token may have been revoked
                        await context.write(message)

        return stream

    def _admit(self, method: Method, context: Context, trail: Trail) -> None:
        """Let the call in, or go on, if its caller may make it."""
        trail.caller = self._guard.identify(method.service, context)
        self._guard.authorise(trail.caller, method.service, method.name)

    @asynccontextmanager
    async def _around(
        self, method: Method, context: Context, *, traced: bool
    ) -> AsyncIterator[Trail]:
        """Count a call, end it with a status if it fails, and note who made it.

        Who calls as nobody known decides neither that something is traced nor in which trace.
        """
        self._meters.calls_started.labels(*method.labels).inc()
        begin_seconds, code = time.perf_counter(), grpc.StatusCode.OK
        trail, refusal = Trail(), None
        metadata = context.invocation_metadata() or ()
        span = begin_call(method.service, method.name, metadata) if traced else NO_SPAN
        try:
            with span.entered(), self._inside(method):
                yield trail
        except asyncio.CancelledError:
            late = context.time_remaining() == 0
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            raise
        except grpc.aio.AbortError:
            code = statuses.code_of(context.code())
            raise
        except Exception as failure:  # noqa: BLE001  whatever a method raises, the caller gets a status
            with span.entered():
                refusal = explain(failure, method.name, self._meters)
            code = statuses.code_of(statuses.to_status(refusal).code)
        finally:
            self._meters.calls_handled.labels(*method.labels, code.name).inc()
            took_seconds = time.perf_counter() - begin_seconds
            self._meters.calls_seconds.labels(*method.labels).observe(took_seconds)
            self._audit.write(method.service, method.name, context.peer(), trail, code.name)
            end_call(span, trail.subject, code)
        if refusal is not None:  # told last: whoever hears of it finds it counted and written down
            await statuses.abort(context, refusal)

    def _inside(self, method: Method) -> AbstractContextManager[None]:
        return nullcontext() if method.name in _LONG_LIVED else self._gate.inside()


def _note(trail: Trail, request: object, method: Method) -> None:
    """Whatever is logged from here on is about the job that the request names, if it does."""
    trail.saw(request)
    if is_id(trail.subject):
        about(trail.subject, "audit" if method.service == _AUDITS else "job")


def _tolerant(read: Callable[[bytes], object] | None) -> Callable[[bytes], object] | None:
    """A deserializer that lets malformed bytes through to where they become an error."""
    if read is None:
        return None

    def read_or_mark(data: bytes) -> object:
        try:
            return read(data)
        except DecodeError:
            return Malformed()

    return read_or_mark


def _checked(request: object) -> object:
    """The request or the stream of requests, without anything malformed."""
    if isinstance(request, AsyncIterable):
        return _checked_stream(request)
    if isinstance(request, Malformed):
        raise InvalidRequestError([Violation("request", "is no message of the method's type")])
    return request


async def _checked_stream(requests: AsyncIterable[object]) -> AsyncIterator[object]:
    async for request in requests:
        yield _checked(request)


async def _discard(requests: AsyncIterable[object]) -> None:
    """Read what a refused caller still sends, for a bounded time.

    A status that arrives while the caller sends is lost on clients of grpc.aio: their next write
    fails, and they report that ("Internal error from Core") and not why they were refused.
    """
    rest, clock = aiter(requests), asyncio.get_running_loop().time
    give_up_seconds = clock() + _DISCARD_SECONDS
    with suppress(TimeoutError):
        while clock() < give_up_seconds:
            async with asyncio.timeout(_SILENCE_SECONDS):
                if await anext(rest, None) is None:
                    return
