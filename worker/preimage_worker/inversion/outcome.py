"""How an inversion ended: a value with a sentence, never an exception."""

from enum import Enum
from typing import final


@final
class Outcome(Enum):
    """The end of one lane. The value is the sentence that a person reads.

    The first four are found by the lanes themselves at a boundary; `DEADLINE` and `CANCELLED` are
    decided by whoever runs the batch, who takes the picture as it stands.
    """

    CONVERGED = "The objective stopped improving before the schedule ended."
    TARGET_REACHED = "The relative error reached what was asked for."
    STEP_LIMIT = "Every step of the schedule was taken."
    DIVERGED = "The objective stopped being a finite number; the last finite picture is kept."
    DEADLINE = "The deadline passed; the picture is the one reached by then."
    CANCELLED = "The job was cancelled; the picture is the one reached by then."

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        return self.value
