"""One face for both clients, so that a test is written once: everything is awaited.

Behind the face of the synchronous client its calls run, and block, where the test awaits them.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import final

from preimage.audits.jobs import Audit
from preimage.client import Client
from preimage.jobs import Job
from preimage.results import Result

_DOWNLOADED = {"float_picture", "spread", "spread_picture"}
_ITERATED = {"watch", "jobs", "submit_many"}


@final
class Awaited:
    """A synchronous client or job whose methods are awaited."""

    def __init__(self, plain: object) -> None:
        self.plain = plain

    def __getattr__(self, name: str) -> object:
        found = getattr(self.plain, name)
        if not callable(found):
            return found

        def call(*arguments: object, **named: object) -> object:
            if name in _ITERATED:
                return _iterate(found(*arguments, **named))
            return _answer(lambda: found(*arguments, **named))

        return call

    async def __aenter__(self) -> "Awaited":
        self.plain.__enter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.plain.__exit__(*raised)


@final
class AwaitedResult:
    """A synchronous result whose downloads are awaited."""

    def __init__(self, plain: Result) -> None:
        self.plain = plain

    def __getattr__(self, name: str) -> object:
        if name in _DOWNLOADED:
            return _answer(lambda: getattr(self.plain, name))
        return getattr(self.plain, name)


async def _answer(call: Callable[[], object]) -> object:
    return _face(call())


async def _iterate(items: Iterator[object]) -> AsyncIterator[object]:
    try:
        for item in items:
            yield _face(item)
    finally:
        items.close()


def _face(value: object) -> object:
    if isinstance(value, Result):
        return AwaitedResult(value)
    return Awaited(value) if isinstance(value, Client | Job | Audit) else value
