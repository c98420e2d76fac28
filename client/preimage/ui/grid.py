"""A grid of jobs: a row for each layer, a column for each factor of the priors."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, final

from preimage.ui.cell import Cell
from preimage.ui.elements import Sentence, tag, text
from preimage.ui.running import Order, run
from preimage.ui.words import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from preimage.jobs import AsyncJob
    from preimage.results import AsyncResult
    from preimage.ui.given import Given
    from preimage.ui.session import Session

    Orders = Mapping[tuple[str, float], Order]

__all__ = ["Grid"]

_AT_A_TIME = 8
"""So many of its jobs are at the service at once: a batch is well filled, and others get a turn."""
_HINT = "Each layer becomes a row, each factor of the priors a column."


@final
class Grid:
    """Orders by layer and factor, and what has become of them."""

    def __init__(
        self,
        session: Session,
        on_open: Callable[[AsyncResult, AsyncJob, Given], None],
        on_end: Callable[[], None],
    ) -> None:
        """Makes an empty grid; `on_open` shows one of its jobs, `on_end` hears of the end."""
        self._session = session
        self._on_open = on_open
        self._on_end = on_end
        self._cells: list[Cell] = []
        self._task: asyncio.Task[None] | None = None
        self._said = Sentence()
        self._said.say(_HINT)
        # Scrolled with the keyboard, so it takes the focus.
        self._table = tag("div", "scroll", tabindex="0", role="region", aria_label="Grid")
        self._table.visible = False

    def fill(self, orders: Orders, given: Given) -> None:
        """Hands all orders in, some at a time, and shows what becomes of them."""
        self.cancel()
        self._table.clear()
        self._table.visible = True
        with self._table:
            self._cells = self._build(orders, given)
        self._task = self._session.spawn(self._run())

    def cancel(self) -> None:
        """Cancels what has not ended."""
        if self._task is not None:
            self._task.cancel()

    def _build(self, orders: Orders, given: Given) -> list[Cell]:
        cells = {}
        factors = dict.fromkeys(factor for _, factor in orders)
        with tag("table", "grid"):
            text("caption", f"Pre-images of {given.name}")
            with tag("thead"), tag("tr"):
                text("th", "Layer", scope="col")
                for factor in factors:
                    text("th", f"λ × {factor:g}", scope="col")
            with tag("tbody"):
                for layer in dict.fromkeys(layer for layer, _ in orders):
                    with tag("tr"):
                        text("th", layer, scope="row")
                        for factor in factors:
                            with tag("td"):
                                name = f"{layer}, λ × {factor:g}"
                                show = partial(self._show, given)
                                cells[layer, factor] = Cell(orders[layer, factor], name, show)
        return list(cells.values())

    def _show(self, given: Given, result: AsyncResult, job: AsyncJob) -> None:
        self._on_open(result, job, given)

    async def _run(self) -> None:
        cells, turn = self._cells, asyncio.Semaphore(_AT_A_TIME)
        self._count()
        try:
            await asyncio.gather(*(self._fill(cell, turn) for cell in cells))
        except asyncio.CancelledError:
            for cell in cells:
                cell.give_up()
            self._said.say("Cancelled.")
            raise
        finally:
            self._on_end()

    async def _fill(self, cell: Cell, turn: asyncio.Semaphore) -> None:
        async with turn:
            try:
                cell.done(await run(self._session.service.client, cell.order, cell))
            except Exception as error:  # noqa: BLE001  one that fails does not stop the others
                cell.failed(in_words(error, self._session.service.target))
        self._count()

    def _count(self) -> None:
        over = sum(cell.is_over for cell in self._cells)
        self._said.say(f"{over} of {len(self._cells)} are done.")
