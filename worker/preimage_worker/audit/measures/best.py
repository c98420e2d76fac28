"""The best of several attacks, picture by picture, and what that choice does to chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import final

import numpy as np

from preimage_worker.audit.measures.pictures import Floats, Indices, Reals


@final
class Selection(Enum):
    """Who chose. The value is the sentence that a report says it with."""

    LOSS = "Chosen by the error of the code, as an attacker can."
    ORACLE = 'Chosen by the original ("oracle"): an attacker cannot know better.'


@final
@dataclass(frozen=True, eq=False)
class Best:
    """Which rung serves which picture."""

    rungs: tuple[str, ...]
    """Names, in the order that they were handed over."""
    chosen: Indices
    """`(n,)`: into `rungs`."""
    selection: Selection

    @property
    def names(self) -> tuple[str, ...]:
        """The rung of each picture."""
        return tuple(self.rungs[each] for each in self.chosen)

    def take(self, of_rungs: Mapping[str, Reals]) -> Reals:
        """Values or pictures `(n, …)` of each picture's rung, from those of every rung."""
        table = [of_rungs[name] for name in self.rungs]
        return np.stack([table[rung][i] for i, rung in enumerate(self.chosen)])

    def table(self, of_rungs: Mapping[str, Floats]) -> Floats:
        """`(n, m)` of this choice, for `chance.explained` and `matching.match`.

        By loss, the reconstruction is chosen before anybody looks at an original: its row is taken.
        The oracle would have chosen anew for every original that it is compared with: the least of
        all rungs is taken. To match only the reconstructions that it chose for the right original
        would find that original by the choice: rank-1 was 0.05 at a chance of 0.01 for rungs that
        knew nothing.

        Args:
            of_rungs: by rung, `(n, m)`: `chance.cross_mse`, or distances to candidates.
        """
        if self.selection is Selection.LOSS:
            return np.asarray(self.take(of_rungs))
        return np.asarray(np.minimum.reduce([of_rungs[name] for name in self.rungs]))


def choose(scores: Mapping[str, Floats], selection: Selection) -> Best:
    """The rung with the least score for each picture, the first of equals.

    Args:
        scores: by rung, `(n,)`: for LOSS the error of the code of the delivered picture, measured
            for all rungs alike; for ORACLE the mean squared error to the original. NaN, of what
            diverged, is never chosen where another rung has a number.
        selection: which of the two they are.

    Raises:
        ValueError: there are no rungs, they are of different pictures, or a picture has NaN in all.
    """
    lengths = {len(each) for each in scores.values()}
    if len(lengths) != 1:
        raise ValueError(f"the best of rungs needs scores of the same pictures: {sorted(lengths)}")
    table = np.stack(list(scores.values()))
    if np.isnan(table).all(0).any():
        raise ValueError("a picture has no score in any rung: the baselines always have one")
    return Best(tuple(scores), np.nanargmin(table, axis=0), selection)
