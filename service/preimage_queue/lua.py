"""The scripts: Lua files of this package, each with the shared parts put before it.

Redis keeps scripts by their sha1 digest and forgets them when it restarts. The executors send the
digest, and the text again when Redis does not know it.
"""

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final, final

__all__ = ["Script", "load_scripts"]

_PARTS: Final = (
    "common",
    "serving",
    "rows",
    "quotas",
    "ready",
    "blobs",
    "outputs",
    "twins",
    "life",
    "refusals",
    "shares",
)
"""Shared parts in the order in which they need each other. A script gets those of their definitions
that it names, and what these need: each call makes all functions of its script anew, at 0.3 µs
each."""

_RARE: Final = frozenset(
    {
        "answer_of",
        "erase",
        "follow",
        "go_on",
        "have_result_of",
        "hold_result",
        "leader_of_flight",
        "leave",
        "miss_deadline",
        "quota_refusal",
        "repeated",
        "result_kept_by",
        "retry_ms",
        "said_before",
        "step_back",
        "stop_following",
        "sum_up",
        "take_part",
        "tell_followers",
        "wait_ms",
    }
)
"""Functions that most calls never reach. What only they need is defined inside of them, and so made
only when they run."""

_DEFINITION: Final = re.compile(r"^(?=local )", re.MULTILINE)
_FUNCTION: Final = re.compile(r"local function (\w+)\([^)]*\)")
_END: Final = re.compile(r"\bend$", re.MULTILINE)
_DEFINED: Final = re.compile(r"local (?:function )?([\w, ]+)")
_COMMENT: Final = re.compile("--.*")
_WORD: Final = re.compile(r"\w+")

_PROMISES: Final = "promises"
"""What comes first in scripts that move a job between states: their answers are promises."""

_PROMISE_NOTHING: Final = frozenset(
    {
        "announce",
        "beat",
        "drain_worker",
        "publish_model",
        "put_blob",
        "put_checkpoint",
        "put_output",
        "retire",
    }
)
"""What these write is said again soon, or counts only once a promise rests on it. Redis' file keeps
the order of writes: a job that is in it has its blobs and outputs in it too."""

_ONLY_READ: Final = frozenset(
    {
        "flushing",
        "get_job",
        "list_dead",
        "list_jobs",
        "owner",
        "persistence",
        "read_blob",
        "read_checkpoint",
        "read_events",
        "read_output",
        "room",
        "stats",
    }
)
"""What these tell was promised before."""


@final
@dataclass(frozen=True, slots=True)
class Script:
    """A script as Redis gets it."""

    text: str
    sha: str

    @classmethod
    def of(cls, text: str) -> "Script":
        """Make a script from its text."""
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@functools.cache
def load_scripts() -> Mapping[str, Script]:
    """Read all scripts, by the names of their files."""
    folder = resources.files("preimage_queue") / "scripts"
    texts = {
        entry.name.removesuffix(".lua"): entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".lua")
    }
    shared = [each for part in _PARTS for each in _DEFINITION.split(texts.pop(part))[1:]]
    promises = texts.pop(_PROMISES)
    scripts = {}
    for name, text in texts.items():
        before = [] if name in _ONLY_READ | _PROMISE_NOTHING else [promises]
        scripts[name] = Script.of("\n".join([*before, _whole(text, shared)]))
    return MappingProxyType(scripts)


def _whole(text: str, shared: Sequence[str]) -> str:
    """A script behind the definitions that it needs, with those of rare functions inside them."""
    own = _DEFINITION.split(text)
    needed = _needed(text, shared)
    often = _needed("\n".join(map(_without_rare, own)), [_without_rare(each) for each in needed])
    outer = [each for each in needed if not _FUNCTION.match(each) or _without_rare(each) in often]
    inner = [each for each in needed if each not in outer]
    return "\n".join(_with_inner(each, inner) for each in [*outer, *own])


def _without_rare(definition: str) -> str:
    """What is run, or made, where this stands: of a rare function nothing but the function."""
    header = _FUNCTION.match(definition)
    if not header or header[1] not in _RARE:
        return definition
    return header[0] + definition[_end_of(definition) :]


def _with_inner(definition: str, inner: Sequence[str]) -> str:
    header = _FUNCTION.match(definition)
    if not header or header[1] not in _RARE:
        return definition
    body = definition[header.end() : _end_of(definition)]
    return "\n".join([header[0], *_needed(body, inner), definition[header.end() :]])


def _end_of(function: str) -> int:
    """Where a function ends: on its only line, or at the first end that is not indented."""
    first_line = function.partition("\n")[0]
    if _END.search(first_line):
        return len(first_line)
    return function.index("\nend") + len("\nend")


def _needed(text: str, shared: Sequence[str]) -> list[str]:
    """The definitions that this text names, and those that they need, in their order."""
    chosen: list[str] = []
    words = _words(text)
    for definition in reversed(shared):
        found = _DEFINED.match(definition)
        assert found
        if words.intersection(_WORD.findall(found[1])):
            chosen.insert(0, definition)
            words |= _words(definition)
    return chosen


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_COMMENT.sub("", text)))
