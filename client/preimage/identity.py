"""What a client shows of itself: its token, and certificates that are checked before any call."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

import grpc

from preimage.errors import BadInput
from preimage.files import read_file

if TYPE_CHECKING:
    from pathlib import Path

_SYSTEM = "system"
"""Value of `ca` that stands for the authorities that gRPC trusts by itself."""

_TOKEN = re.compile(r"[\x21-\x7e]+")


def check_token(token: str, source: str) -> str:
    """Returns the token, without the line end that a file may have.

    Raises:
        BadInput: no token looks like this.
    """
    bare = token.strip()
    if not _TOKEN.fullmatch(bare):
        raise BadInput(
            f"The token from {source} is empty or holds blanks or letters beyond ASCII: give the "
            "one that `preimage token new` printed, and nothing else."
        )
    return bare


def read_token(path: str | Path) -> str:
    """Reads a token from a file.

    Raises:
        BadInput: it cannot be read, or holds none.
    """
    return check_token(read_file(path).decode("utf-8", "replace"), str(path))


def make_credentials(
    ca: str | Path | None, certificate: str | Path | None, key: str | Path | None
) -> grpc.ChannelCredentials | None:
    """Makes what TLS needs; None: no TLS.

    Raises:
        BadInput: a file cannot be read or holds something else, or certificate and key do not
            belong together.
    """
    if bool(certificate) != bool(key):
        raise BadInput("A certificate and its key belong together: PREIMAGE_CERT and PREIMAGE_KEY.")
    if not ca and not certificate:
        return None
    own = _own(certificate, key) if certificate and key else (None, None)
    return grpc.ssl_channel_credentials(
        root_certificates=None if not ca or ca == _SYSTEM else _authorities(ca),
        certificate_chain=own[0],
        private_key=own[1],
    )


def _authorities(path: str | Path) -> bytes:
    data = read_file(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=data.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        raise BadInput(f"{path} holds no certificate of an authority in PEM form.") from None
    return data


def _own(certificate: str | Path, key: str | Path) -> tuple[bytes, bytes]:
    pair = read_file(certificate), read_file(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # The empty passphrase keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError):
        raise BadInput(
            f"{certificate} and {key} are not a certificate and its own key without a passphrase, "
            "in PEM form."
        ) from None
    return pair
