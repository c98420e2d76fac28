"""A picture or a code that was taken in: what the checks that need the model go by."""

from dataclasses import dataclass
from typing import final

from preimage.v1.tensor_pb2 import Tensor, TensorReference
from preimage_service.checks.shapes import Size
from preimage_service.errors import TensorNotFoundError, Violation


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture or code that was taken in."""

    path: str
    """Its field in the request."""

    violations: tuple[Violation, ...] = ()
    missing: TensorNotFoundError | None = None
    """Set if it should have been uploaded and is not there."""

    picture: Size | None = None
    """Its size, if it is a picture."""

    code_shape: tuple[int, ...] = ()
    """Its shape, if it is a code."""

    data: bytes = b""
    """What has to be stored; empty if it was uploaded."""

    tensor: Tensor | TensorReference | None = None
    """Its type and shape; None for an encoded picture."""
