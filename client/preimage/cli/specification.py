"""The options of `preimage invert` that say what to compute."""

from dataclasses import dataclass
from typing import Annotated, final

import typer

from preimage.cli.options import Layer, Model
from preimage.cli.values import Range, read_box, read_plateau, read_range, read_size
from preimage.parts import Box, Mask, Plateau, Size
from preimage.request import Lane, Precision, Settings

__all__ = ["Specification"]

_METHOD = "Optimisation"
_TERMS = "Objective and priors"
_STOP = "When to stop"
_MASK = "Which part of the code counts"


@final
@dataclass(frozen=True, kw_only=True)
class Specification:
    """What to compute; each field is the option of the same name."""

    model: Model
    layer: Layer
    preset: Annotated[
        str | None, typer.Option(help="Named recipe: mv2015, mv2016. [default: the model's]")
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Seed of the start and of the jitter.")] = 0
    restarts: Annotated[
        int, typer.Option(min=1, help="How many pre-images, each from its own start.")
    ] = 1
    input_size: Annotated[
        Size | None,
        typer.Option(
            parser=read_size,
            metavar="HEIGHTxWIDTH",
            help="Size of the pre-image. [default: the model's, else the picture's own]",
        ),
    ] = None
    lane: Annotated[Lane, typer.Option(help="Lane of the queue.")] = "interactive"
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of steps. [default: the preset's]", rich_help_panel=_METHOD
        ),
    ] = None
    rate_factor: Annotated[
        float | None,
        typer.Option(help="Multiplies every learning rate.", rich_help_panel=_METHOD),
    ] = None
    jitter: Annotated[
        bool | None,
        typer.Option(
            "--jitter/--no-jitter",
            help="Feed a randomly shifted crop at every step. [default: as the preset does]",
            rich_help_panel=_METHOD,
        ),
    ] = None
    precision: Annotated[
        Precision | None,
        typer.Option(help="Arithmetic of the network. [default: float32]", rich_help_panel=_METHOD),
    ] = None
    data_weight: Annotated[
        float | None,
        typer.Option(help="Weight C of the data term, > 0.", rich_help_panel=_TERMS),
    ] = None
    tv_weight: Annotated[
        float | None,
        typer.Option(help="Weight λ_V of total variation, ≥ 0.", rich_help_panel=_TERMS),
    ] = None
    tv_exponent: Annotated[
        float | None,
        typer.Option(help="Exponent β of total variation, 1 to 4.", rich_help_panel=_TERMS),
    ] = None
    alpha_weight: Annotated[
        float | None,
        typer.Option(help="Weight λ_α of the α-norm, ≥ 0.", rich_help_panel=_TERMS),
    ] = None
    alpha_exponent: Annotated[
        float | None,
        typer.Option(help="Exponent α of the α-norm, 1 to 12.", rich_help_panel=_TERMS),
    ] = None
    target_error: Annotated[
        float | None,
        typer.Option(help="Stop at this relative error, like 0.05.", rich_help_panel=_STOP),
    ] = None
    plateau: Annotated[
        Plateau | None,
        typer.Option(
            parser=read_plateau,
            metavar="DECREASE[:STEPS]",
            help="Stop when the objective falls by less than this, relatively, over 50 steps.",
            rich_help_panel=_STOP,
        ),
    ] = None
    deadline_seconds: Annotated[
        float | None,
        typer.Option(help="How long the job may take, waiting included.", rich_help_panel=_STOP),
    ] = None
    mask_channels: Annotated[
        list[Range] | None,
        typer.Option(
            parser=read_range,
            metavar="BEGIN:END",
            help="These channels; may be repeated.",
            rich_help_panel=_MASK,
        ),
    ] = None
    mask_box: Annotated[
        list[Box] | None,
        typer.Option(
            parser=read_box,
            metavar="TOP,LEFT,HEIGHT,WIDTH",
            help="This box of cells; may be repeated.",
            rich_help_panel=_MASK,
        ),
    ] = None
    mask_tokens: Annotated[
        list[Range] | None,
        typer.Option(
            parser=read_range,
            metavar="BEGIN:END",
            help="These tokens of a (tokens, channels) code; may be repeated.",
            rich_help_panel=_MASK,
        ),
    ] = None

    def settings(self) -> Settings:
        """The same as keyword arguments of the SDK."""
        return Settings(
            preset=self.preset,
            steps=self.steps,
            data_weight=self.data_weight,
            tv_weight=self.tv_weight,
            tv_exponent=self.tv_exponent,
            alpha_weight=self.alpha_weight,
            alpha_exponent=self.alpha_exponent,
            restarts=self.restarts,
            seed=self.seed,
            target_error=self.target_error,
            plateau=self.plateau,
            mask=self._mask(),
            input_size=self.input_size,
            precision=self.precision,
            rate_factor=self.rate_factor,
            jitter=self.jitter,
            deadline_seconds=self.deadline_seconds,
            lane=self.lane,
        )

    def _mask(self) -> Mask | None:
        if not (self.mask_channels or self.mask_box or self.mask_tokens):
            return None
        return Mask(
            channels=tuple(self.mask_channels or ()),
            boxes=tuple(self.mask_box or ()),
            tokens=tuple(self.mask_tokens or ()),
        )
