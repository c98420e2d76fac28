"""`preimage audit demo`: the command."""

import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from preimage.audits.report import AuditReport
from preimage.cli.audit.demo.crops import auxiliary, targets
from preimage.cli.audit.demo.network import CATALOGUE, DEFENCES, LAYERS, Network, choose
from preimage.cli.audit.following import AuditBar
from preimage.cli.audit.showing import print_rows
from preimage.cli.output import counted, say
from preimage.cli.session import private_stack
from preimage.client import Client
from preimage.embedded import StackOptions

__all__ = ["demo"]

_MOST_WORKERS = 2
"""Each takes most of a gigabyte, and pictures are too small for the cores of one."""
_ENDING = (
    "A quick audit shows what leaks, and never that nothing does. For your own pictures and model: "
    "`preimage audit run --help`, docs/how-to/audit.md."
)

Out = Annotated[
    Path, typer.Option("--out", "-o", file_okay=False, help="Folder for the four files.")
]


def demo(*, out: Out = Path("audit-demo")) -> None:
    """Audit three layers of a small network under four defences, on public pictures.

    Starts a service on this machine and takes minutes. Prints a table and writes the report, with
    thumbnails.
    """
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)  # before the work: where it cannot be, nothing is lost
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue.toml"
        catalogue.write_text(CATALOGUE, "utf-8")
        served = StackOptions(
            workers=min(_MOST_WORKERS, os.cpu_count() or 1),
            auditors=1,
            environment={"PREIMAGE_CATALOGUE": str(catalogue)},
        )
        with private_stack(served) as private, private.client() as client:
            network = choose(client.models())
            report = _audit(client, network)
    report.save(out)
    print_rows(report)
    say(f"This was {network.sentence}")
    minutes, cores = (time.monotonic() - began) / 60, counted(os.cpu_count() or 1, "core")
    say(f"It took {minutes:.1f} minutes on {cores}. {_ENDING}")
    typer.echo(str(out / "report.html"))


def _audit(client: Client, network: Network) -> AuditReport:
    attacked, others = targets(), auxiliary()
    audit = client.audit(
        model=network.model,
        layers=LAYERS,
        targets=attacked,
        auxiliary=others,
        own_these_pictures=True,  # they are public, and show no persons
        defences=DEFENCES,
        profile="quick",
        pictures="thumbnail",
    )
    say(f"What codes give away of {network.sentence}")
    say(f"A quick audit: {audit.info.plan} …")
    say(
        f"{counted(len(attacked), 'crop')} of a cat, a cup and a rocket are attacked; the attacker "
        f"has {counted(len(others), 'crop')} of other pictures."
    )
    with AuditBar("Audit") as bar:
        return audit.result(on_progress=bar.show)
