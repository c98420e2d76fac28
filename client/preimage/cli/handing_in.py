"""Handing a job in, waiting for it, and writing what comes out: the same for every task."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer

from preimage.cli.deliver import Out, deliver
from preimage.cli.options import DEFAULT_TARGET, Json, Target
from preimage.cli.output import print_json, say
from preimage.cli.progress import JobBar
from preimage.cli.session import session
from preimage.client import Client
from preimage.enums import State
from preimage.errors import PreimageError
from preimage.events import Preview
from preimage.jobs import Job
from preimage.request import Settings, Task
from preimage.results import Result
from preimage.sources import Source

__all__ = ["Delivery", "Wish", "fulfil"]

_LONGEST_NAME = 200
"""Characters of a file's name; most file systems take 255 bytes."""


@final
@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for."""

    task: Task
    """What to do."""
    source: Source
    """With what."""
    name: str
    """The source in the name of the file that is written, where it has one."""
    model: str
    """Name of the model."""
    layers: tuple[str, ...]
    """Names of the layers."""
    settings: Settings
    """All else."""

    @property
    def out(self) -> Path:
        """Where the picture goes unless it is said: named after source, model, layers, task."""
        kinds = {"invert": "preimage", "maximise": "maximised", "caricature": "caricature"}
        parts = (self.name, self.model, "+".join(self.layers), kinds[self.task])
        plain = re.sub(r"[^\w.+-]+", "-", ".".join(part for part in parts[:-1] if part))
        return Path(f"{plain[:_LONGEST_NAME]}.{parts[-1]}.png")


@final
@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the job is handed in, and where its result goes."""

    out: Out = None
    as_json: Json = False
    preview_dir: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Write previews of the running job into this folder."),
    ] = None
    preview_every: Annotated[
        int, typer.Option(min=1, metavar="STEPS", help="Steps between two previews.")
    ] = 20
    request_id: Annotated[
        str | None, typer.Option(help="Name of the request, for safe repetition.")
    ] = None
    detach: Annotated[
        bool,
        typer.Option(
            "--detach",
            help="Print the job's id and return; `preimage watch ID --out` fetches the picture.",
        ),
    ] = False
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Start a service on this machine for this call.")
    ] = False
    target: Target = DEFAULT_TARGET


def fulfil(wish: Wish, delivery: Delivery) -> None:
    """Hands the job in and, unless it is detached, waits for it and delivers its result.

    Raises:
      typer.BadParameter: --detach and --embedded exclude each other.
    """
    if delivery.detach and delivery.embedded:
        raise typer.BadParameter(
            "--detach needs a service that outlives this call: drop --embedded."
        )
    with session(delivery.target, embedded=delivery.embedded) as client:
        if delivery.detach:
            _hand_in(client, wish, delivery)
            return
        result = _run(client, wish, delivery)
        deliver(result, delivery.out or wish.out, as_json=delivery.as_json)


def _hand_in(client: Client, wish: Wish, delivery: Delivery) -> None:
    job = _submit(client, wish, delivery, wish.settings)
    if delivery.as_json:
        print_json({"id": job.id, "state": str(job.state)})
    else:
        typer.echo(job.id)


def _run(client: Client, wish: Wish, delivery: Delivery) -> Result:
    settings = wish.settings.copy()
    if delivery.preview_dir:
        settings["preview_every_steps"] = delivery.preview_every
    with JobBar(f"{wish.model} {'+'.join(wish.layers)}") as bar:
        write = _preview_writer(delivery.preview_dir)
        job = _submit(client, wish, delivery, settings)
        try:
            return job.result(on_progress=bar.show, on_preview=write)
        except PreimageError:
            raise  # it ended, or goes on and the message says how to take it up again
        except BaseException:
            _abandon(job)
            raise


def _submit(client: Client, wish: Wish, delivery: Delivery, settings: Settings) -> Job:
    return client.submit(
        wish.source,
        model=wish.model,
        layer=None if "layers" in settings else wish.layers[0],
        task=wish.task,
        request_id=delivery.request_id,
        **settings,
    )


def _abandon(job: Job) -> None:
    """Cancels the job because nobody waits for it any more, and says what became of it."""
    try:
        info = job.cancel("The caller went away.")
    except PreimageError as error:
        say(f"Job {job.id} could not be cancelled: {error}")
        return
    ended = info.state.terminal and info.state is not State.CANCELLED
    say(f"Job {job.id} is {info.state} already." if ended else f"Cancelled job {job.id}.")


def _preview_writer(folder: Path | None) -> Callable[[Preview], None] | None:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)

    def write(preview: Preview) -> None:
        (folder / f"{preview.restart}-{preview.step:05d}.png").write_bytes(preview.png)

    return write
