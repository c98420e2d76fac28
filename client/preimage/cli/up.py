"""`preimage up`: the whole service on this machine, until Ctrl-C."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

import preimage
from preimage.cli.environment import variables
from preimage.cli.follow import LogFollower
from preimage.cli.lines import tell
from preimage.cli.options import (
    DEFAULT_ADMIN_TARGET,
    DEFAULT_TARGET,
    Auditors,
    Catalogue,
    Data,
    Device,
    Slots,
    WeightsDir,
    Workers,
)
from preimage.embedded import Stack, StackOptions

__all__ = ["hint", "up"]

_LOOK_SECONDS = 0.5

Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Address of the service.")]
AdminListen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Address of the AdminService.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the processes' logs on stderr.")]


def up(
    *,
    workers: Workers = 1,
    auditors: Auditors = 1,
    listen: Listen = DEFAULT_TARGET,
    admin_listen: AdminListen = DEFAULT_ADMIN_TARGET,
    device: Device = None,
    slots: Slots = None,
    data: Data = None,
    weights_dir: WeightsDir = None,
    catalogue: Catalogue = None,
    verbose: Verbose = False,
) -> None:
    """Run the whole service on this machine: Redis, the frontend, workers and an auditor.

    Prints the target and runs until Ctrl-C, which lets running jobs be handed back to the queue.
    """
    given = variables(device=device, slots=slots, weights_dir=weights_dir, catalogue=catalogue)
    options = StackOptions(
        workers=workers,
        auditors=auditors,
        listen=listen,
        admin_listen=admin_listen,
        service_metrics_listen=_from_environment("PREIMAGE_SERVICE_METRICS_LISTEN"),
        worker_metrics_listen=_from_environment("PREIMAGE_WORKER_METRICS_LISTEN"),
        data=data,
        environment=given,
    )
    tell("Starting Redis, the frontend, the workers and the auditor …")
    try:
        with Stack(options) as stack, LogFollower(stack.logs, enabled=verbose):
            _announce(stack)
            _supervise(stack)
    except KeyboardInterrupt:
        tell("Stopped.")


def _from_environment(variable: str) -> str:
    """The address that the variable names, else a free one: a second `up` must not fail on it."""
    return os.environ.get(variable) or "127.0.0.1:0"


def _announce(stack: Stack) -> None:
    """Prints the addresses; the target is the first line of stdout."""
    typer.echo(stack.target)
    tell(f"preimage {preimage.__version__} serves at {stack.target}")
    tell(f"  admin    {stack.admin_target or 'off'}")
    for name, announced in stack.announcements.items():
        device = f" on {announced['device']}" if "device" in announced else ""
        address = announced["metrics"]
        metrics = f"metrics at http://{address}/metrics" if address else "no metrics"
        tell(f"  {name}{device}, {metrics}")
    tell(f"  logs     {stack.logs}")
    tell(hint(stack.target, {**os.environ, **stack.options.environment}))


def hint(target: str, environment: Mapping[str, str]) -> str:
    """What to type next: something that the service with this environment has."""
    has_hog = not environment.get("PREIMAGE_CATALOGUE")  # the operator's own may lack it
    command = "invert PICTURE --model hog --layer hog" if has_hog else "models"
    elsewhere = "" if target == DEFAULT_TARGET else f" --target {target}"
    return f"Try `preimage {command}{elsewhere}` in another terminal; Ctrl-C stops."


def fate(data: Path | None) -> str:
    """What becomes of the jobs that run when a stack stops; without a folder its queue is lost."""
    if data is None:
        return "running jobs are lost, as nothing is kept without --data"
    return f"running jobs go back to the queue in {data}"


def _supervise(stack: Stack) -> None:
    """Looks after the processes until a signal comes."""
    try:
        while True:
            if sentence := stack.supervise():
                tell(sentence)
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        tell(f"Draining: {fate(stack.options.data)}. Ctrl-C again ends at once.")
