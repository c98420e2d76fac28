"""The tab of the caller's jobs: list, open, cancel, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from nicegui import ui

from preimage.enums import State
from preimage.ui.elements import Sentence, card, plain_button, tag, turn_to
from preimage.ui.job_row import JobRow
from preimage.ui.view import CANCELLED, View
from preimage.ui.words import in_words

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from preimage.jobs import AsyncJob
    from preimage.ui.session import Session

__all__ = ["Browsing"]

_PAGE = 20
_REFRESH_SECONDS = 3.0
_HINT = "Open a job to see its picture, its curve and its numbers here."
_FILTERS = {
    "": "All states",
    str(State.QUEUED): "Waiting",
    str(State.RUNNING): "Running",
    str(State.SUCCEEDED): "Done",
    str(State.FAILED): "Failed",
    str(State.CANCELLED): "Cancelled",
}


@final
class Browsing:
    """The list on the one side, a job on the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._limit = _PAGE
        self._rows: dict[str, JobRow] = {}
        with tag("div", "sides"):
            with card("Your jobs"):
                self._filter = ui.select(_FILTERS, label="State", value="", on_change=self.refresh)
                self._filter.props("outlined dense").classes("wide")
                self._said = Sentence()
                self._trouble = Sentence("trouble", urgent=True)
                self._list = tag("ul", "jobs", aria_label="Your jobs")
                self._more = plain_button("Show more", "expand_more", self._show_more)
            self._view = View(session, "Job", _HINT)
        self._more.visible = False
        self._timer = ui.timer(_REFRESH_SECONDS, self.refresh, active=False)

    async def show(self, *, shown: bool) -> None:
        """Looks after the list while it is looked at."""
        self._timer.active = shown
        if shown:
            await self.refresh()

    async def refresh(self) -> None:
        """Asks for the jobs, and shows what has changed."""
        client, state = self._session.service.client, self._filter.value or None
        try:
            jobs = [each async for each in client.jobs(state=state, limit=self._limit)]
        except Exception as error:  # noqa: BLE001  whatever it is, the page says so
            self._trouble.say(in_words(error, self._session.service.target))
            return
        self._trouble.say("")
        self._said.say("" if jobs else "There are none.")
        self._more.visible = len(jobs) == self._limit
        self._arrange(jobs)

    def _arrange(self, jobs: list[AsyncJob]) -> None:
        for gone in self._rows.keys() - {job.id for job in jobs}:
            self._list.remove(self._rows.pop(gone).element)
        for index, job in enumerate(jobs):
            if job.id in self._rows:
                self._rows[job.id].update(job)
                continue
            with self._list:
                row = JobRow(job, self._open, self._cancel, self._delete)
            row.element.move(target_index=index)
            self._rows[job.id] = row

    async def _show_more(self) -> None:
        self._limit += _PAGE
        await self.refresh()

    async def _open(self, job: AsyncJob) -> None:
        self._view.open(job)

    async def _cancel(self, job: AsyncJob) -> None:
        await self._try(job.cancel(CANCELLED))

    async def _delete(self, job: AsyncJob) -> None:
        await self._try(job.delete())
        turn_to(self._list)  # the button that had the focus is gone

    async def _try(self, act: Awaitable[object]) -> None:
        try:
            await act
        except Exception as error:  # noqa: BLE001  as above
            self._trouble.say(in_words(error, self._session.service.target))
            return
        await self.refresh()
