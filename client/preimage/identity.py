"""What a client shows of itself: its token, and certificates that are checked before any call."""

from __future__ import annotations

import re
import ssl

import grpc

from preimage.errors import BadInput
from preimage.files import Named, read_file

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


def read_token(file: Named) -> str:
    """Reads a token from a file.

    Raises:
        BadInput: it cannot be read, or holds none.
    """
    return check_token(read_file(file).decode("utf-8", "replace"), str(file))


def make_credentials(
    ca: Named | None, certificate: Named | None, key: Named | None
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
        root_certificates=None if not ca or ca.path == _SYSTEM else _authorities(ca),
        certificate_chain=own[0],
        private_key=own[1],
    )


def _authorities(file: Named) -> bytes:
    data = read_file(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=data.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        raise BadInput(f"{file} holds no certificate of an authority in PEM form.") from None
    return data


def _own(certificate: Named, key: Named) -> tuple[bytes, bytes]:
    pair = read_file(certificate), read_file(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # The empty passphrase keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(certificate.path, key.path, password="")
    except (ssl.SSLError, ValueError):
        raise BadInput(
            f"{certificate} and {key} are not a certificate and its own key without a passphrase, "
            "in PEM form."
        ) from None
    return pair
