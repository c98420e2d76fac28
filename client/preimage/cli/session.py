"""How a command reaches the service."""

import contextlib
from collections.abc import Iterator

from preimage.cli.output import say
from preimage.client import Client
from preimage.embedded import Stack
from preimage.errors import PreimageError, Unavailable

__all__ = ["NobodyAnswersError", "session"]


class NobodyAnswersError(PreimageError):
    """There is no service at the target."""


@contextlib.contextmanager
def session(target: str, *, embedded: bool = False) -> Iterator[Client]:
    """A client of the service at `target`, or of one that runs for as long as the command does.

    Raises:
      NobodyAnswersError: there is no service at the target.
      StackError: the embedded service could not start.
    """
    if not embedded:
        with Client(target) as client, _naming(target):
            yield client
        return
    say("Starting a service for this call …")
    with Stack() as stack, Client(stack.target) as client:
        yield client


@contextlib.contextmanager
def _naming(target: str) -> Iterator[None]:
    """Says what to do about a target at which nobody answers."""
    try:
        yield
    except Unavailable as error:
        if error.reason:
            raise  # somebody did answer, and said why it is unavailable
        raise NobodyAnswersError(
            f"No service answers at {target}: start one here with `preimage up`, or name "
            "another with --target."
        ) from error
