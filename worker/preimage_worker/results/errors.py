"""The errors of a code on the wire: by their own norm, and against a reference set."""

from preimage.v1 import preimage_pb2 as wire
from preimage_worker.inversion.report import Measurement
from preimage_worker.reference.sets import Reference


def code_errors(
    measured: Measurement, target_norm: float, reference: Reference | None
) -> wire.CodeErrors:
    """The errors of one pre-image.

    Args:
        measured: of the optimised and of the delivered picture.
        target_norm: ‖m∘Φ₀‖.
        reference: distances between codes of unrelated pictures, where there are any.
    """
    message = wire.CodeErrors(
        relative=measured.relative_error,
        relative_delivered=measured.relative_error_delivered,
        target_norm=target_norm,
    )
    if reference is not None:
        distance = measured.relative_error * target_norm
        delivered = measured.relative_error_delivered * target_norm
        message.reference.CopyFrom(_against(reference, distance))
        message.reference_delivered.CopyFrom(_against(reference, delivered))
    return message


def _against(reference: Reference, distance: float) -> wire.ReferenceErrors:
    errors = reference.calibrate(distance)
    return wire.ReferenceErrors(
        paper_2015=errors.paper_2015,
        released_2015=errors.released_2015,
        percentile=errors.percentile,
        pictures=reference.pictures,
        digest=reference.digest,
    )
