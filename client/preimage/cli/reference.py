"""`preimage reference`: measures how far the codes of unrelated pictures are apart."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.environment import variables
from preimage.cli.options import Catalogue, Device, WeightsDir
from preimage.cli.processes import become
from preimage.embedded.children import require_extras

__all__ = ["reference"]

Pictures = Annotated[
    Path,
    typer.Option(
        exists=True, file_okay=False, help="Folder of natural pictures (PNG, JPEG or WebP)."
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write (JSON).")]
ModelNames = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A model; can be repeated. [default: every model served]"),
]
LayerPatterns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help='A layer, or a pattern such as "features.*"; can be repeated. [default: every layer]',
    ),
]
Limit = Annotated[int, typer.Option(min=2, help="Pictures at most, by name.")]
Side = Annotated[
    int, typer.Option(min=1, help="Height and width in pixels where the model takes any size.")
]


def reference(
    *,
    pictures: Pictures,
    output: Output,
    model: ModelNames = None,
    layer: LayerPatterns = None,
    limit: Limit = 100,
    side: Side = 224,
    device: Device = None,
    catalogue: Catalogue = None,
    weights_dir: WeightsDir = None,
) -> None:
    """Measure how far the codes of unrelated pictures are apart.

    Workers that find the file under PREIMAGE_REFERENCES compare errors with it. It holds neither
    pictures nor codes.
    """
    require_extras("worker")
    given = variables(device=device, catalogue=catalogue, weights_dir=weights_dir)
    arguments = [f"--pictures={pictures}", f"--output={output}", f"--limit={limit}"]
    arguments += [f"--side={side}", *(f"--model={each}" for each in model or ())]
    become("preimage_worker.reference", given, [*arguments, *(f"--layer={e}" for e in layer or ())])
