"""`preimage invert`: a picture or a code goes in, its pre-image comes out."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.groups import flat
from preimage.cli.handing_in import Delivery, Wish, fulfil
from preimage.cli.matching import Matching
from preimage.cli.selection import Selection
from preimage.cli.specification import Specification
from preimage.cli.terms import Terms
from preimage.request import Settings

__all__ = ["invert"]

SourceFile = Annotated[
    Path,
    typer.Argument(
        metavar="PICTURE|CODE",
        exists=True,
        dir_okay=False,
        help="A picture, or a code in a .npy or .safetensors file.",
    ),
]


@flat
def invert(  # noqa: PLR0917 - each is a group of options, as `flat` explains
    source: SourceFile,
    specification: Specification,
    matching: Matching,
    terms: Terms,
    selection: Selection,
    delivery: Delivery,
) -> None:
    """Find a picture whose code is that of PICTURE, or is CODE itself.

    Writes the picture and prints its errors. Ctrl-C cancels the job.
    """
    matching.check()
    settings = specification.settings() | terms.settings() | matching.settings(selection.mask())
    wish = Wish(
        task="invert",
        source=matching.source(source),
        name=source.stem,
        model=specification.model,
        layers=matching.layers,
        settings=Settings(**settings),
    )
    fulfil(wish, delivery)
