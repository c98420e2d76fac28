"""The scripts: Lua files of this package, each with the shared parts put before it.

Redis keeps scripts by their sha1 digest and forgets them when it restarts. The executors send the
digest, and the text again when Redis does not know it.
"""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final, final

__all__ = ["Script", "load_scripts"]

_PARTS: Final = ("common", "quotas", "ready", "blobs", "outputs", "twins", "life")
"""Shared parts in the order in which they need each other."""

_OWN_PARTS: Final = MappingProxyType({"claim": "shares", "room": "refusals", "submit": "refusals"})
"""Parts that only these scripts need, put behind the others."""

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
    shared = "\n".join(texts.pop(part) for part in _PARTS)
    promises = texts.pop(_PROMISES)
    own = {part: texts.pop(part) for part in set(_OWN_PARTS.values())}
    scripts = {}
    for name, text in texts.items():
        before = [] if name in _ONLY_READ | _PROMISE_NOTHING else [promises]
        behind = [own[_OWN_PARTS[name]]] if name in _OWN_PARTS else []
        scripts[name] = Script.of("\n".join([*before, shared, *behind, text]))
    return MappingProxyType(scripts)
