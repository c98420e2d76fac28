"""Addresses to listen on: their parts, and who can reach them."""

from ipaddress import ip_address
from typing import Final

OFF: Final = "off"
"""Stands for an address where nothing shall listen."""

UNIX: Final = "unix:"
_LAST_PORT: Final = 65_535


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of "HOST:PORT"; raises ValueError if it is not of this form."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        raise ValueError(f"write HOST:PORT, with a port of 0 to {_LAST_PORT}")
    return host.strip("[]"), int(port)


def stays_on_this_machine(listen: str) -> bool:
    """Whether only processes of this machine reach the address.

    A name other than "localhost" does not count: what it stands for may change. Raises ValueError
    as `split_address` does.
    """
    if listen == OFF or listen.startswith(UNIX):
        return True
    host, _ = split_address(listen)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
