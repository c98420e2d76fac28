"""Variables that are nearly a setting's name: passed over in silence, they would have no effect.

A process knows the names of its own settings and the queue's. A variable that resembles none of
them may be anybody's, such as those that Kubernetes makes of a service's name, so nothing is said
of it; and of the few that belong to other parts and resemble one, the caller says which they are.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from typing import Final

from preimage_queue.settings import ENVIRONMENT_PREFIX, QueueSettings

__all__ = ["misspelt"]

_PREFIX: Final = "PREIMAGE_"
_ALIKE: Final = 0.8
"""Two letters swapped in TOKENS are 0.83; names that Kubernetes makes are further off."""


def misspelt(
    environment: Iterable[str], own: Collection[str], others: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield each variable that is no setting and resembles one, with the one that it resembles.

    Args:
        environment: names of variables.
        own: those of the process's settings, the queue's apart.
        others: those of other parts that resemble one of them.
    """
    known = {*own, *(ENVIRONMENT_PREFIX + each.name.upper() for each in fields(QueueSettings))}
    words = [name.removeprefix(_PREFIX) for name in sorted(known)]
    for variable in sorted(environment):
        if not variable.startswith(_PREFIX) or variable in known or variable in others:
            continue
        for near in get_close_matches(variable.removeprefix(_PREFIX), words, 1, _ALIKE):
            yield variable, _PREFIX + near
