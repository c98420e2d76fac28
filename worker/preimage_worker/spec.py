"""From a wire specification to what the engine runs: the only module that knows both sides.

`plan` resolves everything a job leaves open (preset, input size, target, mask, settings) into a
`Plan`; whatever is impossible ends in InvalidSpecError with one sentence, and so in that job's own
error.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from preimage.v1 import model_service_pb2 as models_wire
from preimage.v1 import spec_pb2 as wire
from preimage.v1 import tensor_pb2, work_pb2
from preimage_worker import masks, pictures, tensors
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion import overrides, presets
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.lanes import Precision
from preimage_worker.inversion.problem import Problem, StopRule
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Family, Settings

Blobs = Mapping[str, bytes]

PRECISIONS = {
    wire.PRECISION_UNSPECIFIED: Precision.FP32,
    wire.PRECISION_FLOAT32: Precision.FP32,
    wire.PRECISION_TF32: Precision.TF32,
    wire.PRECISION_BFLOAT16: Precision.BF16,
}
"""By the wire's values; the one that is not set means the first."""
_DEFAULT_PLATEAU = 0.001
_DEFAULT_WINDOW_STEPS = 50


@final
@dataclass(frozen=True)
class BatchKey:
    """What lanes must have in common to share a running batch."""

    model: str
    layer: str
    height: int
    width: int
    family: Family
    precision: Precision


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """A job as the engine runs it."""

    key: BatchKey
    representation: Representation
    problems: tuple[Problem, ...]
    """One for each restart."""
    preset: str
    settings: Settings
    original: pictures.Pixels | None
    """The caller's picture at the size of the pre-image; None when a bare code was sent."""
    preview_every_steps: int
    seed: int

    @property
    def target_norm(self) -> float:
        """‖m∘Φ₀‖, the denominator of the relative error."""
        return math.sqrt(self.problems[0].energy)


@final
@dataclass(frozen=True, eq=False)
class Input:
    """A picture or a code, at the size that the representation will see."""

    height: int
    width: int
    original: pictures.Pixels | None
    features: NDArray[np.float32] | None


def plan(
    item: work_pb2.WorkItem,
    blobs: Blobs,
    model: models_wire.Model,
    representation: Representation,
    *,
    limits: pictures.Limits,
    device: torch.device,
) -> Plan:
    """Resolves the inversion `item`; raises InvalidSpecError."""
    spec = item.invert
    given = _input(item, blobs, model, limits)
    preset = spec.optimiser.preset or model.presets[0].name
    try:
        settings = presets.resolve(
            preset, representation, given.height, given.width, _overrides(spec)
        )
        target = _target(given, representation, device)
        mask = masks.build(spec.representation.mask, tuple(target.shape))
        problems = tuple(
            Problem(
                target, given.height, given.width, settings, mask, spec.seed, restart, _stop(spec)
            )
            for restart in range(max(spec.restarts, 1))
        )
        problems[0].check(representation)
    except InversionError as error:
        raise InvalidSpecError(str(error)) from None
    return Plan(
        BatchKey(
            spec.representation.model,
            spec.representation.layer,
            given.height,
            given.width,
            settings.family,
            PRECISIONS[spec.optimiser.precision],
        ),
        representation,
        problems,
        preset,
        settings,
        given.original,
        spec.progress.preview_every_steps,
        spec.seed,
    )


def picture_of(
    item: work_pb2.WorkItem,
    blobs: Blobs,
    model: models_wire.Model,
    limits: pictures.Limits,
) -> pictures.Pixels:
    """The picture whose code is asked for, at the size that the representation will see."""
    given = _picture_input(
        _pixels(item, item.extract.picture, blobs, limits),
        item.extract.representation,
        model.preprocessing,
        limits,
    )
    assert given.original is not None
    return given.original


def encode(
    representation: Representation, original: pictures.Pixels, device: torch.device
) -> torch.Tensor:
    """Φ of one picture, without a lane axis, on the CPU: float32."""
    levels = pictures.to_levels(original, representation.channels)
    canvas = torch.from_numpy(pictures.canvas(levels, representation.mean))
    # Not inference_mode: a representation may keep tensors that it makes here for later gradients.
    with torch.no_grad():
        return representation(canvas[None].to(device))[0].float().cpu()


def settings_map(settings: Settings) -> dict[str, float]:
    """Every number that a job resolved to, by name, for its provenance."""
    flat: dict[str, float] = {}
    for name, value in asdict(settings).items():
        if isinstance(value, dict):
            numbers = {key: each for key, each in value.items() if isinstance(each, int | float)}
            flat |= {f"{name}.{key}": float(number) for key, number in numbers.items()}
        elif isinstance(value, int | float):
            flat[name] = float(value)
    for index, segment in enumerate(settings.segments):
        flat |= {
            f"segments.{index}.steps": float(segment.steps),
            f"segments.{index}.rate": segment.rate,
            f"segments.{index}.jitter": float(segment.jitter),
        }
    return flat


def _input(
    item: work_pb2.WorkItem,
    blobs: Blobs,
    model: models_wire.Model,
    limits: pictures.Limits,
) -> Input:
    spec = item.invert
    if spec.target.WhichOneof("source") == "picture":
        pixels = _pixels(item, spec.target.picture, blobs, limits)
        return _picture_input(pixels, spec.representation, model.preprocessing, limits)
    reference = spec.target.uploaded_features
    features = tensors.read(reference, _blob(blobs, reference.digest))
    height, width = _size_of_code(spec.representation, model, features.shape)
    pictures.check_sought(height, width, limits)
    return Input(height, width, None, features)


def _pixels(
    item: work_pb2.WorkItem, picture: tensor_pb2.Picture, blobs: Blobs, limits: pictures.Limits
) -> pictures.Pixels:
    if item.encoded_picture_digest:
        return pictures.decode(_blob(blobs, item.encoded_picture_digest), limits)
    pixels = tensors.read(picture.uploaded, _blob(blobs, picture.uploaded.digest))
    if pixels.dtype != np.uint8 or pixels.ndim not in {2, 3} or pixels.shape[2:] not in {(), (3,)}:
        raise InvalidSpecError(
            "Pixels must be uint8 of shape (height, width, 3) or (height, width), not "
            f"{pixels.dtype} of shape {list(pixels.shape)}."
        )
    pictures.check_sent(pixels.shape[0], pixels.shape[1], limits)
    return pictures.as_rgb(pixels)


def _picture_input(
    pixels: pictures.Pixels,
    representation: wire.Representation,
    preprocessing: models_wire.Preprocessing,
    limits: pictures.Limits,
) -> Input:
    height, width = pixels.shape[:2]
    if representation.HasField("input_size"):
        height, width = representation.input_size.height, representation.input_size.width
    elif not preprocessing.any_size:
        height, width = preprocessing.input_size.height, preprocessing.input_size.width
    pictures.check_sought(height, width, limits)
    return Input(height, width, pictures.resize(pixels, height, width), None)


def _size_of_code(
    representation: wire.Representation,
    model: models_wire.Model,
    shape: tuple[int, ...],
) -> tuple[int, int]:
    preprocessing = model.preprocessing
    if representation.HasField("input_size"):
        return representation.input_size.height, representation.input_size.width
    if not preprocessing.any_size:
        return preprocessing.input_size.height, preprocessing.input_size.width
    layer = next(each for each in model.layers if each.name == representation.layer)
    if not layer.HasField("grid_offset"):
        raise InvalidSpecError(
            f"{model.name} takes pictures of any size, and a code of {layer.name} does not say of "
            "which it is; name representation.input_size."
        )
    if len(shape) != 3:  # noqa: PLR2004 - channels, rows, columns
        raise InvalidSpecError(f"A code of {representation.model} has 3 axes, not {len(shape)}.")
    margin = max(-layer.grid_offset, 0)
    return layer.stride * shape[1] + margin, layer.stride * shape[2] + margin


def _target(given: Input, representation: Representation, device: torch.device) -> torch.Tensor:
    if given.features is not None:
        return torch.from_numpy(np.ascontiguousarray(given.features))
    assert given.original is not None
    return encode(representation, given.original, device)


def _overrides(spec: wire.PreimageSpec) -> overrides.Overrides:
    tv, alpha = spec.priors.total_variation, spec.priors.alpha_norm
    return overrides.Overrides(
        data_weight=_optional(spec.objective, "data_weight"),
        total_variation_weight=_optional(tv, "weight"),
        beta=_optional(tv, "exponent"),
        alpha_norm_weight=_optional(alpha, "weight"),
        alpha=_optional(alpha, "exponent"),
        rate_factor=spec.optimiser.rate_factor if spec.optimiser.HasField("rate_factor") else 1.0,
        jitter=spec.optimiser.jitter if spec.optimiser.HasField("jitter") else None,
        steps=spec.optimiser.steps if spec.optimiser.HasField("steps") else None,
    )


def _optional(
    message: wire.Objective | wire.TotalVariationPrior | wire.AlphaNormPrior, name: str
) -> float | None:
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    value = float(getattr(message, name))
    if not math.isfinite(value):
        raise InvalidSpecError(f"{name} must be finite.")
    return value


def _stop(spec: wire.PreimageSpec) -> StopRule:
    rule = spec.stopping
    target = rule.target_error if rule.HasField("target_error") else None
    if not rule.HasField("plateau"):
        return StopRule(target_error=target)
    return StopRule(
        target_error=target,
        plateau=rule.plateau.minimum_decrease or _DEFAULT_PLATEAU,
        plateau_window_steps=rule.plateau.window_steps or _DEFAULT_WINDOW_STEPS,
    )


def missing_input(digest: str) -> InvalidSpecError:
    """What ends a job whose picture or code has gone from the queue."""
    return InvalidSpecError(f"The input {digest[:12]}… of this job is not in the queue any more.")


def _blob(blobs: Blobs, digest: str) -> bytes:
    if digest not in blobs:
        raise missing_input(digest)
    return blobs[digest]
