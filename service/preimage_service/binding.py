"""Addresses are tried before anything listens there: who cannot, says which setting is wrong."""

import errno
import os
import socket

import grpc

from preimage_service.addresses import UNIX, split_address
from preimage_service.errors import StartError


def bind(
    server: grpc.aio.Server, listen: str, variable: str, tls: grpc.ServerCredentials | None
) -> str:
    """Bind an address; where its port is 0, the target names the one that was free.

    Raises:
        StartError: it cannot be bound; the message names the setting.
    """
    try:
        try_address(listen)
        port = server.add_secure_port(listen, tls) if tls else server.add_insecure_port(listen)
    except (OSError, ValueError, RuntimeError) as error:
        raise unusable(listen, variable, error) from None
    host, _, _ = listen.rpartition(":")
    return listen if listen.startswith(UNIX) else f"{host}:{port}"


def try_address(listen: str) -> None:
    """Bind and let go: gRPC would say that it failed, not why, and write to stderr by itself.

    Raises:
        OSError: it cannot be bound.
        ValueError: it is no address.
    """
    if listen.startswith(UNIX):
        return
    host, port = split_address(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


def is_taken(error: Exception) -> bool:
    """Whether an address cannot be bound because somebody listens there."""
    return isinstance(error, OSError) and error.errno == errno.EADDRINUSE


def unusable(listen: str, variable: str, error: Exception) -> StartError:
    """That a setting names an address that cannot be bound, why, and what to do."""
    advice = "choose another address (port 0 takes any free one)"
    if is_taken(error):
        advice = f"free the port, or {advice}"
    number = (error.errno or 0) if isinstance(error, OSError) else 0
    # Python's own text repeats the address, in brackets; a name that is unknown has no errno.
    reason = os.strerror(number) if number > 0 else str(error)
    return StartError(
        f"{variable} is {listen!r}, which cannot be listened on ({reason}): {advice}."
    )
