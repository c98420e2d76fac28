"""What comes back from an inversion.

`Result` and `AsyncResult` hold the same; only what is fetched when it is first asked for differs:
`result.float_picture` against `await result.float_picture`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from preimage.diversity import needed, spread_image, spread_map
from preimage.enums import State
from preimage.errors import PreimageError
from preimage.html import result_as_html
from preimage.summaries import diversity_numbers, numbers_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from PIL import Image

    from preimage.delivery import Seconds
    from preimage.diversity import Diversity, SpreadMap
    from preimage.enums import Outcome
    from preimage.measures import (
        Activation,
        ClassAgreement,
        CodeErrors,
        Fidelity,
        LossCurve,
        StrengthCurve,
    )
    from preimage.origin import Origin
    from preimage.provenance import Provenance
    from preimage.reconstructions import FloatPicture, Pixels, Reconstruction


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
    """Index of the one with the lowest relative error of the delivered picture, or the highest
    activation."""
    seconds: Seconds
    """How long it waited and ran."""
    attempt: int
    """How often a worker took it up; more than 1 after a worker or Redis was lost."""
    provenance: Provenance
    """What would reproduce it."""
    task: str
    """What was asked for: "invert", "maximise" or "caricature"."""
    diversity: Diversity | None
    """How different the restarts are; None with one."""
    origin: Origin | None
    """The equal job whose run gave this result; None: the job's own run did."""

    @property
    def cached(self) -> bool:
        """Whether the result was there before the job: nothing was computed for it."""
        return self.origin is not None and self.origin.cached

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
        """The delivered picture: mode RGB, or L for representations of grey pictures.

        Raises:
            PreimageError: its channels are neither 1 nor 3; see `float_picture`.
        """
        return self._best.picture

    @property
    def pixels(self) -> Pixels:
        """The delivered picture: uint8, (height, width, 3) or (height, width).

        Raises:
            PreimageError: its channels are neither 1 nor 3; see `float_picture`.
        """
        return self._best.pixels

    @property
    def errors(self) -> CodeErrors:
        """How far the code of the pre-image is from Φ₀.

        Raises:
            PreimageError: the task was a maximisation or caricature; see `activation`.
        """
        if self._best.errors is None:
            raise PreimageError(
                f"A {self.task} looks for no code, so it has no errors: see the activation."
            )
        return self._best.errors

    @property
    def activation(self) -> Activation | None:
        """How strongly the layer answers; None for an inversion."""
        return self._best.activation

    @property
    def classes(self) -> ClassAgreement | None:
        """What the model calls the picture that was sent and the pre-image, where both are."""
        return self._best.classes

    @property
    def strength(self) -> StrengthCurve | None:
        """How the strength of the priors was found; None unless `prior_weight` asked for it."""
        return self._best.strength

    @property
    def fidelity(self) -> Fidelity | None:
        """Likeness to the picture that was sent; None when none was sent."""
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
        """Writes the delivered picture; the suffix names the format, `.png` keeps every bit.

        Raises:
            BadInput: a suffix other than .png, .jpg and .jpeg, no such folder, or a file that
                cannot be written.
            PreimageError: its channels are neither 1 nor 3; see `float_picture`.
        """
        return self._best.save(path)

    def summary(self) -> dict[str, Any]:
        """The numbers as a mapping that `json.dumps` takes."""
        return {
            "id": self.id,
            "state": str(self.state),
            "task": self.task,
            "model": self.model,
            "layer": self.layer,
            "preset": self.provenance.preset,
            "seed": self.provenance.seed,
            **numbers_of(self._best),
            "diversity": diversity_numbers(self.diversity) if self.diversity else None,
            "origin": asdict(self.origin) if self.origin else None,
            "seconds": {"queue": self.seconds.queue, "run": self.seconds.run},
        }

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.id}: {self.model} {self.layer}, {self.outcome}, "
            f"{self._best.score}>"
        )

    def _repr_html_(self) -> str:
        return result_as_html(self)


@final
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(ResultView):
    """A pre-image, from `Client`."""

    fetch_float_picture: Callable[[int], FloatPicture]
    """Downloads the float picture of the reconstruction at an index."""
    fetch_file: Callable[[str], bytes]
    """Downloads a file of the result by its name."""

    @cached_property
    def float_picture(self) -> FloatPicture:
        """The picture before clipping and rounding; downloaded at the first access.

        float32, (channels, height, width), in grey levels 0…255.

        Raises:
            NotFound: the result has expired.
            PreimageError: the client has been closed.
        """
        return self.fetch_float_picture(self.best)

    @cached_property
    def spread(self) -> SpreadMap:
        """The standard deviation of every pixel over the restarts; downloaded at first access.

        float32, (height, width), in grey levels, the mean over channels. What the code fixes is 0.

        Raises:
            PreimageError: the job had one restart, or the client has been closed.
        """
        diversity = needed(self.diversity)
        return spread_map(diversity, self.fetch_file(diversity.spread_file))

    @cached_property
    def spread_picture(self) -> Image.Image:
        """The same as a picture: black where the code fixes the pixel, white from 64 levels on.

        Raises:
            PreimageError: the job had one restart, or the client has been closed.
        """
        return spread_image(self.fetch_file(needed(self.diversity).spread_picture_file))


@final
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AsyncResult(ResultView):
    """A pre-image, from `AsyncClient`."""

    fetch_float_picture: Callable[[int], Awaitable[FloatPicture]]
    """Downloads the float picture of the reconstruction at an index."""
    fetch_file: Callable[[str], Awaitable[bytes]]
    """Downloads a file of the result by its name."""

    @property
    def float_picture(self) -> Awaitable[FloatPicture]:
        """The picture before clipping and rounding; downloaded when it is awaited.

        float32, (channels, height, width), in grey levels 0…255.

        Raises:
            NotFound: the result has expired.
            PreimageError: the client has been closed.
        """
        return self.fetch_float_picture(self.best)

    @property
    def spread(self) -> Awaitable[SpreadMap]:
        """The standard deviation of every pixel over the restarts; downloaded when awaited.

        float32, (height, width), in grey levels, the mean over channels. What the code fixes is 0.

        Raises:
            PreimageError: the job had one restart, or the client has been closed.
        """
        return self._spread()

    @property
    def spread_picture(self) -> Awaitable[Image.Image]:
        """The same as a picture: black where the code fixes the pixel, white from 64 levels on.

        Raises:
            PreimageError: the job had one restart, or the client has been closed.
        """
        return self._spread_picture()

    async def _spread(self) -> SpreadMap:
        diversity = needed(self.diversity)
        return spread_map(diversity, await self.fetch_file(diversity.spread_file))

    async def _spread_picture(self) -> Image.Image:
        return spread_image(await self.fetch_file(needed(self.diversity).spread_picture_file))
