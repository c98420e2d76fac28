"""The result of an inversion: every pre-image with its errors, as a message and files."""

import numpy as np

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import tensor_pb2, work_pb2
from preimage_worker import pictures
from preimage_worker.findings import Classes
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.settings import Loss
from preimage_worker.jobs import Inverted, LaneResult
from preimage_worker.models import Served
from preimage_worker.results.course import activation, loss_curve, strength_curve
from preimage_worker.results.diversity import diversity
from preimage_worker.results.errors import code_errors
from preimage_worker.results.fidelity import fidelity
from preimage_worker.results.parcel import Files, Parcel, put_floats, put_png
from preimage_worker.results.provenance import Surroundings, of_inversion

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
        best=_best(done),
        provenance=of_inversion(done, served, where),
    )
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
        loss_curve=loss_curve(lane.curve, raises=_raises(done)),
        steps=lane.steps,
        network_passes=lane.measurement.network_passes + findings.passes,
        size=tensor_pb2.PictureSize(height=pixels.shape[0], width=pixels.shape[1]),
        artifacts=_artifacts(lane, pixels, files),
    )
    if _raises(done):
        message.activation.CopyFrom(activation(lane, done.plan.problems[index].divisor))
    else:
        message.errors.CopyFrom(
            code_errors(
                lane.measurement, done.plan.target_norm, findings.reference, findings.layers
            )
        )
    walk = done.plan.problems[index].walk
    if walk is not None and lane.walked:
        message.strength.CopyFrom(strength_curve(lane.walked, walk))
    if findings.classes:
        message.classes.CopyFrom(_classes(findings.classes[index]))
    if done.plan.original is not None:
        message.fidelity.CopyFrom(fidelity(pixels, done.plan.original))
    return message


def _raises(done: Inverted) -> bool:
    """Whether the job raises an activation instead of matching a code."""
    return done.plan.settings.loss is Loss.INNER


def _best(done: Inverted) -> int:
    numbers = [lane.measurement.relative_error_delivered for lane in done.lanes]
    return int(np.nanargmax(numbers) if _raises(done) else np.nanargmin(numbers))


def _artifacts(lane: LaneResult, pixels: pictures.Pixels, files: Files) -> list[wire.Artifact]:
    raw = put_floats(files, f"{lane.restart}/picture.f32", lane.levels)
    if len(lane.levels) not in pictures.SHOWN_CHANNELS:
        return [raw]
    return [put_png(files, f"{lane.restart}/picture.png", pictures.png(pixels)), raw]


def _classes(found: Classes) -> wire.ClassAgreement:
    return wire.ClassAgreement(
        original=found.original, optimised=found.optimised, delivered=found.delivered
    )
