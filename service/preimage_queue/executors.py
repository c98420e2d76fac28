"""Two thin executors of calls: `Queue` for threads, `AsyncQueue` for asyncio.

Both have every operation of `calls` as a method, without its first argument, the settings. The list
stands once, in `Operations`: each entry is a descriptor that makes the call and hands it to `run`.
So on a `Queue` an operation returns its answer, and on an `AsyncQueue` a coroutine of it; type
checkers know the arguments and the answer of both.

A call that fails because Redis cannot be reached is sent again, a bounded number of times: every
script recognises a repeat. The client's own retries are off.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypeAlias,
    TypeVar,
    final,
    overload,
)

import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError

from preimage_queue.call import STAGED_SECONDS, Call, make_call
from preimage_queue.calls import producing, tending, working
from preimage_queue.connections import connect, connect_async
from preimage_queue.failures import FLUSHING_PAUSE_SECONDS, Patience, is_flushing, translated
from preimage_queue.lua import load_scripts
from preimage_queue.quotas import NO_QUOTAS, Quotas
from preimage_queue.records import NewJob
from preimage_queue.replies import Conflict, MissingBlob, Rejected, SubmitReply, Submitted
from preimage_queue.settings import QueueSettings

__all__ = ["AsyncQueue", "Operations", "Queue"]

P = ParamSpec("P")
T = TypeVar("T")

_TRIES_TO_BRING = 3
"""Of a job with its bytes. A Redis that is killed between the two has only promised the job; one
that puts off promises may do so until the bytes are gone with the end of another job."""

_Client: TypeAlias = redis.Redis
_AsyncClient: TypeAlias = redis.asyncio.Redis


@final
class Operation(Generic[P, T]):
    """One operation, bound to an executor when it is looked up there."""

    def __init__(self, make: Callable[Concatenate[QueueSettings, P], Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, queue: None, owner: type | None = None) -> Self: ...

    @overload
    def __get__(self, queue: "Queue", owner: type | None = None) -> Callable[P, T]: ...

    @overload
    def __get__(
        self, queue: "AsyncQueue", owner: type | None = None
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, queue: "Queue | AsyncQueue | None", owner: type | None = None) -> Any:
        """Bind to an executor."""
        if queue is None:
            return self
        return functools.partial(self._operate, queue)

    def _operate(self, queue: "Queue | AsyncQueue", *args: P.args, **kwargs: P.kwargs) -> object:
        return queue.run(self._make(queue.settings, *args, **kwargs))


class Operations:
    """Every operation of the queue. Their descriptions stand with the functions in `calls`."""

    submit = Operation(producing.submit)
    room = Operation(producing.room)
    cancel = Operation(producing.cancel)
    delete = Operation(producing.delete)
    get_job = Operation(producing.get_job)
    list_jobs = Operation(producing.list_jobs)
    read_events = Operation(producing.read_events)
    read_output = Operation(producing.read_output)
    put_blob = Operation(producing.put_blob)

    claim = Operation(working.claim)
    beat = Operation(working.beat)
    finish = Operation(working.finish)
    hand_back = Operation(working.hand_back)
    put_output = Operation(working.put_output)
    put_checkpoint = Operation(working.put_checkpoint)
    read_checkpoint = Operation(working.read_checkpoint)
    read_blob = Operation(working.read_blob)

    reap = Operation(tending.reap)
    announce = Operation(tending.announce)
    retire = Operation(tending.retire)
    list_workers = Operation(tending.list_workers)
    drain_worker = Operation(tending.drain_worker)
    publish_model = Operation(tending.publish_model)
    list_models = Operation(tending.list_models)
    stats = Operation(tending.stats)
    persistence = Operation(tending.persistence)
    list_dead = Operation(tending.list_dead)
    owner = Operation(tending.owner)
    requeue_dead = Operation(tending.requeue_dead)


@final
class Queue(Operations):
    """The queue for threads. Safe to share between them.

    Raises `QueueError` of one kind or another from every operation when Redis does not answer.
    """

    def __init__(self, settings: QueueSettings, client: _Client | None = None) -> None:
        """Make a queue; nothing is sent before the first operation.

        Args:
            settings: How the queue behaves, and where it is.
            client: A client to use in place of one made from the settings.
        """
        self.settings = settings
        self._client = connect(settings) if client is None else client
        self._scripts = load_scripts()

    def run(self, call: Call[T]) -> T:
        """Take the step, again if Redis could not be reached, and return its answer."""
        patience = Patience(self.settings)
        while True:
            try:
                return call.parse(self._evaluate(call))
            except RedisError as error:
                pause = patience.pause_seconds(error)
                if pause is None:
                    raise translated(error) from error
                time.sleep(pause)

    def _evaluate(self, call: Call[Any]) -> object:
        script = self._scripts[call.script]
        size = len(call.keys)
        if call.staged is not None:
            self._client.set(call.staged.key, call.staged.data, ex=STAGED_SECONDS)
        try:
            return self._client.evalsha(script.sha, size, *call.keys, *call.args)
        except NoScriptError:
            return self._client.eval(script.text, size, *call.keys, *call.args)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@final
class AsyncQueue(Operations):
    """The queue for one event loop.

    Raises `QueueError` of one kind or another from every operation when Redis does not answer.
    """

    def __init__(self, settings: QueueSettings, client: _AsyncClient | None = None) -> None:
        """Make a queue; nothing is sent before the first operation.

        Args:
            settings: How the queue behaves, and where it is.
            client: A client to use in place of one made from the settings.
        """
        self.settings = settings
        self._client = connect_async(settings) if client is None else client
        self._scripts = load_scripts()
        self._look: asyncio.Task[None] | None = None

    async def run(self, call: Call[T]) -> T:
        """Take the step, again if Redis could not be reached, and return its answer."""
        patience = Patience(self.settings)
        while True:
            try:
                return call.parse(await self._evaluate(call))
            except RedisError as error:
                pause = patience.pause_seconds(error)
                if pause is None:
                    raise translated(error) from error
                await (self._flushed() if is_flushing(error) else asyncio.sleep(pause))

    async def submit_with(
        self,
        job: NewJob,
        inline: Mapping[str, bytes],
        *,
        keep_seconds: float,
        quotas: Quotas = NO_QUOTAS,
    ) -> SubmitReply:
        """Store what a job needs, by digest, and submit it: as one by one, in one round trip.

        What is refused of the blobs refuses the job, unless it has an answer without them.
        """
        settings, tenant = self.settings, job.tenant
        brought = [
            producing.put_blob(
                settings, tenant, data, digest=digest, keep_seconds=keep_seconds, quotas=quotas
            )
            for digest, data in inline.items()
        ]
        reply: SubmitReply
        for _ in range(_TRIES_TO_BRING):
            *stored, reply = await self._run_in_turn(
                *brought, producing.submit(settings, job, quotas)
            )
            refused = next((answer for answer in stored if isinstance(answer, Rejected)), None)
            if refused is not None and not isinstance(reply, Submitted | Conflict):
                return refused
            if not isinstance(reply, MissingBlob) or reply.digest not in inline:
                return reply
        return reply

    async def _run_in_turn(self, *calls: Call[Any]) -> list[Any]:
        """Take steps in their order, sent together; from the first that fails on, one by one."""
        replies: list[Any] = []
        for call, answer in zip(calls, await self._evaluate_together(calls), strict=False):
            if isinstance(answer, RedisError):
                break
            replies.append(call.parse(answer))
        for call in calls[len(replies) :]:
            replies.append(await self.run(call))  # noqa: PERF401  each waits for the one before
        return replies

    async def _evaluate_together(self, calls: Sequence[Call[Any]]) -> list[object]:
        """The answers, errors among them; none if the connection failed."""
        cancelled_before = _times_cancelled()
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            if call.staged is not None:
                pipeline.set(call.staged.key, call.staged.data, ex=STAGED_SECONDS)
            sha = self._scripts[call.script].sha
            pipeline.evalsha(sha, len(call.keys), *call.keys, *call.args)
        try:
            answers = iter(await pipeline.execute(raise_on_error=False))
        except RedisError:
            return []  # whoever repeats a call finds out why
        finally:
            if _times_cancelled() > cancelled_before:
                raise asyncio.CancelledError  # as in `_evaluate`
        return [(next(answers) if call.staged else None, next(answers))[1] for call in calls]

    async def _flushed(self) -> None:
        """Wait until Redis has its disk back. One task looks for all callers: hundreds may wait."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_at_the_disk())
        await asyncio.shield(self._look)

    async def _look_at_the_disk(self) -> None:
        call = make_call(self.settings, "flushing", bool, {})
        flushing = True
        while flushing:
            await asyncio.sleep(FLUSHING_PAUSE_SECONDS)
            try:
                flushing = call.parse(await self._evaluate(call))
            except RedisError:
                return  # each caller finds that out by itself, and has a patience of its own

    async def _evaluate(self, call: Call[Any]) -> object:
        script = self._scripts[call.script]
        size = len(call.keys)
        cancelled_before = _times_cancelled()
        try:
            if call.staged is not None:
                await self._client.set(call.staged.key, call.staged.data, ex=STAGED_SECONDS)
            return await self._client.evalsha(script.sha, size, *call.keys, *call.args)
        except NoScriptError:
            return await self._client.eval(script.text, size, *call.keys, *call.args)
        finally:
            # The client waits with asyncio.wait_for, which in Python 3.11 loses a cancellation that
            # comes in the same moment as its result: the task would go on for ever.
            if _times_cancelled() > cancelled_before:
                raise asyncio.CancelledError

    async def close(self) -> None:
        """Close all connections."""
        if self._look is not None:
            self._look.cancel()
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0
