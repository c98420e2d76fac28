"""The web server of the page: from an address that is taken to the last tab that is closed."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import uvicorn
from fastapi import FastAPI
from nicegui import app as pages
from nicegui import ui

from preimage.errors import BadInput
from preimage.ui.guard import Guard
from preimage.ui.page import Page
from preimage.ui.service import Service
from preimage.ui.session import Session

if TYPE_CHECKING:
    from preimage.aio import AsyncClient

__all__ = ["Address", "serve", "take"]

_RECONNECT_SECONDS = 10.0
"""How long a tab may be cut off before it counts as closed."""
_HISTORY = 300
"""Messages that are kept for a tab that is cut off; most hold a picture."""
_STOP_SECONDS = 3
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")


@final
@dataclass(frozen=True)
class Address:
    """Where the page is, with the port taken."""

    host: str
    """Name or number that it listens at."""
    listener: socket.socket
    """The socket that listens."""
    open_to_others: bool
    """Whether it may be reached by names that are not this machine's own."""

    @property
    def url(self) -> str:
        """What a browser is told."""
        port = self.listener.getsockname()[1]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names that a browser may ask it by; None: any."""
        return None if self.open_to_others else (*_OWN_NAMES, self.host)

    def close(self) -> None:
        """Gives it up."""
        self.listener.close()


def take(host: str, port: int, *, open_to_others: bool) -> Address:
    """Takes an address.

    Raises:
        BadInput: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        # Python writes the address behind the system's words, as a tuple.
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise BadInput(
            f"The page cannot be served at {host}:{port}: {reason}. Name another port with --port; "
            "0 takes a free one."
        ) from error
    return Address(host, listener, open_to_others)


def serve(address: Address, client: AsyncClient, target: str) -> None:
    """Serves the page until a signal comes."""
    service = Service(client, target)
    sessions: set[Session] = set()

    def show() -> None:
        session = Session(service)
        sessions.add(session)

        async def close() -> None:
            sessions.discard(session)
            await session.close()

        ui.context.client.on_delete(close)
        Page(session)

    async def stop() -> None:
        for session in tuple(sessions):
            await session.close()
        await service.stop()

    # Quasar's bar across the top during uploads has no name for those who cannot see it.
    pages.config.quasar_config["loadingBar"]["skipHijack"] = True
    ui.page("/")(show)
    pages.on_startup(service.start)
    pages.on_shutdown(stop)
    _listen(address)


def _listen(address: Address) -> None:
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.add_middleware(Guard, names=address.names)
    ui.run_with(
        server,
        title="preimage",
        dark=None,
        language="en-US",
        reconnect_timeout=_RECONNECT_SECONDS,
        message_history_length=_HISTORY,
        tailwind=False,
        show_welcome_message=False,
        favicon="🖼️",
    )
    config = uvicorn.Config(
        server, log_level="warning", loop="asyncio", timeout_graceful_shutdown=_STOP_SECONDS
    )
    uvicorn.Server(config).run(sockets=[address.listener])
