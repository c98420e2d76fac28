"""The two clients have one surface."""

import inspect
import re
from typing import Any

import pytest

from preimage.aio import AsyncClient
from preimage.audits.jobs import AsyncAudit, Audit
from preimage.client import Client
from preimage.jobs import AsyncJob, Job
from preimage.results import AsyncResult, Result

PAIRS = [(Client, AsyncClient), (Job, AsyncJob), (Result, AsyncResult), (Audit, AsyncAudit)]
pairs = pytest.mark.parametrize(("plain", "awaited"), PAIRS, ids=lambda kind: kind.__name__)
RENAMED = {
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
}


def surface(kind: type[Any]) -> dict[str, Any]:
    own = {
        name: value
        for base in reversed(kind.__mro__[:-1])
        for name, value in vars(base).items()
        if not name.startswith("_") or name in {"__init__", *RENAMED, *RENAMED.values()}
    }
    return {name: value for name, value in own.items() if not name.startswith("fetch_")}


def described(value: object) -> tuple[object, ...]:
    """Kind of the member, parameters with defaults and annotations, and what it returns."""
    if not inspect.isfunction(value):
        getter = getattr(value, "fget", None) or getattr(value, "func", None)
        returned = getter.__annotations__["return"] if getter else type(value).__name__
        return ("attribute", neutral(returned))
    signature = inspect.signature(value)
    parameters = [
        (each.name, each.kind, each.default, neutral(str(each.annotation)))
        for each in signature.parameters.values()
    ]
    return (parameters, neutral(str(signature.return_annotation)))


def neutral(annotation: str) -> str:
    annotation = re.sub(r"\b(?:Awaitable)\[(.*)\]", r"\1", annotation)
    return re.sub(r"\bAsync(Client|Job|Result|Audit|Iterator)\b", r"\1", annotation)


@pairs
def test_both_have_the_same_members(plain: type[Any], awaited: type[Any]) -> None:
    names = {RENAMED.get(name, name) for name in surface(plain)}
    assert names == set(surface(awaited))


@pairs
def test_members_take_and_return_the_same(plain: type[Any], awaited: type[Any]) -> None:
    others = surface(awaited)
    for name, value in surface(plain).items():
        if name == "__init__" and plain is Result:
            continue
        assert described(value) == described(others[RENAMED.get(name, name)]), name


def test_the_comparison_sees_differences() -> None:
    def one(self: object, steps: int = 1) -> "Result": ...
    def other(self: object, steps: int = 2) -> "AsyncResult": ...
    def same(self: object, steps: int = 1) -> "AsyncResult": ...

    assert described(one) != described(other)
    assert described(one) == described(same)


@pairs
def test_every_member_is_documented_and_annotated(plain: type[Any], awaited: type[Any]) -> None:
    for kind in (plain, awaited):
        for name, value in surface(kind).items():
            if inspect.isfunction(value) and not name.startswith("__"):
                assert value.__doc__, name
                annotations = {k for k in inspect.signature(value).parameters if k != "self"}
                assert {*annotations, "return"} == set(value.__annotations__), name
