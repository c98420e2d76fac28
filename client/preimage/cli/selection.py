"""The options that say which part of a code counts."""

from dataclasses import dataclass
from typing import Annotated, final

import typer

from preimage.cli.values import Range, read_box, read_range
from preimage.parts import Box, ChannelHalf, Mask

__all__ = ["Selection"]

_MASK = "Which part of the code counts"


@final
@dataclass(frozen=True, kw_only=True)
class Selection:
    """A mask; each field is the option of the same name."""

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
    mask_centre: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="CELLS",
            help="The central CELLS × CELLS positions: one more box.",
            rich_help_panel=_MASK,
        ),
    ] = None
    mask_channel_half: Annotated[
        ChannelHalf | None,
        typer.Option(
            help="One half of the channels: one more range of them.", rich_help_panel=_MASK
        ),
    ] = None

    def mask(self) -> Mask | None:
        """The mask, if any part of it is given."""
        mask = Mask(
            channels=tuple(self.mask_channels or ()),
            boxes=tuple(self.mask_box or ()),
            tokens=tuple(self.mask_tokens or ()),
            centre=self.mask_centre,
            channel_half=self.mask_channel_half,
        )
        return None if mask == Mask() else mask
