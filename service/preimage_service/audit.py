"""The audit log: who changed what, or was refused, one JSON object a line.

It holds names and outcomes, never a payload and never a token. It is a log of its own, so that it
can be kept longer, or elsewhere, than what the process says about itself.
"""

import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from typing import Final, final
from urllib.parse import unquote

from preimage_service.callers import Caller
from preimage_service.errors import StartError

LOGGER: Final = "preimage.audit"

_CHANGING: Final = frozenset({
    "CreatePreimage", "Invert", "ExtractFeatures", "CancelPreimage", "DeletePreimage",
    "CreateAudit", "CancelAudit", "DeleteAudit",
})  # fmt: skip
_ADMIN: Final = "preimage.v1.AdminService"
_REFUSED: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
_LONGEST_ID: Final = 128
_PRIVATE: Final = 0o600
_OFF, _STDERR = "off", "stderr"


@final
@dataclass(slots=True)
class Trail:
    """What a call leaves behind as it goes on."""

    caller: Caller | None = None
    """None as long as nobody knows."""

    subject: str = ""
    """The id or name of what the call is about."""

    def saw(self, message: object) -> None:
        """Take the name out of a request or a response; a response knows more."""
        made, audited = (getattr(message, name, None) for name in ("preimage", "audit"))
        places = ((made, "id"), (audited, "id"), (message, "id"), (message, "name"))
        for holder, field in places:
            if name := getattr(holder, field, ""):
                self.subject = str(name)[:_LONGEST_ID]
                return


@final
class AuditLog:
    """Where the lines go, from start to end of a process.

    Raises:
        StartError: the file cannot be written.
    """

    def __init__(self, where: str) -> None:
        self._logger = logging.getLogger(LOGGER)
        self._handler = _handler(where)
        self._handler.setFormatter(logging.Formatter("%(message)s"))
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False

    def write(self, service: str, method: str, peer: str, trail: Trail, code: str) -> None:
        """Write a line, if the call changed something, was an operator's, or was refused."""
        if not (method in _CHANGING or service == _ADMIN or code in _REFUSED):
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": f"{service}/{method}",
            "caller": trail.caller.name if trail.caller else None,
            "tenant": trail.caller.tenant if trail.caller else None,
            "peer": unquote(peer),
            "id": trail.subject or None,
            "code": code,
        }
        self._logger.info("%s", json.dumps(line, ensure_ascii=False))

    def close(self) -> None:
        """Let go of the file."""
        self._logger.removeHandler(self._handler)
        self._handler.close()


@final
class _OwnFile(WatchedFileHandler):
    """Goes on in a new file after rotation; nobody but the owner may read what it makes."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_make_private)


def _make_private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)


def _handler(where: str) -> logging.Handler:
    if where == _OFF:
        return logging.NullHandler()
    if where == _STDERR:
        return logging.StreamHandler()
    try:
        return _OwnFile(where, encoding="utf-8")
    except OSError as error:
        raise StartError(
            f"PREIMAGE_AUDIT_LOG is {where!r}, which cannot be written: {error.strerror}."
        ) from None
