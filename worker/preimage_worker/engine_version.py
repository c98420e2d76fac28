"""What computes, as one word: part of what makes two jobs equal.

Workers announce it with their models, because the frontend has no engine of its own to ask. So a
result is never given to a job that would be computed differently.
"""

from importlib.metadata import version
from typing import Final

ENGINE: Final = 4
"""To be raised whenever the same specification may lead to another picture or to other numbers of
the result: presets, priors, optimisers, starts, counters of noise, evaluation, encoding."""


def engine() -> str:
    """The engine's own version and that of torch, whose kernels decide the last bits."""
    return f"{ENGINE}+torch{version('torch')}"
