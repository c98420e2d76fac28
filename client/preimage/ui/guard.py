"""Who may talk to the page: it holds the caller's token, and any other page in the browser is near.

A browser sends requests to this machine for whatever page it shows. Two headers, which no page can
forge, tell ours from theirs: `Origin` names the page that asks, and `Host` the name by which it
asked, which gives away a name of others that was made to point here (DNS rebinding). A third,
`Sec-Fetch-Site`, tells what pages of others embed; none may show ours in a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LARGEST_UPLOAD_BYTES", "Guard"]

LARGEST_UPLOAD_BYTES = 64 * 2**20
"""A code of a shallow layer has some tens of MiB; a picture rarely more than ten."""
_ENVELOPE_BYTES = 2**16
"""What a form puts around a file."""


@final
class Guard:
    """Lets through what comes from the page itself, and is not too large."""

    def __init__(self, app: ASGIApp, names: Iterable[str] | None) -> None:
        """Guards `app`, which goes by `names`; None: by any name."""
        self.app = app
        self._names = None if names is None else frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] != "lifespan" else None
        handler = self.app if refusal is None else refusal
        await handler(scope, receive, _unframed(send))

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if self._names is not None and _name(host) not in self._names:
            return _refuse(403, f"This page is not at {host}.")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return _refuse(403, "Only the page itself may ask for this.")
        elsewhere = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        if elsewhere and headers.get("sec-fetch-dest") != "document":
            return _refuse(403, "Only the page itself may ask for this.")
        length = headers.get("content-length")
        if length is None and "transfer-encoding" in headers:
            return _refuse(411, "Say how long it is.")
        if length is not None and not _fits(length):
            return _refuse(413, f"A file may have {LARGEST_UPLOAD_BYTES // 2**20} MiB.")
        return None


def _unframed(send: Send) -> Send:
    """Forbids frames around whatever is answered: what one clicks there is not what one sees."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["x-frame-options"] = "DENY"
        await send(message)

    return send_on


def _refuse(status: int, sentence: str) -> PlainTextResponse:
    return PlainTextResponse(sentence, status)


def _name(host: str) -> str:
    """The host without its port: "[::1]:80" and "localhost:80" to "[::1]" and "localhost"."""
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host


def _fits(length: str) -> bool:
    return length.isdigit() and int(length) <= LARGEST_UPLOAD_BYTES + _ENVELOPE_BYTES
