"""Why a connection that reached its target was not set up, in words that lead to the mistake.

gRPC tells it in the text of UNAVAILABLE only, in the words of its TLS library. What the other side
refuses is not told at all: it closes the connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

_AUTHORITY = "name the authority that signed it (ca=…, PREIMAGE_CA), or 'system' for a public one"


@final
@dataclass(frozen=True)
class Explanation:
    """What went wrong, and whether it may pass by itself."""

    sentence: str
    passing: bool = False


_KNOWN: tuple[tuple[str, str], ...] = (
    (
        "certificate has expired",
        "The certificate of {target} has expired: its operator must renew it.",
    ),
    (
        "certificate is not yet valid",
        "The certificate of {target} is not valid yet: compare the clocks of both machines.",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "The certificate of {target} is not signed by an authority that this client trusts: "
        + _AUTHORITY
        + ".",
    ),
    (
        "Hostname Verification",
        "The certificate of {target} is for another name: use a name that is in it as the target.",
    ),
    (
        "WRONG_VERSION_NUMBER",
        "{target} does not speak TLS: leave out ca (PREIMAGE_CA), or name the port that does.",
    ),
)
_NOT_CONNECTED = "failed to connect"
_CLOSED = ("Socket closed", "Connection reset")
_CLOSED_SECURE = (
    "{target} broke off the TLS handshake: it may want a certificate of this client (certificate=…,"
    " key=…; PREIMAGE_CERT, PREIMAGE_KEY) that it trusts and that has not expired, or it is still"
    " starting."
)
_CLOSED_PLAIN = (
    "{target} closed the connection at once: it may speak TLS, then "
    + _AUTHORITY
    + ", or it is still starting."
)


def explained(text: str, target: str, *, secure: bool) -> Explanation | None:
    """Explains the text of a call that found no connection; None: it says enough.

    Args:
        text: what gRPC says.
        target: where the service was looked for.
        secure: whether the client speaks TLS.
    """
    for mark, sentence in _KNOWN:
        if mark in text:
            return Explanation(sentence.format(target=target))
    if _NOT_CONNECTED in text and any(mark in text for mark in _CLOSED):
        sentence = _CLOSED_SECURE if secure else _CLOSED_PLAIN
        return Explanation(sentence.format(target=target), passing=True)
    return None
