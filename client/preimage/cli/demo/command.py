"""`preimage demo`: the command."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.demo.page import write_page
from preimage.cli.demo.pictures import DemoPicture, find_pictures
from preimage.cli.demo.plan import ENTRIES, refusals
from preimage.cli.demo.run import Row, invert_all
from preimage.cli.options import DEFAULT_TARGET
from preimage.cli.output import print_table, say
from preimage.cli.session import session

__all__ = ["demo"]

Out = Annotated[Path, typer.Option(file_okay=False, help="Folder for the page and its pictures.")]
Pictures = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        envvar="PREIMAGE_PICTURES_DIR",
        help="Take the pictures of this folder. [default: three that come with scikit-image]",
    ),
]
Limit = Annotated[int, typer.Option(min=1, help="At most so many pictures.")]


def demo(*, out: Out = Path("demo"), pictures: Pictures = None, limit: Limit = 3) -> None:
    """Invert natural pictures from several representations and show them on a page.

    Starts a service on this machine and sends every job through it. Prints a table and writes
    index.html and results.json.
    """
    shown = find_pictures(pictures, limit)
    out.mkdir(parents=True, exist_ok=True)  # before the work: where it cannot be, nothing is lost
    with session(DEFAULT_TARGET, embedded=True) as client:
        refused = refusals(client.models())
        for reason in refused.values():
            say(reason)
        entries = [entry for entry in ENTRIES if entry.model not in refused]
        say(f"Inverting {len(shown)} pictures from {len(entries)} representations …")
        rows = invert_all(client, entries, shown)
    _write(out, shown, rows, list(refused.values()))
    _print(rows)
    typer.echo(str(out / "index.html"))
    if any(row.error for row in rows):
        raise typer.Exit(1)


def _write(
    out: Path, pictures: Sequence[DemoPicture], rows: Sequence[Row], refusals: Sequence[str]
) -> None:
    write_page(out, pictures, rows, refusals)
    numbers = json.dumps([row.numbers() for row in rows], indent=2, ensure_ascii=False)
    (out / "results.json").write_text(f"{numbers}\n", "utf-8")


def _print(rows: Sequence[Row]) -> None:
    headings = ("representation", "layer", "picture", ">error", ">PSNR", ">passes", ">seconds")
    print_table(headings, (_cells(row) for row in rows))


def _cells(row: Row) -> tuple[str, ...]:
    head = (row.entry.model, row.entry.layer, row.picture.name)
    if row.result is None:
        return (*head, str(row.error), "", "", "")
    fidelity = row.result.fidelity
    return (
        *head,
        f"{row.result.errors.relative_delivered:.1%}",
        f"{fidelity.psnr_db:.1f} dB" if fidelity else "–",
        str(row.result.network_passes),
        f"{row.result.seconds.run:.1f}",
    )
