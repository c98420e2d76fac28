"""`preimage maximise` and `preimage caricature`: pictures that a layer answers to strongly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer

from preimage.cli.groups import flat
from preimage.cli.handing_in import Delivery, Wish, fulfil
from preimage.cli.options import Layer
from preimage.cli.selection import Selection
from preimage.cli.specification import Specification
from preimage.cli.terms import Terms
from preimage.parts import Unit
from preimage.sources import Source

__all__ = ["caricature", "maximise"]

_RAISED = "What is raised"


@final
@dataclass(frozen=True, kw_only=True)
class Raised:
    """A unit or a direction; each field is the option of the same name."""

    layer: Layer
    channel: Annotated[
        int | None,
        typer.Option(min=0, help="This channel of the layer, from 0.", rich_help_panel=_RAISED),
    ] = None
    row: Annotated[
        int | None,
        typer.Option(min=0, help="At this row. [default: all positions]", rich_help_panel=_RAISED),
    ] = None
    column: Annotated[
        int | None,
        typer.Option(
            min=0, help="At this column. [default: all positions]", rich_help_panel=_RAISED
        ),
    ] = None
    token: Annotated[
        int | None,
        typer.Option(min=0, help="At this token. [default: all tokens]", rich_help_panel=_RAISED),
    ] = None
    direction: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="In the place of a channel: a .npy or .safetensors file of the shape of a code, "
            "or a picture whose code is the direction.",
            rich_help_panel=_RAISED,
        ),
    ] = None
    activation_scale: Annotated[
        float | None,
        typer.Option(
            help="The activation that counts as 1. [default: measured on noise]",
            rich_help_panel=_RAISED,
        ),
    ] = None

    def source(self) -> Source:
        """What is raised.

        Raises:
          typer.BadParameter: neither or both are named.
        """
        if (self.channel is None) == (self.direction is None):
            raise typer.BadParameter("Name a --channel, or a --direction; not both.")
        if self.channel is not None:
            return Unit(self.channel, self.row, self.column, self.token)
        assert self.direction is not None
        return self.direction

    @property
    def name(self) -> str:
        """It in the name of a file."""
        return f"channel-{self.channel}" if self.direction is None else self.direction.stem


@flat
def maximise(
    specification: Specification,
    raised: Raised,
    terms: Terms,
    selection: Selection,
    delivery: Delivery,
) -> None:
    """Find a picture to which a channel of a layer answers strongly.

    Writes the picture and prints its activation. Ctrl-C cancels the job.
    """
    settings = specification.settings() | terms.settings()
    settings["activation_scale"] = raised.activation_scale
    settings["mask"] = selection.mask()
    wish = Wish(
        task="maximise",
        source=raised.source(),
        name=raised.name,
        model=specification.model,
        layers=(raised.layer,),
        settings=settings,
    )
    fulfil(wish, delivery)


Picture = Annotated[
    Path, typer.Argument(metavar="PICTURE", exists=True, dir_okay=False, help="The picture.")
]


@flat
def caricature(  # noqa: PLR0917 - each is a group of options, as `flat` explains
    picture: Picture,
    specification: Specification,
    layer: Layer,
    terms: Terms,
    selection: Selection,
    delivery: Delivery,
) -> None:
    """Exaggerate what a layer sees in PICTURE.

    Writes the picture and prints its activation. Ctrl-C cancels the job.
    """
    settings = specification.settings() | terms.settings()
    settings["mask"] = selection.mask()
    wish = Wish(
        task="caricature",
        source=picture,
        name=picture.stem,
        model=specification.model,
        layers=(layer,),
        settings=settings,
    )
    fulfil(wish, delivery)
