"""The pictures of a folder, for a reference set."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from PIL import Image, UnidentifiedImageError

from preimage_worker import pictures
from preimage_worker.errors import InvalidSpecError, ReferenceSetError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_FORMATS = ("PNG", "JPEG", "WEBP")
FEWEST = 2
"""Pictures: one has no distance to another."""


@final
@dataclass(frozen=True)
class Album:
    """Pictures that were found; they are decoded when they are needed."""

    files: tuple[Path, ...]
    digest: str
    """16 hexadecimal digits of the files' bytes, whatever their names and their order."""
    limits: pictures.Limits

    def __len__(self) -> int:
        return len(self.files)

    def pixels(self, index: int, height: int, width: int) -> pictures.Pixels:
        """One picture, RGB, resized as the service does it; raises ReferenceSetError."""
        file = self.files[index]
        try:
            decoded = pictures.decode(_bytes(file), self.limits)
        except InvalidSpecError as error:
            reason = str(error).removesuffix(".")
            raise ReferenceSetError(
                f"{file}: {reason}; replace it, or remove it from the folder."
            ) from None
        return pictures.resize(decoded, height, width)


def gather(folder: Path, limit: int, limits: pictures.Limits) -> Album:
    """The first `limit` pictures of a folder, by name.

    Raises:
        ReferenceSetError: no such folder, fewer than two pictures, one of them twice, or one that
            begins like no picture.
    """
    if not folder.is_dir():
        raise ReferenceSetError(f"{folder} is no folder; name one that holds natural pictures.")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)[:limit]
    if len(files) < FEWEST:
        raise ReferenceSetError(
            f"{folder} offers {len(files)} pictures (PNG, JPEG or WebP); distances need at least "
            f"{FEWEST}, and 100 or more make a reference."
        )
    return Album(tuple(files), _digest(files), limits)


def _digest(files: Sequence[Path]) -> str:
    """Also refuses what is no picture, and copies.

    Those are no unrelated pictures, and would make distances of 0.
    """
    known: dict[str, Path] = {}
    for file in files:
        data = _bytes(file)
        _check_format(file, data)
        digest = hashlib.sha256(data).hexdigest()
        if digest in known:
            raise ReferenceSetError(f"{known[digest]} and {file} are one picture: remove one.")
        known[digest] = file
    return hashlib.sha256("".join(sorted(known)).encode()).hexdigest()[:16]


def _check_format(file: Path, data: bytes) -> None:
    """Before anything is measured, and with the name that Pillow does not know."""
    try:
        Image.open(io.BytesIO(data), formats=_FORMATS).close()
    except UnidentifiedImageError:
        raise ReferenceSetError(
            f"{file} cannot be decoded: it is damaged, or no PNG, JPEG or WebP picture; replace "
            "it, or remove it from the folder."
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return  # Decoding it says what is wrong.


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ReferenceSetError(f"{file} cannot be read: {error.strerror}.") from None
