"""What a broken product would look like: one textual change of its scripts, in a test's process.

The product has no switch for any of this. A process of the harness replaces the loader of scripts
before anything loads them, and refuses to start if the text it is to change is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from preimage_queue import executors, lua


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A text of the scripts, and what stands in its place."""

    right: str
    wrong: str


SABOTAGES: Final = {
    "no fencing": Sabotage(
        "return job ~= nil and job.state == 'RUNNING' and job.attempt == attempt",
        "return job ~= nil",
    ),
    "no claim token": Sabotage("if known[1] == A.token then", "if false then"),
    "no idempotency": Sabotage("if known then return known end", ""),
    "results of whatever was computed last": Sabotage(
        "return key('cached', job.tenant .. ':' .. job.computation)",
        "return key('cached', job.tenant)",
    ),
    "cancellations for all": Sabotage(
        "return state ~= 'CANCELLED' and reason ~= 'DEADLINE_EXCEEDED'", "return true"
    ),
}
"""Each takes away one of the means by which a job ends exactly once, and as itself."""


def break_scripts(name: str) -> None:
    """Let every queue of this process that is made from now on use the changed scripts."""
    broken = broken_scripts(SABOTAGES[name])
    executors.load_scripts = lambda: broken


def broken_scripts(sabotage: Sabotage) -> Mapping[str, lua.Script]:
    """The product's scripts with the change."""
    scripts = lua.load_scripts()
    if not any(sabotage.right in script.text for script in scripts.values()):
        raise ValueError(f"no script holds {sabotage.right!r}: the product has changed")
    return {
        name: lua.Script.of(script.text.replace(sabotage.right, sabotage.wrong))
        for name, script in scripts.items()
    }
