"""What the page says: errors as their sentences, never as tracebacks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from preimage.enums import State
from preimage.errors import HandshakeFailed, PreimageError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from preimage.events import Progress
    from preimage.jobinfo import JobInfo

__all__ = ["file_name", "how_far", "in_words", "short", "state_in_words", "time_of_day", "what"]

_STATES = {
    State.QUEUED: "Waiting for a free slot",
    State.RUNNING: "Running",
    State.SUCCEEDED: "Done",
    State.FAILED: "Failed",
    State.CANCELLED: "Cancelled",
}

_log = logging.getLogger(__name__)


def in_words(error: Exception, target: str) -> str:
    """Says what went wrong, and what to do; what nobody foresaw goes to the log as well."""
    if isinstance(error, Unavailable) and not (error.reason or isinstance(error, HandshakeFailed)):
        return (
            f"No service answers at {target}. Start one there with `preimage up`; this page goes "
            "on by itself once it answers."
        )
    if isinstance(error, PreimageError):
        return str(error)
    _log.error("The page has made a mistake", exc_info=error)
    return (
        f"This page has made a mistake of its own ({type(error).__name__}). What it was stands in "
        "the terminal that runs `preimage ui`; trying again does no harm."
    )


def state_in_words(state: State) -> str:
    """A state of a job."""
    return _STATES.get(state, "In a state that this release does not know")


def what(model: str, layers: Iterable[str]) -> str:
    """What a job inverts: "squeezenet1_0, features.5"; "hog" for the layer hog of hog."""
    names = " + ".join(layers)
    return model if names == model else f"{model}, {names}"


def short(job_id: str) -> str:
    """Enough of a job's id to tell it from others; ids begin with the time."""
    return job_id[-8:]


def how_far(progress: Progress) -> str:
    """How far a job is."""
    if progress.activation is None:
        reached = f"relative error {progress.relative_error:.2%}"
    else:
        reached = f"activation {progress.activation:.3g}"
    return f"Step {progress.step} of {progress.total_steps}, {reached}"


def file_name(info: JobInfo, suffix: str) -> str:
    """Name of a file that is downloaded: "hog-hog-1a2b3c4d.png"."""
    stem = f"{info.model}-{'+'.join(info.layers)}-{short(info.id)}"
    return "".join(each if each.isalnum() or each in "-_.+" else "-" for each in stem) + suffix


def time_of_day(moment: datetime | None) -> str:
    """A moment, in this machine's time."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""
