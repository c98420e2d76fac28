"""`preimage audit run` and `preimage audit plan`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal, final

import typer

from preimage.audits.jobs import Audit
from preimage.audits.report import AuditReport
from preimage.cli.audit.following import AuditBar
from preimage.cli.audit.options import FailIf, Out, Subject, read_gates
from preimage.cli.audit.showing import end
from preimage.cli.groups import flat
from preimage.cli.options import DEFAULT_TARGET, Json, Target
from preimage.cli.output import print_json, say
from preimage.cli.session import session
from preimage.enums import State
from preimage.errors import BadInput, PreimageError

__all__ = ["plan", "run"]


@final
@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures, and what the caller says of them."""

    targets: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Folder of pictures that are attacked."),
    ]
    auxiliary: Annotated[
        Path,
        typer.Option(
            exists=True, file_okay=False, help="Folder of others like them, that attackers have."
        ),
    ]
    i_own_these_pictures: Annotated[
        bool,
        typer.Option(
            "--i-own-these-pictures", help="Attests that pictures and model are yours to audit."
        ),
    ] = False
    pictures: Annotated[
        Literal["none", "thumbnail", "full"], typer.Option(help="Pictures in the report.")
    ] = "none"


@final
@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the audit is handed in, and where its report goes."""

    out: Out = None
    fail_if: FailIf = None
    request_id: Annotated[
        str | None, typer.Option(help="Name of the request, for safe repetition.")
    ] = None
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", help="Print the id and return; `preimage audit show ID -o DIR` goes on."
        ),
    ] = False
    as_json: Json = False
    target: Target = DEFAULT_TARGET


@flat
def run(*, subject: Subject, pictures: Pictures, delivery: Delivery) -> None:
    """Audit what codes of your pictures give away, and write the report."""
    gates = read_gates(delivery.fail_if)
    if not pictures.i_own_these_pictures:
        raise BadInput(
            "An audit attacks pictures, so it is for your own: add --i-own-these-pictures if these "
            "and the model are yours to audit."
        )
    settings = subject.settings()
    settings["pictures"] = pictures.pictures
    with _folder(delivery.out), session(delivery.target) as client:
        audit = client.audit(
            model=subject.model,
            layers=subject.names,
            targets=pictures.targets,
            auxiliary=pictures.auxiliary,
            own_these_pictures=True,
            request_id=delivery.request_id,
            **settings,
        )
        if delivery.detach:
            _hand_over(audit, as_json=delivery.as_json)
            return
        report = _wait(audit)
        end(report, gates, delivery.out, audit_id=audit.id, as_json=delivery.as_json)


@flat
def plan(
    *,
    subject: Subject,
    targets: Annotated[
        str, typer.Option(metavar="FOLDER|NUMBER", help="Pictures that are attacked.")
    ],
    auxiliary: Annotated[
        str, typer.Option(metavar="FOLDER|NUMBER", help="Others like them, at least 2.")
    ],
    as_json: Json = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Tell what an audit would take, and whether it would be accepted; sends no picture."""
    with session(target) as client:
        found = client.plan_audit(
            model=subject.model,
            layers=subject.names,
            targets=_counted(targets),
            auxiliary=_counted(auxiliary),
            **subject.settings(),
        )
    if as_json:
        print_json(asdict(found))
        return
    typer.echo("\n".join((str(found), *found.remarks)))


@contextmanager
def _folder(out: Path | None) -> Iterator[None]:
    """Makes the folder of the report, so that none is computed for a place that cannot be.

    Takes away again what it made, if nothing was written there.
    """
    made = [] if out is None else [each for each in (out, *out.parents) if not each.exists()]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for each in made:
            with suppress(OSError):  # it holds something
                each.rmdir()


def _counted(text: str) -> Path | int:
    return int(text) if text.isdecimal() else Path(text)


def _hand_over(audit: Audit, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": audit.id, "state": str(audit.state)})
    else:
        typer.echo(audit.id)


def _wait(audit: Audit) -> AuditReport:
    try:
        say(f"Audit {audit.id}: {audit.info.plan}")
        for remark in audit.info.plan.remarks:
            say(remark)
        with AuditBar(f"{audit.info.model} {', '.join(audit.info.layers)}") as bar:
            return audit.result(on_progress=bar.show)
    except PreimageError:
        raise  # it ended, or goes on and the message says how to take it up again
    except BaseException:
        _abandon(audit)
        raise


def _abandon(audit: Audit) -> None:
    """Cancels the audit because nobody waits for it any more, and says what became of it."""
    try:
        info = audit.cancel("The caller went away.")
    except PreimageError as error:
        say(f"Audit {audit.id} could not be cancelled: {error}")
        return
    ended = info.state.terminal and info.state is not State.CANCELLED
    say(f"Audit {audit.id} is {info.state} already." if ended else f"Cancelled audit {audit.id}.")
