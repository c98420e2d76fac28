"""The tab that compares layers and strengths of the priors."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, final

from nicegui import ui

from preimage.errors import BadInput
from preimage.ui.elements import Sentence, card, main_button, plain_button, tag
from preimage.ui.fields import Fields
from preimage.ui.file_picker import FilePicker
from preimage.ui.grid import Grid
from preimage.ui.model_picker import ModelPicker
from preimage.ui.reading import read_factors
from preimage.ui.running import Order
from preimage.ui.view import View

if TYPE_CHECKING:
    from preimage.jobs import AsyncJob
    from preimage.models import ModelInfo
    from preimage.results import AsyncResult
    from preimage.ui.given import Given
    from preimage.ui.session import Session

__all__ = ["Comparing"]

_MOST_CELLS = 60
"""A page with more pictures than that is no help, and a queue with more jobs no kindness."""
_HINT = "Open a pre-image of the grid to see it here in full, with its curve and its numbers."


@final
class Comparing:
    """Choices, the grid, and one job of it in full."""

    def __init__(self, session: Session) -> None:
        self._session = session
        with tag("div", "sides"):
            with card("What to compare"):
                self._build_choices()
            with tag("div", "stack"):
                with card("Layers and priors"):
                    self._grid = Grid(session, self._show, self._end)
                self._view = View(session, "One of them", _HINT)
        session.tell(self._fields.suggest)

    def _build_choices(self) -> None:
        FilePicker(self._session)
        self._models = ModelPicker(self._session, self._offer, several=True)
        self._factors = ui.input("Factors λ of the priors", value="0.1, 1, 10")
        self._factors.props("outlined dense stack-label").classes("wide")
        self._fields = Fields(strength=False)
        self._trouble = Sentence("trouble", urgent=True)
        self._go = main_button("Compare", "grid_on", self._start)
        self._stop = plain_button("Cancel all", "stop", self._cancel)
        self._stop.visible = False

    def _start(self) -> None:
        self._trouble.say("")
        try:
            orders = self._orders()
        except BadInput as error:
            self._trouble.say(str(error))
            return
        assert self._session.given is not None
        self._go.disable()
        self._stop.visible = True
        self._view.clear()
        self._grid.fill(orders, self._session.given)

    def _offer(self, model: ModelInfo) -> None:
        self._fields.offer(model)

    def _show(self, result: AsyncResult, job: AsyncJob, given: Given) -> None:
        self._view.show(result, job, given)

    def _cancel(self) -> None:
        self._grid.cancel()

    def _end(self) -> None:
        self._go.enable()
        self._stop.visible = False

    def _orders(self) -> dict[tuple[str, float], Order]:
        given, model, layers = self._session.given, self._models.model, self._models.layers
        if given is None:
            raise BadInput("Choose a picture or a code first.")
        if model is None or not layers:
            raise BadInput("Choose a model and at least one layer first.")
        factors = read_factors(self._factors.value)
        if len(layers) * len(factors) > _MOST_CELLS:
            raise BadInput(
                f"{len(layers)} × {len(factors)} are more than {_MOST_CELLS} jobs: choose fewer."
            )
        settings = self._fields.settings()
        return {
            (layer, factor): Order(given.source, model, layer, settings | {"prior_weight": factor})
            for layer, factor in product(layers, factors)
        }
