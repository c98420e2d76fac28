"""The tab that inverts one picture or code and shows it while it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.errors import BadInput
from preimage.ui.elements import Sentence, card, main_button, tag
from preimage.ui.fields import Fields
from preimage.ui.file_picker import FilePicker
from preimage.ui.model_picker import ModelPicker
from preimage.ui.running import Order
from preimage.ui.view import View

if TYPE_CHECKING:
    from preimage.models import ModelInfo
    from preimage.ui.session import Session

__all__ = ["Inverting"]

_HINT = "The pre-image will appear here while it is found, and its loss curve with it."


@final
class Inverting:
    """Choices on the one side, what comes of them on the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        with tag("div", "sides"):
            with card("What to invert"):
                FilePicker(session)
                self._models = ModelPicker(session, self._offer)
                self._fields = Fields()
                self._trouble = Sentence("trouble", urgent=True)
                self._go = main_button("Invert", "play_arrow", self._start)
            self._view = View(session, "Pre-image", _HINT, self._end)
        session.tell(self._fields.suggest)

    def _start(self) -> None:
        self._trouble.say("")
        try:
            order = self._order()
        except BadInput as error:
            self._trouble.say(str(error))
            return
        assert self._session.given is not None
        self._go.disable()
        self._view.order(order, self._session.given)

    def _offer(self, model: ModelInfo) -> None:
        self._fields.offer(model)

    def _end(self) -> None:
        self._go.enable()

    def _order(self) -> Order:
        given, model, layers = self._session.given, self._models.model, self._models.layers
        if given is None:
            raise BadInput("Choose a picture or a code first.")
        if model is None or not layers:
            raise BadInput("Choose a model and a layer first.")
        return Order(given.source, model, layers[0], self._fields.settings())
