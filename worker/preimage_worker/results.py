"""Settlements on the wire: results, files, errors and events as the frontend reads them."""

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import final

import numpy as np
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_worker import pictures, spec
from preimage_worker.errors import JobError
from preimage_worker.inversion.lanes import CURVE_COLUMNS
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.jobs import Extracted, Inverted, LaneResult, Pulse
from preimage_worker.models import Served

DOMAIN = "preimage"
EQUAL_PSNR_DB = 100.0
"""Reported for two equal pictures, whose PSNR is infinite."""
_CURVE_POINTS = 500
_SSIM_WINDOW_PIXELS = 11

_OUTCOMES = {
    Outcome.STEP_LIMIT: wire.OUTCOME_SCHEDULE_COMPLETED,
    Outcome.CONVERGED: wire.OUTCOME_CONVERGED,
    Outcome.TARGET_REACHED: wire.OUTCOME_TARGET_REACHED,
    Outcome.DEADLINE: wire.OUTCOME_DEADLINE,
    Outcome.DIVERGED: wire.OUTCOME_DIVERGED,
}
_PRECISIONS = {
    precision: value
    for value, precision in spec.PRECISIONS.items()
    if value != spec_pb2.PRECISION_UNSPECIFIED
}


@final
@dataclass(frozen=True)
class Surroundings:
    """What a result says about where it was computed."""

    worker: str
    device: str


@final
@dataclass(frozen=True)
class Parcel:
    """A result as bytes: the resource, and the files beside it."""

    result: work_pb2.WorkResult
    files: dict[str, bytes]


def inverted(done: Inverted, served: Served, where: Surroundings, run_seconds: float) -> Parcel:
    """The result of an inversion, with a PNG and a float picture of every restart."""
    result = wire.PreimageResult(provenance=_inversion_provenance(done, served, where))
    files: dict[str, bytes] = {}
    for lane in done.lanes:
        pixels = pictures.to_pixels(lane.levels)
        png, raw = f"{lane.restart}/picture.png", f"{lane.restart}/picture.f32"
        files[png] = pictures.png(pixels)
        files[raw] = lane.levels.astype("<f4").tobytes()
        reconstruction = _reconstruction(done, lane, pixels)
        reconstruction.artifacts.add(name=png, media_type="image/png", size_bytes=len(files[png]))
        reconstruction.artifacts.append(_raw(raw, lane.levels))
        result.reconstructions.append(reconstruction)
    errors = [lane.measurement.relative_error_delivered for lane in done.lanes]
    result.best = int(np.nanargmin(errors))
    result.timings.queue.FromMicroseconds(round(done.delivery.queued_seconds * 1e6))
    result.timings.run.FromMicroseconds(round(run_seconds * 1e6))
    return Parcel(work_pb2.WorkResult(invert=result), files)


def extracted(done: Extracted, served: Served, where: Surroundings) -> Parcel:
    """The result of an extraction: the raw code."""
    wanted = done.delivery.item.extract.representation
    provenance = _provenance(served, where)
    provenance.layer = wanted.layer
    provenance.precision = spec_pb2.PRECISION_FLOAT32
    features = work_pb2.ExtractedFeatures(
        code=_raw("code.f32", done.code),
        input_size=tensor_pb2.PictureSize(height=done.height, width=done.width),
        provenance=provenance,
    )
    files = {"code.f32": done.code.astype("<f4").tobytes()}
    return Parcel(work_pb2.WorkResult(extract=features), files)


def error_status(error: JobError) -> bytes:
    """A job's error as google.rpc.Status."""
    return status(error.reason, str(error))


def status(reason: str, sentence: str) -> bytes:
    """A google.rpc.Status whose ErrorInfo holds this reason."""
    codes = {
        "INVALID_SPEC": code_pb2.INVALID_ARGUMENT,
        "OUT_OF_MEMORY": code_pb2.RESOURCE_EXHAUSTED,
        "DIVERGED": code_pb2.FAILED_PRECONDITION,
    }
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    code = codes.get(reason, code_pb2.INTERNAL)
    message = status_pb2.Status(code=code, message=sentence, details=[detail])
    return bytes(message.SerializeToString())


def event(pulse: Pulse) -> bytes:
    """What a beat says of a job."""
    report = pulse.report
    message = work_pb2.WorkEvent(
        progress=wire.Progress(
            step=report.step,
            total_steps=report.steps_total,
            objective=report.objective,
            relative_error=report.relative_error,
        )
    )
    if pulse.preview:
        restart, pixels = pulse.preview
        message.preview.restart, message.preview.step = restart, report.step
        message.preview.png = pictures.png(pixels)
    return message.SerializeToString()


def psnr_db(pixels: pictures.Pixels, original: pictures.Pixels) -> float:
    """Peak signal-to-noise ratio of two 8-bit pictures of the same shape, peak 255."""
    difference = pixels.astype(np.float64) - original.astype(np.float64)
    mse = float(np.mean(difference**2))
    return min(10 * float(np.log10(255**2 / mse)), EQUAL_PSNR_DB) if mse > 0 else EQUAL_PSNR_DB


def ssim(pixels: pictures.Pixels, original: pictures.Pixels) -> float | None:
    """Structural similarity with Wang's window; None for pictures smaller than it."""
    if min(pixels.shape[:2]) < _SSIM_WINDOW_PIXELS:
        return None
    value = structural_similarity(  # type: ignore[no-untyped-call]
        pixels,
        original,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2 if pixels.ndim == 3 else None,  # noqa: PLR2004 - rows, columns, colours
    )
    return float(value)


def _reconstruction(
    done: Inverted, lane: LaneResult, pixels: pictures.Pixels
) -> wire.Reconstruction:
    measured = lane.measurement
    message = wire.Reconstruction(
        restart=lane.restart,
        outcome=_OUTCOMES[lane.outcome],
        outcome_sentence=lane.outcome.sentence,
        errors=wire.CodeErrors(
            relative=measured.relative_error,
            relative_delivered=measured.relative_error_delivered,
            target_norm=done.plan.target_norm,
        ),
        loss_curve=_curve(lane.curve),
        steps=lane.steps,
        network_passes=measured.network_passes,
        size=tensor_pb2.PictureSize(height=pixels.shape[0], width=pixels.shape[1]),
    )
    if done.plan.original is not None:
        original = _like(done.plan.original, pixels)
        similarity = ssim(pixels, original)
        message.fidelity.psnr_db = psnr_db(pixels, original)
        if similarity is not None:
            message.fidelity.ssim = similarity
    return message


def _like(original: pictures.Pixels, pixels: pictures.Pixels) -> pictures.Pixels:
    """The caller's picture in the colours of the pre-image."""
    if pixels.ndim == original.ndim:
        return original
    return pictures.to_pixels(pictures.to_levels(original, 1))


def _curve(curve: NDArray[np.float32]) -> wire.LossCurve:
    stride = -(-len(curve) // _CURVE_POINTS) or 1
    columns = {name: curve[::stride, i].tolist() for i, name in enumerate(CURVE_COLUMNS)}
    return wire.LossCurve(steps=range(0, len(curve), stride), **columns)


def _raw(name: str, values: NDArray[np.float32]) -> wire.Artifact:
    return wire.Artifact(
        name=name,
        media_type="application/octet-stream",
        size_bytes=values.nbytes,
        dtype=tensor_pb2.DATA_TYPE_FLOAT32,
        shape=values.shape,
    )


def _inversion_provenance(done: Inverted, served: Served, where: Surroundings) -> wire.Provenance:
    message = _provenance(served, where)
    message.seed = done.plan.seed
    message.preset = done.plan.preset
    message.layer = done.plan.key.layer
    message.precision = _PRECISIONS[done.plan.key.precision]
    message.largest_batch = done.largest_batch
    message.settings.update(spec.settings_map(done.plan.settings))
    return message


def _provenance(served: Served, where: Surroundings) -> wire.Provenance:
    return wire.Provenance(
        model=served.entry.name,
        model_digest=served.announcement.digest,
        weights_digest=served.announcement.weights_digest,
        device=where.device,
        worker=where.worker,
        versions=versions(),
    )


@cache
def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    return {
        "preimage": version("preimage"),
        "torch": version("torch"),
        "torchvision": version("torchvision"),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
