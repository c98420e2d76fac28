"""The result of an inversion: every pre-image with its errors, as a message and files."""

import numpy as np
from numpy.typing import NDArray

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import tensor_pb2, work_pb2
from preimage_worker import pictures
from preimage_worker.findings import Classes
from preimage_worker.inversion.lanes import CURVE_COLUMNS
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.jobs import Inverted, LaneResult
from preimage_worker.models import Served
from preimage_worker.results.diversity import diversity
from preimage_worker.results.errors import code_errors
from preimage_worker.results.fidelity import fidelity
from preimage_worker.results.parcel import Files, Parcel, put_floats, put_png
from preimage_worker.results.provenance import Surroundings, of_inversion

_CURVE_POINTS = 500
_OUTCOMES = {
    Outcome.STEP_LIMIT: wire.OUTCOME_SCHEDULE_COMPLETED,
    Outcome.CONVERGED: wire.OUTCOME_CONVERGED,
    Outcome.TARGET_REACHED: wire.OUTCOME_TARGET_REACHED,
    Outcome.DEADLINE: wire.OUTCOME_DEADLINE,
    Outcome.DIVERGED: wire.OUTCOME_DIVERGED,
}


def inverted(done: Inverted, served: Served, where: Surroundings, run_seconds: float) -> Parcel:
    """The pre-images of one code, with a PNG and a float picture of each."""
    files: Files = {}
    result = wire.PreimageResult(
        reconstructions=[_reconstruction(done, index, files) for index in range(len(done.lanes))],
        provenance=of_inversion(done, served, where),
    )
    errors = [lane.measurement.relative_error_delivered for lane in done.lanes]
    result.best = int(np.nanargmin(errors))
    if done.findings.diversity is not None:
        result.diversity.CopyFrom(diversity(done.findings.diversity, files))
    result.timings.queue.FromMicroseconds(round(done.delivery.queued_seconds * 1e6))
    result.timings.run.FromMicroseconds(round(run_seconds * 1e6))
    return Parcel(work_pb2.WorkResult(invert=result), files)


def _reconstruction(done: Inverted, index: int, files: Files) -> wire.Reconstruction:
    lane, findings = done.lanes[index], done.findings
    pixels = pictures.to_pixels(lane.levels)
    message = wire.Reconstruction(
        restart=lane.restart,
        outcome=_OUTCOMES[lane.outcome],
        outcome_sentence=lane.outcome.sentence,
        errors=code_errors(lane.measurement, done.plan.target_norm, findings.reference),
        loss_curve=_curve(lane.curve),
        steps=lane.steps,
        network_passes=lane.measurement.network_passes + findings.passes,
        size=tensor_pb2.PictureSize(height=pixels.shape[0], width=pixels.shape[1]),
        artifacts=_artifacts(lane, pixels, files),
    )
    if findings.classes:
        message.classes.CopyFrom(_classes(findings.classes[index]))
    if done.plan.original is not None:
        message.fidelity.CopyFrom(fidelity(pixels, done.plan.original))
    return message


def _artifacts(lane: LaneResult, pixels: pictures.Pixels, files: Files) -> list[wire.Artifact]:
    raw = put_floats(files, f"{lane.restart}/picture.f32", lane.levels)
    if len(lane.levels) not in pictures.SHOWN_CHANNELS:
        return [raw]
    return [put_png(files, f"{lane.restart}/picture.png", pictures.png(pixels)), raw]


def _classes(found: Classes) -> wire.ClassAgreement:
    return wire.ClassAgreement(
        original=found.original, optimised=found.optimised, delivered=found.delivered
    )


def _curve(curve: NDArray[np.float32]) -> wire.LossCurve:
    stride = -(-len(curve) // _CURVE_POINTS) or 1
    columns = {name: curve[::stride, i].tolist() for i, name in enumerate(CURVE_COLUMNS)}
    return wire.LossCurve(steps=range(0, len(curve), stride), **columns)
