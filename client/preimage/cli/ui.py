"""`preimage ui`: the web page, for people who only want to look."""

import contextlib
import importlib.util
import threading
from collections.abc import Iterator
from typing import Annotated

import typer

from preimage.aio import AsyncClient
from preimage.cli.options import DEFAULT_TARGET, Target
from preimage.cli.output import say
from preimage.cli.session import private_stack
from preimage.connection import stays_on_this_machine
from preimage.embedded import NotInstalledError, Stack
from preimage.errors import BadInput, PreimageError

__all__ = ["ui"]

_LOOK_SECONDS = 0.5

Host = Annotated[str, typer.Option(help="Address of the page, of this machine.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Its port; 0 takes a free one.")]
Anonymous = Annotated[
    bool,
    typer.Option(
        "--allow-anonymous",
        help="Let everybody who reaches the page use the service with your token.",
    ),
]
Embedded = Annotated[
    bool, typer.Option("--embedded", help="Start a service on this machine for this page.")
]


def ui(
    *,
    host: Host = "127.0.0.1",
    port: Port = 8789,
    allow_anonymous: Anonymous = False,
    embedded: Embedded = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Serve a web page on which pictures are inverted, compared and looked at.

    Prints its address and runs until Ctrl-C, which cancels the jobs that open pages wait for.
    """
    _require_extra()
    _check_exposure(host, port, allow_anonymous)
    from preimage.ui.serving import serve, take  # noqa: PLC0415 - the extra, and a second to load

    with (
        contextlib.suppress(KeyboardInterrupt),
        contextlib.closing(take(host, port, open_to_others=allow_anonymous)) as address,
        _service(target, embedded=embedded) as (client, place),
    ):
        typer.echo(address.url)
        say(f"The page is at {address.url}, for the service at {place}. Ctrl-C stops it.")
        serve(address, client, place)
    say("Stopped.")


def _require_extra() -> None:
    if importlib.util.find_spec("nicegui") is None:
        raise NotInstalledError(
            "The web page needs the extra [ui], which is not installed: "
            "`pip install 'preimage[ui]'`."
        )


def _check_exposure(host: str, port: int, allowed: bool) -> None:
    """Sees that nobody else gets at the caller's token by an oversight.

    Raises:
      BadInput: others could reach the page, and nobody has allowed that.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if stays_on_this_machine(where):
        return
    if not allowed:
        raise BadInput(
            f"{host} is an address that other machines can reach, and whoever opens the page uses "
            "the service with your token. Leave --host at 127.0.0.1 (from elsewhere, `ssh -L` "
            "leads there), or let everybody in with --allow-anonymous."
        )
    say(f"Everybody who reaches {where} may use the service with your token.")


@contextlib.contextmanager
def _service(target: str, *, embedded: bool) -> Iterator[tuple[AsyncClient, str]]:
    """A client of the service, and where that is."""
    if not embedded:
        yield AsyncClient(target), target
        return
    with private_stack() as private, _supervised(private.stack):
        yield private.async_client(), private.stack.target


@contextlib.contextmanager
def _supervised(stack: Stack) -> Iterator[None]:
    """Looks after the processes of a stack beside what this thread does."""
    over = threading.Event()

    def look() -> None:
        try:
            while not over.wait(_LOOK_SECONDS):
                if sentence := stack.supervise():
                    say(sentence)
        except PreimageError as error:
            say(str(error))  # the page says that nobody answers

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
