"""Codes Φ₀ with what belongs to them, and the files that hold them.

A code alone does not say how large the picture was that it was computed from, nor which model made
it. `Features` keeps the three together, in memory and in a `.safetensors` file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from preimage.errors import BadInput

if TYPE_CHECKING:
    from preimage.provenance import Provenance

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]

_NAMES = ("code", "features")
"""Under which name a code is looked for in a safetensors file of several tensors."""


@final
@dataclass(frozen=True, eq=False)
class Features:
    """A code Φ₀."""

    array: FloatArray
    """The code in the shape that `ModelInfo` states for the layer, without a batch axis."""
    input_size: tuple[int, int] | None = None
    """(height, width) in pixels of the picture that it was computed from; None: the model's own."""
    model: str | None = None
    """Name of the model; checked against that of a request when it is known."""
    layer: str | None = None
    """Layer of the model; checked against that of a request when it is known."""
    model_digest: str | None = None
    """Digest of the model: equal digests give equal codes."""
    provenance: Provenance | None = None
    """What would reproduce it, when the service computed it."""
    job_id: str | None = None
    """The job by which the service computed it, and which keeps it there for as long as results;
    `client.job(job_id).delete()` ends that."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the code."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    def save(self, path: str | Path) -> Path:
        """Writes a `.safetensors` file with all that is known, or a `.npy` file with the array.

        Raises:
            BadInput: the suffix is another one.
        """
        path = Path(path)
        if path.suffix == ".npy":
            np.save(path, self.array, allow_pickle=False)
        elif path.suffix == ".safetensors":
            # The library's own writer of files makes them private whatever the umask says.
            tensors = {"code": np.ascontiguousarray(self.array)}
            path.write_bytes(save(tensors, metadata=self._metadata()))
        else:
            raise BadInput(f"A code is saved as .safetensors or .npy, not as {path.name!r}.")
        return path

    def _metadata(self) -> dict[str, str]:
        known = {"model": self.model, "layer": self.layer, "model_digest": self.model_digest}
        metadata = {key: value for key, value in known.items() if value is not None}
        if self.input_size is not None:
            metadata["input_size"] = json.dumps(list(self.input_size))
        return metadata

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a `.npy` or `.safetensors` file.

        A safetensors file must hold one tensor, or one that is called "code" or "features".

        Raises:
            BadInput: the file cannot be read, or holds no code.
        """
        path = Path(path)
        try:
            path.open("rb").close()  # the library of safetensors words a missing file otherwise
            if path.suffix.lower() == ".npy":
                return cls(_load_npy(path))
            return cls._load_safetensors(path)
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, TypeError, SafetensorError) as error:
            raise BadInput(
                f"{path} is no .safetensors file, or a broken one; write it with Features.save or "
                "safetensors.numpy.save_file."
            ) from error

    @classmethod
    def _load_safetensors(cls, path: Path) -> Self:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            metadata: dict[str, str] = file.metadata() or {}
            wanted = names if len(names) == 1 else [name for name in _NAMES if name in names]
            if not wanted:
                raise BadInput(
                    f"{path} holds the tensors {sorted(names)}; leave one, or call one 'code'."
                )
            array = _floating(file.get_tensor(wanted[0]), path)
        size = metadata.get("input_size")
        height, width = json.loads(size) if size else (0, 0)
        return cls(
            array,
            input_size=(int(height), int(width)) if size else None,
            model=metadata.get("model"),
            layer=metadata.get("layer"),
            model_digest=metadata.get("model_digest"),
        )


def _load_npy(path: Path) -> FloatArray:
    # np.load would also take archives and pickles, and advises callers to trust the latter.
    with path.open("rb") as file:
        try:
            array: np.ndarray[Any, Any] = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise BadInput(
                f"{path} is no .npy file of numbers, or a broken one; save an array of floats "
                "with numpy.save(path, array)."
            ) from error
    return _floating(array, path)


def _floating(array: np.ndarray[Any, Any], path: Path) -> FloatArray:
    if not np.issubdtype(array.dtype, np.floating):
        raise BadInput(
            f"{path} holds {array.dtype}; a code is an array of floats. Convert a code with "
            "array.astype('float32'); save pixels as a PNG file."
        )
    return array
