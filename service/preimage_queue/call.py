"""A call: one script, its arguments, and the reading of its answer, with no connection in it.

Operations are pure functions that return a `Call`. Two thin executors run calls, one for threads
and one for asyncio, so that no operation is written twice and every one can be looked at without
Redis. Each call stands for one atomic step, and every call may be repeated with the same arguments:
scripts recognise a repeat by the id, the attempt or the token in it.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, final

from preimage_queue.records import new_id
from preimage_queue.settings import QueueSettings

__all__ = ["STAGED_SECONDS", "Argument", "Call", "Staged", "make_call"]

T = TypeVar("T")

Argument = bytes | str | int | float
"""What a script may be given. Floats travel with all their digits."""

_MILLISECONDS: Final = 1000
STAGED_SECONDS: Final = 60
"""How long staged bytes wait for their script: it is sent right behind them."""


@final
@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One atomic step on Redis, not yet taken."""

    script: str
    """Name of a file in `scripts`, without its ending."""

    keys: tuple[str, ...]
    """The root of all keys, which routes the call to their slot."""

    args: tuple[bytes | str, ...]
    parse: Callable[[Any], T]
    """From the script's raw answer to what the caller gets."""

    staged: "Staged | None" = None
    """What is put into Redis before the script runs, which moves it or drops it."""


@final
@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes that do not go through Lua: it would copy them twice, for a millisecond a megabyte."""

    key: str
    data: bytes


def make_call(
    settings: QueueSettings,
    script: str,
    parse: Callable[[Any], T],
    named: Mapping[str, Argument],
    items: Iterable[Argument] = (),
    *,
    data: bytes | None = None,
) -> Call[T]:
    """Build a call. Scripts see `named` as table `A`, and `items` as list `ITEMS`.

    With `data`, they see the key that holds it as `A.stage`, and its length as `A.size`.

    The times and limits that decide about a job's life go along with every call, so that no script
    needs a setting stored in Redis and processes with other settings cannot disturb each other.
    """
    staged = None if data is None else Staged(f"{settings.root}:stage:{new_id()}", data)
    stage: dict[str, Argument] = {"stage": staged.key, "size": len(staged.data)} if staged else {}
    policy = _policy(settings)
    flat = [str(len(policy) // 2 + len(named) + len(stage)), *policy]
    for some in (named, stage):
        for name, value in some.items():
            flat += (name, _encode(value))
    flat += map(_encode, items)
    return Call(script, (settings.root,), tuple(flat), parse, staged)


@functools.lru_cache(maxsize=64)
def _policy(settings: QueueSettings) -> tuple[bytes | str, ...]:
    values: dict[str, Argument] = {
        "lease_ms": _whole_ms(settings.lease_seconds),
        "max_deliveries": settings.max_deliveries,
        "retention_ms": _whole_ms(settings.result_retention_seconds),
        "dead_retention_ms": _whole_ms(settings.dead_retention_seconds),
        "cache_ms": round(settings.shared_seconds * _MILLISECONDS),
        "upload_ms": _whole_ms(settings.upload_retention_seconds),
        "max_events": settings.max_events,
        "interactive_weight": settings.interactive_weight,
        "batch_weight": settings.batch_weight,
    }
    return tuple(word for name, value in values.items() for word in (name, _encode(value)))


def _whole_ms(seconds: float) -> int:
    return max(1, round(seconds * _MILLISECONDS))


def _encode(value: Argument) -> bytes | str:
    if isinstance(value, (str, bytes)):
        return value
    return repr(value) if isinstance(value, float) else str(value)
