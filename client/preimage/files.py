"""Reading the files that callers name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from preimage.errors import BadInput


@final
@dataclass(frozen=True)
class Named:
    """A file, and the variable that names it."""

    path: str | Path
    variable: str = ""
    """Empty: the caller named it."""

    def __str__(self) -> str:
        """As errors tell of it."""
        return f"{self.path} ({self.variable})" if self.variable else str(self.path)


def read_file(file: str | Path | Named) -> bytes:
    """Reads a file.

    Raises:
        BadInput: it cannot be read.
    """
    path = file.path if isinstance(file, Named) else file
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
