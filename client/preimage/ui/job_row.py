"""One job in the list of jobs; it changes in place, so that nobody loses the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.enums import State
from preimage.ui.elements import plain_button, tag, text
from preimage.ui.words import how_far, short, state_in_words, time_of_day, what

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nicegui import ui

    from preimage.jobinfo import JobInfo
    from preimage.jobs import AsyncJob

    Act = Callable[[AsyncJob], Awaitable[None]]

__all__ = ["JobRow"]


@final
class JobRow:
    """A job, and what can be done with it.

    Attributes:
        element: the row on the page.
    """

    def __init__(self, job: AsyncJob, on_open: Act, on_cancel: Act, on_delete: Act) -> None:
        self._job = job
        with tag("li", "job") as self.element:
            text("p", what(job.info.model, job.info.layers), "title")
            self._words = text("p", "", "hint")
            with tag("div", "buttons"):
                self._button("Open", "visibility", on_open)
                self._cancel = self._button("Cancel", "stop", on_cancel)
                self._delete = self._button("Delete", "delete", on_delete)
        self.update(job)

    def update(self, job: AsyncJob) -> None:
        """Shows where the job stands now."""
        self._job = job
        self._words.text = _words(job.info)
        self._cancel.visible = not job.info.state.terminal
        self._delete.visible = job.info.state.terminal

    def _button(self, label: str, icon: str, act: Act) -> ui.button:
        button = plain_button(label, icon, lambda: act(self._job)).props("dense")
        info = self._job.info
        name = f"{label} job {short(info.id)}, {what(info.model, info.layers)}"
        button.props["aria-label"] = name
        return button


def _words(info: JobInfo) -> str:
    state = state_in_words(info.state)
    if info.state is State.RUNNING and info.progress is not None:
        state = how_far(info.progress)
    return f"{state} · {time_of_day(info.created)} · {short(info.id)}"
