"""Reading the files that callers name."""

from __future__ import annotations

from pathlib import Path

from preimage.errors import BadInput


def read_file(path: str | Path) -> bytes:
    """Reads a file.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
