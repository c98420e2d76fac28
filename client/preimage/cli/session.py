"""How a command reaches the service."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from preimage.aio import AsyncClient
from preimage.cli.output import say
from preimage.client import Client
from preimage.embedded import Stack, StackOptions
from preimage.errors import HandshakeFailed, PreimageError, Unavailable

__all__ = ["NobodyAnswersError", "Private", "private_stack", "session"]

_ELSEWHERE = (
    "PREIMAGE_TLS_CERTIFICATE",
    "PREIMAGE_TLS_KEY",
    "PREIMAGE_TLS_CLIENT_CA",
    "PREIMAGE_TOKENS",
)
"""What the variables say about a service for others is not meant for one that only we reach."""


class NobodyAnswersError(PreimageError):
    """There is no service at the target."""


@final
@dataclass(frozen=True)
class Private:
    """A service that runs for as long as the command does."""

    stack: Stack
    """Its processes."""

    def client(self) -> Client:
        """A client of it, whatever the variables say of protection."""
        return Client(self.stack.target, ca="", certificate="", key="")

    def async_client(self) -> AsyncClient:
        """The same for asyncio."""
        return AsyncClient(self.stack.target, ca="", certificate="", key="")


@contextlib.contextmanager
def session(target: str, *, embedded: bool = False) -> Iterator[Client]:
    """A client of the service at `target`, or of one that runs for as long as the command does.

    Args:
      target: where the service is.
      embedded: start one.

    Raises:
      NobodyAnswersError: there is no service at the target.
      StackError: the embedded service could not start.
    """
    if not embedded:
        with Client(target) as client, _naming(target):
            yield client
        return
    with private_stack() as private, private.client() as client:
        yield client


@contextlib.contextmanager
def private_stack(options: StackOptions | None = None) -> Iterator[Private]:
    """A service for this command alone, whatever the variables say of services for others.

    Raises:
      StackError: it could not start.
    """
    say("Starting a service for this call …")
    asked = options or StackOptions()
    variables = {**dict.fromkeys(_ELSEWHERE, ""), **asked.environment}
    with Stack(replace(asked, environment=variables)) as stack:
        yield Private(stack)


@contextlib.contextmanager
def _naming(target: str) -> Iterator[None]:
    """Says what to do about a target at which nobody answers."""
    try:
        yield
    except Unavailable as error:
        if error.reason or isinstance(error, HandshakeFailed):
            raise  # somebody did answer, or why nobody did is known
        told = (
            f"No service answers at {target}: start one here with `preimage up`, or name "
            f"another with --target. {error.advice}"
        )
        raise NobodyAnswersError(told.rstrip()) from error
