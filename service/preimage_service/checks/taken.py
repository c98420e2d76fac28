"""Pictures and codes that were taken in: what the checks that need the model go by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from preimage.v1.tensor_pb2 import Tensor, TensorReference
from preimage_orders import Size
from preimage_service.errors import TensorNotFoundError, Violation


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture, a code or a variance that was taken in; or a unit, which brings nothing."""

    path: str
    """Its field in the request."""

    violations: tuple[Violation, ...] = ()
    missing: TensorNotFoundError | None = None
    """Set if it should have been uploaded and is not there."""

    picture: Size | None = None
    """Its size, if it is a picture."""

    code_shape: tuple[int, ...] = ()
    """Its shape, if it is a code or a variance."""

    data: bytes = b""
    """What has to be stored; empty if it was uploaded."""

    digest: str = ""
    """The name of its bytes in the queue; empty for a unit."""

    tensor: Tensor | TensorReference | None = None
    """Its type and shape; None for an encoded picture."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a specification brings along."""

    target: Taken
    further: tuple[Taken | None, ...] = ()
    """Codes of the further layers, in their order; None for one that is computed."""

    variance: Taken | None = None

    def __iter__(self) -> Iterator[Taken]:
        """All that is there, the target first."""
        yield self.target
        yield from (code for code in self.further if code is not None)
        if self.variance is not None:
            yield self.variance
