"""The options that say how to compute: model, recipe, start, schedule, when to stop."""

from dataclasses import dataclass
from typing import Annotated, final

import typer

from preimage.cli.options import Model
from preimage.cli.values import read_plateau, read_size
from preimage.parts import Plateau, Size
from preimage.request import Cache, Lane, Parametrisation, Precision, Settings

__all__ = ["STOP", "Specification"]

STOP = "When to stop"
_METHOD = "Optimisation"


@final
@dataclass(frozen=True, kw_only=True)
class Specification:
    """How to compute; each field is the option of the same name."""

    model: Model
    preset: Annotated[
        str | None,
        typer.Option(help="Solver or recipe: auto, mv2016, mv2015, lucid. [default: the model's]"),
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
    cache: Annotated[
        Cache,
        typer.Option(help="Use the result of an equal job, compute anew, or keep to itself."),
    ] = "use"
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of steps. [default: the preset's]", rich_help_panel=_METHOD
        ),
    ] = None
    rate_factor: Annotated[
        float | None,
        typer.Option(help="Multiplies every learning rate of a recipe.", rich_help_panel=_METHOD),
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
    parametrisation: Annotated[
        Parametrisation | None,
        typer.Option(
            help="Coordinates of the steps of a first-order recipe. [default: the preset's]",
            rich_help_panel=_METHOD,
        ),
    ] = None
    decorrelate_colour: Annotated[
        bool | None,
        typer.Option(
            "--decorrelate-colour/--no-decorrelate-colour",
            help="Take steps in colours that are uncorrelated in natural pictures. "
            "[default: as the preset does]",
            rich_help_panel=_METHOD,
        ),
    ] = None
    plateau: Annotated[
        Plateau | None,
        typer.Option(
            parser=read_plateau,
            metavar="DECREASE[:STEPS]",
            help="Stop when the objective falls by less than this, relatively, over 50 steps.",
            rich_help_panel=STOP,
        ),
    ] = None
    deadline_seconds: Annotated[
        float | None,
        typer.Option(help="How long the job may take, waiting included.", rich_help_panel=STOP),
    ] = None

    def settings(self) -> Settings:
        """The same as keyword arguments of the SDK."""
        return Settings(
            preset=self.preset,
            steps=self.steps,
            restarts=self.restarts,
            seed=self.seed,
            plateau=self.plateau,
            input_size=self.input_size,
            precision=self.precision,
            parametrisation=self.parametrisation,
            decorrelate_colour=self.decorrelate_colour,
            rate_factor=self.rate_factor,
            jitter=self.jitter,
            deadline_seconds=self.deadline_seconds,
            lane=self.lane,
            cache=self.cache,
        )
