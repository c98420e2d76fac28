"""The commands by name: the one place where they are put together."""

from collections.abc import Callable
from typing import Annotated

import typer

import preimage
from preimage.cli import administer, token_file
from preimage.cli.activations import caricature, maximise
from preimage.cli.audit import reading
from preimage.cli.audit.demo.command import demo as audit_demo
from preimage.cli.audit.judged import JudgedCommand
from preimage.cli.audit.reading import diff, show
from preimage.cli.audit.running import plan, run
from preimage.cli.demo.command import demo
from preimage.cli.doctor import doctor
from preimage.cli.features import features
from preimage.cli.invert import invert
from preimage.cli.jobs import cancel, delete, jobs
from preimage.cli.models import models
from preimage.cli.output import speaking
from preimage.cli.processes import serve, work
from preimage.cli.reference import reference
from preimage.cli.token import new
from preimage.cli.ui import ui
from preimage.cli.up import up
from preimage.cli.watch import watch
from preimage.cli.weights import convert

__all__ = ["app"]

_COMMANDS: dict[str, Callable[..., None]] = {
    "up": up,
    "ui": ui,
    "invert": invert,
    "maximise": maximise,
    "caricature": caricature,
    "features": features,
    "models": models,
    "jobs": jobs,
    "watch": watch,
    "cancel": cancel,
    "delete": delete,
    "doctor": doctor,
    "demo": demo,
    "serve": serve,
    "work": work,
    "reference": reference,
}

app = typer.Typer(
    help="Pictures from codes: inversion of image representations, over gRPC.",
    epilog="`preimage up` starts a whole service on this machine; `preimage doctor` looks at one.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)
for _name, _command in _COMMANDS.items():
    app.command(_name)(speaking(_command))

_weights = typer.Typer(help="Files of weights.", no_args_is_help=True)
_weights.command("convert")(speaking(convert))
# Without a callback, typer would take the only command for the group itself.
_weights.callback()(lambda: None)
app.add_typer(_weights, name="weights")

_token = typer.Typer(help="Tokens of callers.", no_args_is_help=True)
_token.command("new")(speaking(new))
_token.command("list")(speaking(token_file.list_))
_token.command("revoke")(speaking(token_file.revoke))
_token.command("check")(speaking(token_file.check))
app.add_typer(_token, name="token")

_audit = typer.Typer(
    help="What shared codes give away, and which defence helps.", no_args_is_help=True
)
_audit.command("run", cls=JudgedCommand)(speaking(run))
_audit.command("plan")(speaking(plan))
_audit.command("show", cls=JudgedCommand)(speaking(show))
_audit.command("diff")(speaking(diff))
_audit.command("demo")(speaking(audit_demo))
_audit.command("cancel")(speaking(reading.cancel))
_audit.command("delete")(speaking(reading.delete))
app.add_typer(_audit, name="audit")

_admin = typer.Typer(
    help="The AdminService: workers, the queue, dead letters.", no_args_is_help=True
)
for _each in administer.__all__:
    _admin.command(_each)(speaking(getattr(administer, _each)))
app.add_typer(_admin, name="admin")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"preimage {preimage.__version__}")
        raise typer.Exit


@app.callback()
def _preimage(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Pictures from codes: inversion of image representations, over gRPC."""
    del version
