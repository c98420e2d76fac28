"""The numbers of a result as mappings that `json.dumps` takes; what does not apply is None."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preimage.diversity import Diversity
    from preimage.measures import CodeErrors, LossCurve, StrengthCurve
    from preimage.reconstructions import Reconstruction


def numbers_of(reconstruction: Reconstruction) -> dict[str, Any]:
    """Maps what was measured of one pre-image."""
    errors, fidelity = reconstruction.errors, reconstruction.fidelity
    activation, classes = reconstruction.activation, reconstruction.classes
    return {
        "outcome": str(reconstruction.outcome),
        "outcome_sentence": reconstruction.outcome_sentence,
        "steps": reconstruction.steps,
        "network_passes": reconstruction.network_passes,
        "errors": _errors(errors) if errors else None,
        "activation": asdict(activation) if activation else None,
        "picture": {
            "psnr_db": fidelity.psnr_db if fidelity else None,
            "ssim": fidelity.ssim if fidelity else None,
        },
        "classes": asdict(classes) if classes else None,
        "strength": _strength(reconstruction.strength) if reconstruction.strength else None,
    }


def diversity_numbers(diversity: Diversity) -> dict[str, Any]:
    """Maps how different the restarts are; distances as lists of rows."""
    codes = diversity.code_distances
    return {
        "picture_distances": diversity.picture_distances.tolist(),
        "code_distances": None if codes is None else codes.tolist(),
        "mean_picture_distance": diversity.mean_picture_distance,
        "mean_code_distance": diversity.mean_code_distance,
    }


def curve_numbers(curve: LossCurve) -> dict[str, Any]:
    """Maps a loss curve to lists, leaving out what was not recorded."""
    columns = {name: values.tolist() for name, values in vars(curve).items()}
    return {name: values for name, values in columns.items() if values}


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Turns numbers that JSON lacks into None, at every depth."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _errors(errors: CodeErrors) -> dict[str, Any]:
    numbers = asdict(errors)
    del numbers["target_norm"]
    return numbers | {"layers": list(numbers["layers"])}


def _strength(curve: StrengthCurve) -> dict[str, Any]:
    numbers = asdict(curve) | {"factor": curve.factor}
    lists = {name: list(numbers[name]) for name in ("factors", "relative_errors")}
    return numbers | lists
