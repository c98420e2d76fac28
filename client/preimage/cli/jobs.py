"""`preimage jobs`, `preimage cancel` and `preimage delete`."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from preimage.cli.options import DEFAULT_TARGET, JobId, Json, Target
from preimage.cli.output import print_json, print_table
from preimage.cli.session import session
from preimage.jobinfo import JobInfo

__all__ = ["cancel", "delete", "jobs"]

StateOption = Annotated[
    Literal["queued", "running", "succeeded", "failed", "cancelled"] | None,
    typer.Option(case_sensitive=False, help="Only jobs in this state."),
]
OfModel = Annotated[str | None, typer.Option("--model", help="Only jobs of this model.")]
OfLayer = Annotated[str | None, typer.Option("--layer", help="Only jobs of this layer.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Reason = Annotated[str, typer.Option(help="Why, for the record: at most 200 characters.")]


def jobs(
    *,
    state: StateOption = None,
    model: OfModel = None,
    layer: OfLayer = None,
    limit: Limit = 20,
    as_json: Json = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """List your jobs, newest first."""
    with session(target) as client:
        found = [
            job.info
            for job in client.jobs(
                state=state.upper() if state else None, model=model, layer=layer, limit=limit
            )
        ]
    if as_json:
        print_json({"jobs": [_as_json(info) for info in found]})
        return
    rows = (
        (
            info.id,
            str(info.state),
            info.representation,
            info.task,
            _progress(info),
            _time(info.created),
        )
        for info in found
    )
    print_table(("id", "state", "representation", "task", ">progress", "created"), rows)


def cancel(
    *,
    job_id: JobId,
    reason: Reason = "",
    as_json: Json = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Cancel a job: at once if it waits, at the next boundary if it runs."""
    with session(target) as client:
        info = client.cancel(job_id, reason)
    if as_json:
        print_json(_as_json(info))
    elif info.state.terminal:
        typer.echo(f"{info.id} is {info.state}.")
    else:
        typer.echo(f"{info.id} leaves its batch at the next boundary.")


def delete(*, job_id: JobId, as_json: Json = False, target: Target = DEFAULT_TARGET) -> None:
    """Delete a job that has ended, with its result and its files."""
    with session(target) as client:
        client.delete(job_id)
    if as_json:
        print_json({"id": job_id, "deleted": True})
    else:
        typer.echo(f"{job_id} is deleted.")


def _as_json(info: JobInfo) -> dict[str, Any]:
    progress = info.progress
    measured = progress is not None and progress.activation is None
    return {
        "id": info.id,
        "state": str(info.state),
        "model": info.model,
        "layer": info.layer,
        "layers": list(info.layers),
        "task": info.task,
        "step": progress.step if progress else None,
        "total_steps": progress.total_steps if progress else None,
        "relative_error": progress.relative_error if progress and measured else None,
        "activation": progress.activation if progress else None,
        "attempt": info.attempt,
        "origin": asdict(info.origin) if info.origin else None,
        "created": info.created.isoformat() if info.created else None,
        "ended": info.ended.isoformat() if info.ended else None,
        "error": str(info.error) if info.error else None,
    }


def _progress(info: JobInfo) -> str:
    return f"{info.progress.step}/{info.progress.total_steps}" if info.progress else "–"


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else "–"
