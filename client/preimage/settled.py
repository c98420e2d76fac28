"""How one of many requests ended: a value, so that one that fails does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, final

if TYPE_CHECKING:
    from preimage.errors import PreimageError
    from preimage.request import Request
    from preimage.results import ResultView

R = TypeVar("R", bound="ResultView")


@final
@dataclass(frozen=True, eq=False)
class Settled(Generic[R]):
    """How one request of `submit_many` ended: with a result or with an error."""

    index: int
    """Place of the request among the requests, from 0."""
    request: Request
    """The request."""
    result: R | None
    """The result, unless it failed."""
    error: PreimageError | None
    """Why it failed, if it did."""

    def unwrap(self) -> R:
        """Returns the result.

        Raises:
            PreimageError: the error, when there is no result.
        """
        if self.result is None:
            assert self.error is not None
            raise self.error
        return self.result
