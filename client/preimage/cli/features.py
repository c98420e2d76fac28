"""`preimage features`: the code of a picture, computed by the service, in a file."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import DEFAULT_TARGET, Json, Layer, Model, Target
from preimage.cli.output import print_json, say
from preimage.cli.session import session
from preimage.cli.values import read_size
from preimage.parts import Size

__all__ = ["features"]


def _read_out(text: str) -> Path:
    out = Path(text)
    if out.suffix not in {".npy", ".safetensors"}:
        raise typer.BadParameter(f"{out.name} must end in .safetensors or .npy.")
    if not out.resolve().parent.is_dir():
        raise typer.BadParameter(f"There is no folder {out.resolve().parent}.")
    return out


Picture = Annotated[
    Path, typer.Argument(metavar="PICTURE", exists=True, dir_okay=False, help="The picture.")
]
Out = Annotated[
    Path,
    typer.Option(
        parser=_read_out,
        metavar="FILE",
        help="A .safetensors file, which keeps model, layer and input size too, or a .npy file.",
    ),
]
InputSize = Annotated[
    Size | None,
    typer.Option(
        parser=read_size,
        metavar="HEIGHTxWIDTH",
        help="Resize the picture to this. [default: the model's input size, if it has one]",
    ),
]


def features(
    *,
    picture: Picture,
    model: Model,
    layer: Layer,
    out: Out,
    input_size: InputSize = None,
    as_json: Json = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Compute the code of a picture and save it; `preimage invert` takes the file."""
    with session(target) as client:
        code = client.extract_features(picture, model, layer, input_size=input_size)
    code.save(out)
    shape = list(code.shape)
    size = list(code.input_size) if code.input_size else None
    if as_json:
        description = {"model": model, "layer": layer, "shape": shape, "input_size": size}
        print_json({**description, "out": str(out), "id": code.job_id})
        return
    of = f" of a {size[0]} × {size[1]} picture" if size else ""
    typer.echo(f"{model} {layer}: {' × '.join(map(str, shape))}{of}")
    typer.echo(str(out))
    say(f"The service keeps it as {code.job_id} until its results go: preimage delete ends that.")
