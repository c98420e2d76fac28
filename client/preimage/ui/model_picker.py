"""The choice of a model, of those that the service has now, and of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from nicegui import ui

from preimage.enums import Availability
from preimage.errors import PreimageError
from preimage.ui.elements import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.models import LayerInfo, ModelInfo
    from preimage.ui.session import Session

__all__ = ["ModelPicker"]

_LOOK_SECONDS = 0.5


@final
class ModelPicker:
    """A model, and one or several of its layers."""

    def __init__(
        self, session: Session, on_model: Callable[[ModelInfo], None], *, several: bool = False
    ) -> None:
        """Makes the choices; `on_model` hears of the model that was chosen."""
        self._session = session
        self._on_model = on_model
        self._several = several
        self._heard = -1
        self._model = ui.select({}, label="Model", on_change=self._on_change)
        # A network has hundreds of layers: typing finds them.
        self._layer = ui.select(
            {}, label="Layers" if several else "Layer", multiple=several, with_input=True
        ).props("use-chips" if several else "")
        # What is typed replaces the name that stands there.
        self._layer.on("focus", js_handler="(event) => event.target.select()")
        self._absent = Sentence("hint")
        for each in (self._model, self._layer):
            each.props("outlined dense").classes("wide")
        ui.timer(_LOOK_SECONDS, self._look)

    @property
    def model(self) -> str | None:
        """Name of the model that was chosen."""
        name: str | None = self._model.value
        return name

    @property
    def layers(self) -> list[str]:
        """Names of the layers that were chosen."""
        value = self._layer.value
        if self._several:
            return list(value or ())
        return [value] if value else []

    async def _look(self) -> None:
        service = self._session.service
        if service.version == self._heard:
            return
        self._heard = service.version
        served = [each for each in service.models if each.availability is Availability.SERVED]
        names = {each.name: each.name for each in served}
        before = self._model.value
        self._model.set_options(names, value=before if before in names else next(iter(names), None))
        self._absent.say(_absence(service.models))
        if self._model.value == before:
            await self._on_change()  # its layers may be others by now

    async def _on_change(self) -> None:
        name = self._model.value
        if name is None:
            return
        try:
            model = await self._session.service.client.model(name)
        except PreimageError:
            return  # the heading says what is wrong; when it is well again, `_look` comes here
        if name != self._model.value:
            return  # another one was chosen meanwhile
        labels = {each.name: _label(each) for each in model.layers}
        self._layer.set_options(labels, value=self._kept(labels))
        self._on_model(model)

    def _kept(self, labels: dict[str, str]) -> str | list[str] | None:
        if self._several:
            return [each for each in self.layers if each in labels] or list(labels)[:1]
        value: str | None = self._layer.value
        return value if value in labels else next(iter(labels), None)


def _absence(models: tuple[ModelInfo, ...]) -> str:
    absent = [each.name for each in models if each.availability is not Availability.SERVED]
    return f"Not served: {', '.join(absent)}; `preimage models` says why." if absent else ""


def _label(layer: LayerInfo) -> str:
    shape = "×".join(map(str, layer.code_shape))
    return f"{layer.name} ({layer.kind}, {shape})"
