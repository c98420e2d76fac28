"""How to invert: the fields of preset, priors, steps, seed, and what else a job can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from nicegui import ui

from preimage.errors import BadInput
from preimage.parts import Mask
from preimage.request import Settings
from preimage.ui.elements import tag
from preimage.ui.reading import read_size, read_strength

if TYPE_CHECKING:
    from preimage.models import ModelInfo
    from preimage.ui.given import Given

__all__ = ["Fields"]

_SUGGESTED_SIDE = 256
"""Pixels of the longest side that is suggested for models of any size: quick to look at."""
_LEAST, _LARGEST_SEED = 1, 2**53
"""What a number of a browser holds exactly."""


@final
class Fields:
    """The settings of an inversion; empty fields are left to the preset."""

    def __init__(self, *, strength: bool = True) -> None:
        """Makes the fields; without `strength`, none for the factor of the priors."""
        self._model: ModelInfo | None = None
        with tag("div", "fields"):
            self._preset = ui.select({}, label="Preset").props("outlined dense").classes("full")
            self._steps = _number("Steps", "the preset's")
            self._seed = _number("Seed", "0", least=0)
            self._strength = _text("Priors × λ", "1, or auto")
            self._strength.visible = strength
            self._size = _text("Size, width × height", "the picture's own")
        with (
            ui.expansion("More settings").props("dense").classes("more"),
            tag("div", "fields"),
        ):
            self._restarts = _number("Restarts", "1")
            self._data_weight = _number("Weight C of the data term", "the preset's", whole=False)
            self._tv_weight = _number("Weight of total variation", "the preset's", whole=False)
            self._target_error = _number("Stop at relative error", "never", whole=False)
            self._centre = _number("Only the central k × k cells", "all")
            halves = {"": "Both", "first": "The first half", "second": "The second half"}
            self._half = ui.select(halves, label="Channels that count", value="")
            self._half.props("outlined dense")

    def offer(self, model: ModelInfo) -> None:
        """Offers what a model can be asked."""
        self._model = model
        presets = {each.name: f"{each.name} ({each.steps} steps)" for each in _inverting(model)}
        kept = self._preset.value if self._preset.value in presets else next(iter(presets), None)
        self._preset.set_options(presets, value=kept)
        self._size.visible = model.preprocessing.any_size

    def suggest(self, given: Given) -> None:
        """Suggests a size for a picture that is larger than one waits for."""
        fitted = None if given.is_code else given.fitted(_SUGGESTED_SIDE)
        self._size.value = "" if fitted is None else f"{fitted.width} × {fitted.height}"

    def settings(self) -> Settings:
        """What was chosen.

        Raises:
            BadInput: a field holds what it cannot hold.
        """
        settings = Settings(
            preset=self._preset.value,
            steps=_whole(self._steps),
            seed=_whole(self._seed) or 0,
            restarts=_whole(self._restarts) or 1,
            data_weight=self._data_weight.value,
            tv_weight=self._tv_weight.value,
            target_error=self._target_error.value,
            mask=self._mask(),
        )
        if self._strength.visible:
            settings["prior_weight"] = read_strength(self._strength.value)
        if self._size.visible:
            settings["input_size"] = read_size(self._size.value)
        return settings

    def _mask(self) -> Mask | None:
        mask = Mask(centre=_whole(self._centre), channel_half=self._half.value or None)
        return None if mask == Mask() else mask


def _inverting(model: ModelInfo) -> list[Any]:
    return [each for each in model.presets if each.steps > 0]


def _text(label: str, hint: str) -> ui.input:
    field = ui.input(label, value="", placeholder=hint)
    return field.props("outlined dense stack-label")


def _number(label: str, hint: str, *, least: int = _LEAST, whole: bool = True) -> ui.number:
    field = ui.number(
        label,
        placeholder=hint,
        min=least if whole else 0,
        max=_LARGEST_SEED if whole else None,
        step=1 if whole else None,
    )
    if not whole:
        field.props["step"] = "any"
    return field.props("outlined dense stack-label")


def _whole(field: ui.number) -> int | None:
    value = field.value
    if value is None:
        return None
    if value != int(value):
        raise BadInput(f"{field.label} takes a whole number, not {value}.")
    return int(value)
