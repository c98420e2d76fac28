"""The page: a heading that says how the service is, and a tab for each thing to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from nicegui import ui

from preimage.ui.browsing import Browsing
from preimage.ui.comparing import Comparing
from preimage.ui.elements import Sentence, tag, text
from preimage.ui.inverting import Inverting
from preimage.ui.words import in_words

if TYPE_CHECKING:
    from nicegui.events import ValueChangeEventArguments

    from preimage.ui.session import Session

__all__ = ["Page"]

_STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")
_INVERT, _COMPARE, _JOBS = "Invert", "Compare", "Jobs"


@final
class Page:
    """What one tab of the browser shows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._heard = -1
        ui.add_css(_STYLE)
        with tag("div", "top"):
            text("h1", "preimage")
            text("p", "Pictures from codes", "motto")
            self._place = Sentence("hint")
        with tag("div", "main"):
            self._trouble = Sentence("trouble wide", urgent=True)
            self._build()
        ui.context.client.on_exception(self._on_mistake)
        ui.timer(0.5, self._look)

    def _build(self) -> None:
        with ui.tabs(on_change=self._on_tab).props("no-caps align=left inline-label") as tabs:
            for name, icon in ((_INVERT, "auto_fix_high"), (_COMPARE, "grid_on"), (_JOBS, "list")):
                ui.tab(name, icon=icon)
        # Kept alive: what a tab shows is there when one comes back to it.
        with ui.tab_panels(tabs, value=_INVERT, keep_alive=True, animated=False):
            with ui.tab_panel(_INVERT):
                Inverting(self._session)
            with ui.tab_panel(_COMPARE):
                Comparing(self._session)
            with ui.tab_panel(_JOBS):
                self._browsing = Browsing(self._session)

    async def _on_tab(self, event: ValueChangeEventArguments[Any]) -> None:
        await self._browsing.show(shown=event.value == _JOBS)

    def _on_mistake(self, error: Exception) -> None:
        self._trouble.say(in_words(error, self._session.service.target))

    def _look(self) -> None:
        service = self._session.service
        if service.version != self._heard:
            self._heard = service.version
            self._trouble.say(service.trouble)
            self._place.say("" if service.trouble else f"Service at {service.target}")
