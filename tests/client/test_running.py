"""Coroutines that never suspend, run as plain functions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from preimage.running import run


async def doubled(number: int) -> int:
    return 2 * number


async def twice_doubled(number: int) -> int:
    return await doubled(await doubled(number))


def test_a_coroutine_that_never_suspends_is_a_plain_function() -> None:
    assert run(twice_doubled(3)) == 12


async def test_it_also_runs_where_an_event_loop_is_running() -> None:
    assert run(twice_doubled(3)) == 12


def test_what_it_raises_comes_out() -> None:
    async def fail() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        run(fail())


def test_a_coroutine_that_suspends_is_ended_and_refused() -> None:
    ended = []

    @asynccontextmanager
    async def noted() -> AsyncIterator[None]:
        try:
            yield
        finally:
            ended.append(True)

    async def suspend(what: Awaitable[None]) -> None:
        async with noted():
            await what

    with pytest.raises(RuntimeError, match="waited for an event loop"):
        run(suspend(asyncio.sleep(0)))
    assert ended == [True]
