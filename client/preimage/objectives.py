"""The objective, the priors and the repulsion of a request, on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from preimage.errors import BadInput
from preimage.parts import AutomaticStrength
from preimage.v1 import spec_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from preimage.request import Request

K = TypeVar("K")
V = TypeVar("V")

_LOSSES = {
    "squared": spec_pb2.OBJECTIVE_KIND_INVERT,
    "cosine": spec_pb2.OBJECTIVE_KIND_COSINE,
    "mahalanobis": spec_pb2.OBJECTIVE_KIND_MAHALANOBIS,
}
_TASKS = {
    "invert": spec_pb2.OBJECTIVE_KIND_INVERT,
    "maximise": spec_pb2.OBJECTIVE_KIND_MAXIMISE,
    "caricature": spec_pb2.OBJECTIVE_KIND_CARICATURE,
}
_FORMS = {
    None: spec_pb2.ALPHA_NORM_FORM_UNSPECIFIED,
    "per_channel": spec_pb2.ALPHA_NORM_FORM_PER_CHANNEL,
    "isotropic": spec_pb2.ALPHA_NORM_FORM_ISOTROPIC,
}


def choice(choices: Mapping[K, V], name: str, given: K) -> V:
    """Translates a setting that is one of a few words.

    Raises:
        BadInput: it is another one.
    """
    # A list or a dict, given by mistake, cannot be looked up: it is compared instead.
    for word, value in choices.items():
        if word == given:
            return value
    known = ", ".join(repr(each) for each in choices if each is not None)
    raise BadInput(f"The setting {name} must be one of {known}, not {given!r}.")


def task_of(kind: int) -> str:
    """Names the task that an objective of the wire stands for."""
    tasks = {number: task for task, number in _TASKS.items()}
    return tasks.get(spec_pb2.ObjectiveKind.ValueType(kind), "invert")


def objective_of(request: Request) -> spec_pb2.Objective:
    """Builds the objective, its variances apart.

    Raises:
        BadInput: there is no such task or loss.
    """
    kind, loss = choice(_TASKS, "task", request.task), choice(_LOSSES, "loss", request.loss)
    if request.task == "invert":
        kind = loss
    elif request.loss != "squared":
        raise BadInput(f"The setting loss is for inversions: a {request.task} has its own.")
    return spec_pb2.Objective(
        kind=kind, data_weight=request.data_weight, activation_scale=request.activation_scale
    )


def priors_of(request: Request) -> spec_pb2.Priors:
    """Builds the priors."""
    priors = spec_pb2.Priors(
        alpha_norm=spec_pb2.AlphaNormPrior(
            weight=request.alpha_weight,
            exponent=request.alpha_exponent,
            form=choice(_FORMS, "alpha_form", request.alpha_form),
        ),
        total_variation=spec_pb2.TotalVariationPrior(
            weight=request.tv_weight, exponent=request.tv_exponent
        ),
        bound=request.bound,
    )
    match request.prior_weight:
        case None:
            pass
        case "auto":
            priors.automatic.SetInParent()
        case AutomaticStrength() as strength:
            priors.automatic.noise_multiple = strength.noise_multiple
            priors.automatic.least_error = strength.least_error
        case number:
            priors.factor = float(number)
    return priors


def repulsion_of(request: Request) -> spec_pb2.Repulsion | None:
    """Builds the repulsion, where there is one."""
    repulsion = request.repulsion
    if repulsion is None:
        return None
    return spec_pb2.Repulsion(weight=repulsion.weight, error_budget=repulsion.error_budget)
