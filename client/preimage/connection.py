"""Where the service is, how the way there is protected, and who is calling."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, final

import grpc

from preimage.errors import BadInput
from preimage.files import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_TARGET = "127.0.0.1:8790"
"""Where a frontend listens unless told otherwise."""

_SCHEME = re.compile("(unix|unix-abstract|dns|ipv4|ipv6|vsock|xds):")
_PORT = re.compile("[0-9]{1,5}")
_LARGEST_PORT = 65535

_SYSTEM = "system"
"""Value of `ca` that stands for the authorities that gRPC trusts by itself."""


@final
@dataclass(frozen=True)
class Connection:
    """All that is needed to open a channel."""

    target: str
    """ "host:port", "unix:/path", or another of gRPC's names."""
    token: str | None = field(default=None, repr=False)
    """Bearer token."""
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
        """Fills what is left out from PREIMAGE_TARGET, _TOKEN, _CA, _CERT and _KEY.

        Raises:
            BadInput: the target is not HOST:PORT, a file cannot be read, a certificate has no key,
                or a token would travel unprotected to another machine.
        """
        target = target or environment.get("PREIMAGE_TARGET") or DEFAULT_TARGET
        token = token or environment.get("PREIMAGE_TOKEN") or None
        _check_target(target)
        credentials = _credentials(
            ca or environment.get("PREIMAGE_CA"),
            certificate or environment.get("PREIMAGE_CERT"),
            key or environment.get("PREIMAGE_KEY"),
        )
        if token and credentials is None and not _stays_on_this_machine(target):
            raise BadInput(
                f"A token is not sent to {target} without TLS. Name the authority that signed the "
                "server's certificate (ca=…, PREIMAGE_CA), or 'system' for a public one."
            )
        return cls(target, token, credentials)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

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


def _credentials(
    ca: str | Path | None, certificate: str | Path | None, key: str | Path | None
) -> grpc.ChannelCredentials | None:
    if bool(certificate) != bool(key):
        raise BadInput("A certificate and its key belong together: PREIMAGE_CERT and PREIMAGE_KEY.")
    if not ca and not certificate:
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=None if not ca or ca == _SYSTEM else read_file(ca),
        private_key=read_file(key) if key else None,
        certificate_chain=read_file(certificate) if certificate else None,
    )


def _stays_on_this_machine(target: str) -> bool:
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
