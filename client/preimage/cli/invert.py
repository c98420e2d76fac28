"""`preimage invert`: a picture or a code goes in, its pre-image comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer

from preimage.cli.deliver import Out, deliver, failed_as_json
from preimage.cli.groups import flat
from preimage.cli.options import DEFAULT_TARGET, Json, Target
from preimage.cli.output import print_json, say
from preimage.cli.progress import JobBar
from preimage.cli.session import session
from preimage.cli.specification import Specification
from preimage.client import Client
from preimage.enums import State
from preimage.errors import JobCancelled, JobFailed, PreimageError
from preimage.events import Preview
from preimage.jobs import Job
from preimage.request import Settings
from preimage.results import Result

__all__ = ["invert"]

Source = Annotated[
    Path,
    typer.Argument(
        metavar="PICTURE|CODE",
        exists=True,
        dir_okay=False,
        help="A picture, or a code in a .npy or .safetensors file.",
    ),
]


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


@flat
def invert(source: Source, specification: Specification, delivery: Delivery) -> None:
    """Find a picture whose code is that of PICTURE, or is CODE itself.

    Writes the picture and prints its errors. Ctrl-C cancels the job.
    """
    if delivery.detach and delivery.embedded:
        raise typer.BadParameter(
            "--detach needs a service that outlives this call: drop --embedded."
        )
    with session(delivery.target, embedded=delivery.embedded) as client:
        if delivery.detach:
            _hand_in(client, source, specification, delivery)
            return
        result = _run(client, source, specification, delivery)
        out = delivery.out or Path(f"{source.stem}.preimage.png")
        deliver(result, out, as_json=delivery.as_json)


def _hand_in(client: Client, source: Path, spec: Specification, delivery: Delivery) -> None:
    job = _submit(client, source, spec, delivery, spec.settings())
    if delivery.as_json:
        print_json({"id": job.id, "state": str(job.state)})
    else:
        typer.echo(job.id)


def _run(client: Client, source: Path, spec: Specification, delivery: Delivery) -> Result:
    settings = spec.settings()
    if delivery.preview_dir:
        settings["preview_every_steps"] = delivery.preview_every
    with JobBar(f"{spec.model} {spec.layer}") as bar:
        write = _preview_writer(delivery.preview_dir)
        job = _submit(client, source, spec, delivery, settings)
        try:
            return job.result(on_progress=bar.show, on_preview=write)
        except (JobFailed, JobCancelled) as error:
            if delivery.as_json:
                print_json(failed_as_json(error))
            raise
        except PreimageError:
            raise  # the job goes on, and the message says how to take it up again
        except BaseException:
            _abandon(job)
            raise


def _submit(
    client: Client, source: Path, spec: Specification, delivery: Delivery, settings: Settings
) -> Job:
    return client.submit(
        source, model=spec.model, layer=spec.layer, request_id=delivery.request_id, **settings
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
