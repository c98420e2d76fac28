"""Many inversions at once, a bounded number of them in flight.

The synchronous client waits in threads, the asyncio client in tasks; both read the next request
only when a place is free, and both hand errors out as values.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, final

from preimage.errors import BadInput, PreimageError
from preimage.inverting import invert_async
from preimage.jobs import Job
from preimage.running import run
from preimage.settled import Settled
from preimage.tracing import about, operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from preimage.core import Core
    from preimage.handle import Handle
    from preimage.request import Request
    from preimage.results import AsyncResult, Result


def invert_many(
    core: Core, requests: Iterable[Request], in_flight: int
) -> Iterator[Settled[Result]]:
    """Inverts in threads; see `Client.submit_many`."""
    _check(in_flight)
    return _settled_in_threads(_Crew(core), requests, in_flight)


def invert_many_async(
    core: Core, requests: Iterable[Request], in_flight: int
) -> AsyncIterator[Settled[AsyncResult]]:
    """Inverts in tasks; see `AsyncClient.submit_many`."""
    _check(in_flight)
    return _settled_in_tasks(core, requests, in_flight)


def _check(in_flight: int) -> None:
    if in_flight < 1:
        raise BadInput(f"in_flight must be at least 1, not {in_flight}.")


def _settled_in_threads(
    crew: _Crew, requests: Iterable[Request], in_flight: int
) -> Iterator[Settled[Result]]:
    waiting: set[Future[Settled[Result]]] = set()
    with ThreadPoolExecutor(in_flight, thread_name_prefix="preimage") as pool:
        try:
            for index, request in enumerate(requests):
                # In the caller's context: spans belong to the one that is current there.
                waiting.add(pool.submit(copy_context().run, crew.settle, index, request))
                patience = None if len(waiting) >= in_flight else 0
                done, waiting = wait(waiting, patience, FIRST_COMPLETED)
                yield from (future.result() for future in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            crew.disband()
            pool.shutdown(wait=False, cancel_futures=True)


@final
class _Crew:
    """The jobs that threads wait for, so that they can be cancelled from outside."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._live: set[Handle] = set()
        self._disbanded = False

    def settle(self, index: int, request: Request) -> Settled[Result]:
        try:
            with operation(request.task, about(request)):
                return Settled(index, request, self._result(request), None)
        except PreimageError as error:
            return Settled(index, request, None, error)

    def _result(self, request: Request) -> Result:
        handle = run(self._core.submit(request))
        with self._lock:
            self._live.add(handle)
            too_late = self._disbanded
        if too_late:
            run(handle.abandon())
        try:
            return Job(handle).result()
        finally:
            with self._lock:
                self._live.discard(handle)

    def disband(self) -> None:
        with self._lock:
            self._disbanded = True
            left = list(self._live)
        for handle in left:
            run(handle.abandon())


async def _settled_in_tasks(
    core: Core, requests: Iterable[Request], in_flight: int
) -> AsyncIterator[Settled[AsyncResult]]:
    waiting: set[asyncio.Task[Settled[AsyncResult]]] = set()
    try:
        for index, request in enumerate(requests):
            waiting.add(asyncio.create_task(_settle(core, index, request)))
            patience = None if len(waiting) >= in_flight else 0
            done, waiting = await asyncio.wait(
                waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                yield task.result()
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _settle(core: Core, index: int, request: Request) -> Settled[AsyncResult]:
    try:
        return Settled(index, request, await invert_async(core, request), None)
    except PreimageError as error:
        return Settled(index, request, None, error)
