"""How a command reaches the service."""

import contextlib
from collections.abc import Iterator, Mapping

from preimage.cli.output import say
from preimage.client import Client
from preimage.embedded import Stack, StackOptions
from preimage.errors import HandshakeFailed, PreimageError, Unavailable

__all__ = ["NobodyAnswersError", "session"]

_ELSEWHERE = (
    "PREIMAGE_TLS_CERTIFICATE",
    "PREIMAGE_TLS_KEY",
    "PREIMAGE_TLS_CLIENT_CA",
    "PREIMAGE_TOKENS",
)
"""What the variables say about a service for others is not meant for one that only we reach."""


class NobodyAnswersError(PreimageError):
    """There is no service at the target."""


@contextlib.contextmanager
def session(
    target: str,
    *,
    embedded: bool = False,
    auditors: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Client]:
    """A client of the service at `target`, or of one that runs for as long as the command does.

    Args:
      target: where the service is.
      embedded: start one, with `auditors` and what `environment` adds to the variables.
      auditors: how many processes take audits.
      environment: variables of its processes.

    Raises:
      NobodyAnswersError: there is no service at the target.
      StackError: the embedded service could not start.
    """
    if not embedded:
        with Client(target) as client, _naming(target):
            yield client
        return
    say("Starting a service for this call …")
    variables = {**dict.fromkeys(_ELSEWHERE, ""), **(environment or {})}
    private = StackOptions(auditors=auditors, environment=variables)
    with Stack(private) as stack, Client(stack.target, ca="", certificate="", key="") as client:
        yield client


@contextlib.contextmanager
def _naming(target: str) -> Iterator[None]:
    """Says what to do about a target at which nobody answers."""
    try:
        yield
    except Unavailable as error:
        if error.reason or isinstance(error, HandshakeFailed):
            raise  # somebody did answer, or why nobody did is known
        raise NobodyAnswersError(
            f"No service answers at {target}: start one here with `preimage up`, or name "
            "another with --target."
        ) from error
