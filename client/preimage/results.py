"""What comes back from an inversion.

`Result` and `AsyncResult` hold the same; only the float picture differs, because it is fetched when
it is first asked for: `result.float_picture` against `await result.float_picture`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from preimage.enums import State
from preimage.html import result_as_html

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from PIL import Image

    from preimage.delivery import Seconds
    from preimage.enums import Outcome
    from preimage.provenance import Provenance
    from preimage.reconstructions import (
        CodeErrors,
        Fidelity,
        FloatPicture,
        LossCurve,
        Pixels,
        Reconstruction,
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ResultView:
    """What `Result` and `AsyncResult` share. Without an index, the best restart is meant."""

    id: str
    """The server's name for the job."""
    request_id: str
    """The name of the request."""
    reconstructions: tuple[Reconstruction, ...]
    """One for each restart, in the order of the restarts."""
    best: int
    """Index of the one with the lowest relative error of the delivered picture."""
    seconds: Seconds
    """How long it waited and ran."""
    attempt: int
    """How often a worker took it up; more than 1 after a worker or Redis was lost."""
    provenance: Provenance
    """What would reproduce it."""

    @property
    def state(self) -> State:
        """SUCCEEDED: nothing else has a result."""
        return State.SUCCEEDED

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.provenance.model

    @property
    def layer(self) -> str:
        """Layer of the model."""
        return self.provenance.layer

    @property
    def picture(self) -> Image.Image:
        """The delivered picture: mode RGB, or L for representations of grey pictures."""
        return self._best.picture

    @property
    def pixels(self) -> Pixels:
        """The delivered picture: uint8, (height, width, 3) or (height, width)."""
        return self._best.pixels

    @property
    def errors(self) -> CodeErrors:
        """How far the code of the pre-image is from Φ₀."""
        return self._best.errors

    @property
    def fidelity(self) -> Fidelity | None:
        """Likeness to the picture that was sent; None when a bare code was sent."""
        return self._best.fidelity

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self._best.outcome

    @property
    def outcome_sentence(self) -> str:
        """The same as a sentence."""
        return self._best.outcome_sentence

    @property
    def loss_curve(self) -> LossCurve:
        """The objective by term at recorded steps."""
        return self._best.loss_curve

    @property
    def steps(self) -> int:
        """Optimisation steps done."""
        return self._best.steps

    @property
    def network_passes(self) -> int:
        """Forward passes of the network, with or without a backward pass, measurements included."""
        return self._best.network_passes

    @property
    def _best(self) -> Reconstruction:
        return self.reconstructions[self.best]

    def save(self, path: str | Path) -> Path:
        """Writes the delivered picture; the suffix names the format, `.png` keeps every bit."""
        return self._best.save(path)

    def summary(self) -> dict[str, Any]:
        """The numbers as a mapping that `json.dumps` takes."""
        fidelity = self.fidelity
        return {
            "id": self.id,
            "state": str(self.state),
            "outcome": str(self.outcome),
            "outcome_sentence": self.outcome_sentence,
            "model": self.model,
            "layer": self.layer,
            "preset": self.provenance.preset,
            "seed": self.provenance.seed,
            "steps": self.steps,
            "network_passes": self.network_passes,
            "errors": {
                "relative": self.errors.relative,
                "relative_delivered": self.errors.relative_delivered,
            },
            "picture": {
                "psnr_db": fidelity.psnr_db if fidelity else None,
                "ssim": fidelity.ssim if fidelity else None,
            },
            "seconds": {"queue": self.seconds.queue, "run": self.seconds.run},
        }

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.id}: {self.model} {self.layer}, {self.outcome}, "
            f"relative error {self.errors.relative_delivered:.3%}>"
        )

    def _repr_html_(self) -> str:
        return result_as_html(self)


@final
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(ResultView):
    """A pre-image, from `Client`."""

    fetch_float_picture: Callable[[int], FloatPicture]
    """Downloads the float picture of the reconstruction at an index."""

    @cached_property
    def float_picture(self) -> FloatPicture:
        """The picture before clipping and rounding; downloaded at the first access.

        float32, (channels, height, width), in grey levels 0…255.

        Raises:
            NotFound: the result has expired.
            PreimageError: the client has been closed.
        """
        return self.fetch_float_picture(self.best)


@final
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AsyncResult(ResultView):
    """A pre-image, from `AsyncClient`."""

    fetch_float_picture: Callable[[int], Awaitable[FloatPicture]]
    """Downloads the float picture of the reconstruction at an index."""

    @property
    def float_picture(self) -> Awaitable[FloatPicture]:
        """The picture before clipping and rounding; downloaded when it is awaited.

        float32, (channels, height, width), in grey levels 0…255.

        Raises:
            NotFound: the result has expired.
            PreimageError: the client has been closed.
        """
        return self.fetch_float_picture(self.best)
