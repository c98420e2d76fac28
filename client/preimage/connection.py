"""Where the service is, how the way there is protected, and who is calling."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, final

from preimage.errors import BadInput
from preimage.files import Named
from preimage.identity import check_token, make_credentials, read_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import grpc

DEFAULT_TARGET = "127.0.0.1:8790"
"""Where a frontend listens unless told otherwise."""

_SCHEME = re.compile("(unix|unix-abstract|dns|ipv4|ipv6|vsock|xds):")
_PORT = re.compile("[0-9]{1,5}")
_LARGEST_PORT = 65535


@final
@dataclass(frozen=True)
class Connection:
    """All that is needed to open a channel."""

    target: str
    """ "host:port", "unix:/path", or another of gRPC's names."""
    token: str | None = field(default=None, repr=False)
    """Bearer token."""
    token_file: Named | None = None
    """File that holds it, read again for every call: it may be renewed meanwhile."""
    credentials: grpc.ChannelCredentials | None = field(default=None, repr=False)
    """TLS; None: none."""

    @classmethod
    def resolve(
        cls,
        *,
        target: str | None = None,
        token: str | None = None,
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> Connection:
        """Fills what is left out from PREIMAGE_TARGET, _TOKEN, _TOKEN_FILE, _CA, _CERT and _KEY.

        An empty text stands for nothing at all, whatever the environment says.

        Raises:
            BadInput: the target is not HOST:PORT, a file cannot be read or used, a certificate has
                no key, or a token would travel unprotected to another machine.
        """

        def chosen(given: str | Path | None, variable: str) -> Named | None:
            if given is not None:
                return Named(given) if given else None
            return Named(named, variable) if (named := environment.get(variable)) else None

        target = target or environment.get("PREIMAGE_TARGET") or DEFAULT_TARGET
        _check_target(target)
        secret = environment.get("PREIMAGE_TOKEN") if token is None else token
        file = None if secret or token is not None else chosen(None, "PREIMAGE_TOKEN_FILE")
        credentials = make_credentials(
            chosen(ca, "PREIMAGE_CA"),
            chosen(certificate, "PREIMAGE_CERT"),
            chosen(key, "PREIMAGE_KEY"),
        )
        if (secret or file) and credentials is None and not stays_on_this_machine(target):
            raise BadInput(
                f"A token is not sent to {target} without TLS. Name the authority that signed the "
                "server's certificate (ca=…, PREIMAGE_CA), or 'system' for a public one."
            )
        if file is not None:
            read_token(file)
        checked = check_token(secret, "PREIMAGE_TOKEN or token=…") if secret else None
        return cls(target, checked, file, credentials)

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.credentials is not None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries.

        Raises:
            BadInput: the file of the token cannot be read any more.
        """
        token = read_token(self.token_file) if self.token_file else self.token
        return (("authorization", f"Bearer {token}"),) if token else ()

    @property
    def options(self) -> tuple[tuple[str, int | str], ...]:
        """Options of the channel."""
        return (
            ("grpc.primary_user_agent", f"preimage-python/{version('preimage')}"),
            # Float pictures and codes come in chunks; what is left is far below this.
            ("grpc.max_receive_message_length", 64 * 2**20),
            # Servers of preimage allow a ping every 20 s; the watch of a waiting job is silent.
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            # A server that restarts is found again within seconds, not within gRPC's two minutes.
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 2_000),
            ("grpc.max_reconnect_backoff_ms", 5_000),
        )


def _check_target(target: str) -> None:
    if _SCHEME.match(target):
        return  # gRPC's own names: their forms are gRPC's to check
    host, _, port = target.rpartition(":")
    bare = ":" not in host or (host.startswith("[") and host.endswith("]"))
    if not (host and bare and _PORT.fullmatch(port) and 0 < int(port) <= _LARGEST_PORT):
        raise BadInput(
            f"The target {target!r} is not HOST:PORT, like {DEFAULT_TARGET}, nor one of gRPC's "
            "other names, like unix:/path."
        )


def stays_on_this_machine(target: str) -> bool:
    """Whether what is sent to the target can be seen by this machine alone."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = (
        target.rpartition("/")[2].removeprefix("ipv4:").removeprefix("ipv6:").removeprefix("dns:")
    )
    host = host.rpartition(":")[0] if not host.endswith("]") else host
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
