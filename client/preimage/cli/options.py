"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.connection import DEFAULT_TARGET

__all__ = [
    "DEFAULT_ADMIN_TARGET",
    "DEFAULT_TARGET",
    "AdminTarget",
    "Auditors",
    "Catalogue",
    "Data",
    "Device",
    "JobId",
    "Json",
    "Layer",
    "Model",
    "RedisUrl",
    "Slots",
    "Target",
    "WeightsDir",
    "Workers",
]

DEFAULT_ADMIN_TARGET = "127.0.0.1:8791"
"""Where the AdminService listens unless told otherwise."""

JobId = Annotated[str, typer.Argument(metavar="ID", help="The server's name for the job.")]
Target = Annotated[
    str,
    typer.Option(envvar="PREIMAGE_TARGET", metavar="HOST:PORT", help="Where the service is."),
]
AdminTarget = Annotated[
    str,
    typer.Option(
        envvar="PREIMAGE_ADMIN_TARGET", metavar="HOST:PORT", help="Where its AdminService is."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Model = Annotated[str, typer.Option(help="Name of a model, as `preimage models` lists them.")]
Layer = Annotated[str, typer.Option(help="Name of a layer, as `preimage models MODEL` lists them.")]
Auditors = Annotated[
    int, typer.Option(min=0, help="Number of auditor processes; 0 takes no audits.")
]
Workers = Annotated[int, typer.Option(min=1, help="Number of worker processes.")]
Device = Annotated[
    str | None,
    typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Where a worker computes. [default: auto]"),
]
Slots = Annotated[int | None, typer.Option(min=1, help="Lanes of a worker's batch. [default: 16]")]
Data = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Keep jobs and logs in this folder. Without it they are gone at the end.",
    ),
]
WeightsDir = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="Folder of safetensors files that the catalogue names."
    ),
]
Catalogue = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="Catalogue of models (TOML). [default: the built-in one]"
    ),
]
RedisUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where Redis is. [default: redis://127.0.0.1:6379/0]"),
]
