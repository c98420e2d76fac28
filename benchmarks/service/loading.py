"""What measurements of the door share: a frontend with a stand-in worker, and calls when due."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from preimage.embedded import Stack, StackOptions


@contextmanager
def served(
    work: Callable[[str, Event, Event], None], environment: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """A frontend whose queue a stand-in works on, in a process of its own; its target and queue.

    `work` gets the queue's address, what it sets once it has announced itself, and what ends it.
    """
    with Stack(StackOptions(workers=0, environment=environment)) as stack:
        start = multiprocessing.get_context("spawn")
        ready, over = start.Event(), start.Event()
        url = stack.children["frontend"].environment["PREIMAGE_REDIS_URL"]
        worker = start.Process(target=work, args=(url, ready, over))
        worker.start()
        ready.wait()
        try:
            yield stack.target, url
        finally:
            over.set()
            worker.join()


async def begin_when_due(
    per_second: float, seconds: float, call: Callable[[int, float], Coroutine[None, None, None]]
) -> None:
    """Calls with their number and when they were due, whether or not earlier ones were answered."""
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as calls:
        for number in range(round(per_second * seconds)):
            due = begun + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            calls.create_task(call(number, due))
