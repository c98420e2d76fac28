"""`preimage models`: what the service can invert."""

from typing import Annotated, Any

import typer

from preimage.cli.options import DEFAULT_TARGET, Json, Target
from preimage.cli.output import counted, print_json, print_table
from preimage.cli.session import session
from preimage.enums import Availability
from preimage.models import ModelInfo, Preprocessing, PresetInfo

__all__ = ["models"]

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Show this model with its layers.")
]


def models(*, name: Name = None, as_json: Json = False, target: Target = DEFAULT_TARGET) -> None:
    """List the models of the service; with NAME, the layers and preprocessing of one."""
    with session(target) as client:
        if name:
            _show(client.model(name), as_json=as_json)
        else:
            _list(client.models(), as_json=as_json)


def _list(found: tuple[ModelInfo, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"models": [_as_json(model) for model in found]})
        return
    rows = (
        (
            model.name,
            _availability(model),
            _size(model.preprocessing),
            ", ".join(preset.name for preset in model.presets),
            model.weights or "–",
        )
        for model in found
    )
    print_table(("model", "available", "input", "presets", "weights"), rows)
    for model in found:
        if model.unavailable_reason:
            typer.echo(f"{model.name}: {model.unavailable_reason}")


def _show(model: ModelInfo, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {**_as_json(model), "layers": [_layer(model, each.name) for each in model.layers]}
        )
        return
    typer.echo(f"{model.name}: {model.architecture}, {_availability(model)}")
    if model.unavailable_reason:
        typer.echo(model.unavailable_reason)
    typer.echo(_recipe(model.preprocessing))
    for preset in model.presets:
        typer.echo(f"{preset.name}: {preset.description} ({_uses(preset)})")
    rows = (
        (
            layer.name,
            layer.kind,
            " × ".join(map(str, layer.code_shape)),
            " × ".join(layer.axes) or "–",
            str(layer.stride),
            "yes" if layer.has_reference else "–",
        )
        for layer in model.layers
    )
    print_table(("layer", "kind", ">code", "axes", ">stride", "reference"), rows)


def _uses(preset: PresetInfo) -> str:
    """What a preset is for, with the steps that it takes."""
    uses = (("to invert", preset.steps), ("to maximise", preset.activation_steps))
    return ", ".join(f"{steps} steps {use}" for use, steps in uses if steps)


def _availability(model: ModelInfo) -> str:
    return {
        Availability.SERVED: "served",
        Availability.WEIGHTS_MISSING: "weights missing",
    }.get(model.availability, "unknown")


def _size(preprocessing: Preprocessing) -> str:
    size = preprocessing.input_size
    return f"{size.height} × {size.width}" if size else "any size"


def _recipe(preprocessing: Preprocessing) -> str:
    """How a picture becomes the model's input, in one line."""
    channels = preprocessing.channels
    colours = {1: "grey", 3: "RGB"}.get(channels, counted(channels, "channel"))
    mean, std = (", ".join(f"{each:g}" for each in numbers) for numbers in _moments(preprocessing))
    return (
        f"input: {colours}, {_size(preprocessing)} ({preprocessing.resampling.lower()}), "
        f"divided by {preprocessing.divisor:g}, minus ({mean}), divided by ({std})"
    )


def _moments(preprocessing: Preprocessing) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return preprocessing.mean, preprocessing.std


def _layer(model: ModelInfo, name: str) -> dict[str, Any]:
    layer = model.layer(name)
    return {
        "name": layer.name,
        "kind": layer.kind,
        "code_shape": list(layer.code_shape),
        "axes": list(layer.axes),
        "stride": layer.stride,
        "has_reference": layer.has_reference,
    }


def _as_json(model: ModelInfo) -> dict[str, Any]:
    preprocessing = model.preprocessing
    size = preprocessing.input_size
    return {
        "name": model.name,
        "architecture": model.architecture,
        "digest": model.digest,
        "weights": model.weights,
        "available": model.availability is Availability.SERVED,
        "unavailable_reason": model.unavailable_reason or None,
        "input_size": list(size) if size else None,
        "channels": preprocessing.channels,
        "divisor": preprocessing.divisor,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "presets": [preset.name for preset in model.presets],
    }
