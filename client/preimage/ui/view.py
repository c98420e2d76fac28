"""One job, from the order to the download."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, final

from nicegui import ui

from preimage.errors import Unavailable
from preimage.summaries import curve_numbers, plain
from preimage.ui.elements import card, plain_button, tag, turn_to
from preimage.ui.running import Order, follow, run
from preimage.ui.sheet import Sheet
from preimage.ui.words import file_name, in_words, state_in_words, what

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any

    from preimage.events import Preview, Progress
    from preimage.jobs import AsyncJob
    from preimage.results import AsyncResult
    from preimage.ui.given import Given
    from preimage.ui.session import Session

__all__ = ["CANCELLED", "View"]

_GOES_ON = (
    "If its queue is still there, the job goes on without this page: it will be in the list of "
    "jobs."
)
CANCELLED = "Cancelled on the web page."
"""Why a job was cancelled, for the record."""


@final
class View:
    """A `Follower` of one job at a time, with a sheet to show it on."""

    def __init__(
        self, session: Session, heading: str, hint: str, on_end: Callable[[], None] = lambda: None
    ) -> None:
        """Makes an empty view; `hint` says how it is filled, `on_end` hears when a job ends."""
        self._session = session
        self._hint = hint
        self._on_end = on_end
        self._job: AsyncJob | None = None
        self._result: AsyncResult | None = None
        self._task: asyncio.Task[None] | None = None
        with card(heading) as self._card:
            self._sheet = Sheet()
            with tag("div", "buttons"):
                self._cancel = plain_button("Cancel", "stop", self._on_cancel)
                self._png = plain_button("Download PNG", "image", self._on_png)
                self._json = plain_button("Download JSON", "data_object", self._on_json)
        self.clear()

    def clear(self) -> None:
        """Empties it; a job that was ordered here and has not ended is cancelled."""
        if self._task is not None:
            self._task.cancel()
        self._job = self._result = self._task = None
        self._sheet.clear()
        self._sheet.status.say(self._hint)
        self._offer(cancel=False)

    def order(self, order: Order, given: Given) -> None:
        """Hands an order in and shows what becomes of it."""
        self._turn_to()
        self._sheet.original(given)
        self._sheet.title.say(what(order.model, [order.layer]))
        self._sheet.status.say("Handing it in …")
        self._begin(run(self._session.service.client, order, self))

    def open(self, job: AsyncJob) -> None:
        """Shows a job that is there; it goes on when it is not looked at any more."""
        self._turn_to()
        self._begin(follow(job, self))

    def show(self, result: AsyncResult, job: AsyncJob, given: Given) -> None:
        """Shows a result that is there."""
        self._turn_to()
        self.accepted(job)
        self._sheet.original(given)
        self._done(result)

    def accepted(self, job: AsyncJob) -> None:
        """The job is there."""
        self._job = job
        self._sheet.title.say(what(job.info.model, job.info.layers))
        self._sheet.status.say(f"{state_in_words(job.state)} …")
        self._sheet.bar.value = 0.0
        self._sheet.bar.visible = not job.state.terminal
        self._offer(cancel=not job.state.terminal)

    def progress(self, progress: Progress) -> None:
        """It is so far."""
        self._sheet.progress(progress)

    def preview(self, preview: Preview) -> None:
        """It looks like this by now."""
        self._sheet.preview(preview)

    def _turn_to(self) -> None:
        """Empties it and brings it before the person, who may look elsewhere."""
        self.clear()
        turn_to(self._card)

    def _begin(self, work: Coroutine[Any, Any, AsyncResult]) -> None:
        self._task = self._session.spawn(self._to_end(work))

    async def _to_end(self, work: Coroutine[Any, Any, AsyncResult]) -> None:
        try:
            self._done(await work)
        except Exception as error:  # noqa: BLE001  whatever it is, the page says so
            self._sheet.settle("")
            said = in_words(error, self._session.service.target)
            lost = isinstance(error, Unavailable) and self._job is not None
            self._sheet.trouble.say(f"{said} {_GOES_ON}" if lost else said)
            self._offer(cancel=False)
        self._on_end()

    def _done(self, result: AsyncResult) -> None:
        self._result = result
        self._sheet.result(result)
        self._offer(cancel=False)

    def _offer(self, *, cancel: bool) -> None:
        self._cancel.visible = cancel
        result = self._result
        self._json.visible = result is not None
        self._png.visible = result is not None and (
            result.reconstructions[result.best].png is not None
        )

    async def _on_cancel(self) -> None:
        if self._job is None:
            return
        self._sheet.status.say("Cancelling …")
        try:
            await self._job.cancel(CANCELLED)
        except Exception as error:  # noqa: BLE001  as above
            self._sheet.trouble.say(in_words(error, self._session.service.target))

    def _on_png(self) -> None:
        if self._result is not None and self._job is not None:
            png = self._result.reconstructions[self._result.best].png
            if png is not None:
                ui.download.content(png, file_name(self._job.info, ".png"), "image/png")

    def _on_json(self) -> None:
        if self._result is not None and self._job is not None:
            curve = curve_numbers(self._result.loss_curve)
            numbers = plain({**self._result.summary(), "loss_curve": curve})
            written = json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)
            ui.download.content(written, file_name(self._job.info, ".json"), "application/json")
