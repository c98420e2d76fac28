"""The errors of a code on the wire: by its own norm, by layer, and against a reference set."""

from collections.abc import Sequence

from preimage.v1 import preimage_pb2 as wire
from preimage_worker.findings import LayerTarget
from preimage_worker.inversion.report import Measurement
from preimage_worker.reference.sets import Reference


def code_errors(
    measured: Measurement,
    target_norm: float,
    reference: Reference | None = None,
    layers: Sequence[LayerTarget] = (),
) -> wire.CodeErrors:
    """The errors of one pre-image.

    Args:
        measured: of the optimised and of the delivered picture.
        target_norm: ‖m∘Φ₀‖.
        reference: distances between codes of unrelated pictures, where there are any.
        layers: those that `measured` has errors of, where there are several.
    """
    message = wire.CodeErrors(
        relative=measured.relative_error,
        relative_delivered=measured.relative_error_delivered,
        target_norm=target_norm,
        layers=[
            wire.LayerErrors(
                layer=layer.name,
                relative=error.relative,
                relative_delivered=error.delivered,
                target_norm=layer.norm,
            )
            for layer, error in zip(layers, measured.layers, strict=True)
        ],
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
