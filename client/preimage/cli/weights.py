"""`preimage weights convert`: weights of other programs as files that a worker loads."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.processes import become
from preimage.embedded.children import require_extras

__all__ = ["convert"]

Source = Annotated[
    Path,
    typer.Argument(
        metavar="IN", exists=True, dir_okay=False, help="A binary .caffemodel of Caffe's AlexNet."
    ),
]
Output = Annotated[
    Path, typer.Argument(metavar="OUT", dir_okay=False, help="The safetensors file to write.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite OUT.")]


def convert(*, source: Source, output: Output, force: Force = False) -> None:
    """Convert weights of Caffe's reference model for the network cnn_a.

    Put the result into the folder of weights as cnn_a.safetensors.
    """
    require_extras("worker")
    options = ["--force"] if force else []
    become("preimage_worker.convert_caffe", {}, [*options, "--", str(source), str(output)])
