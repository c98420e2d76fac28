"""What is minimised: the objective, what its kind asks of the target, the priors, the repulsion."""

from collections.abc import Iterator

from preimage.v1.spec_pb2 import (
    AlphaNormForm,
    AutomaticStrength,
    Objective,
    ObjectiveKind,
    PreimageSpec,
    Priors,
)
from preimage_orders import INVERTING
from preimage_service.checks.fields import check_enum, check_number
from preimage_service.errors import Violation

MOST_WEIGHT = 1e30
"""Beyond it nothing but overflow is to be had."""

_SQUARED = frozenset(
    {ObjectiveKind.OBJECTIVE_KIND_UNSPECIFIED, ObjectiveKind.OBJECTIVE_KIND_INVERT}
)
_AIMLESS: dict[int, str] = {
    ObjectiveKind.OBJECTIVE_KIND_MAXIMISE: "a maximisation",
    ObjectiveKind.OBJECTIVE_KIND_CARICATURE: "a caricature",
}
_MOST_ALPHA, _MOST_BETA = 12.0, 4.0
_MOST_GREY_LEVELS = 1e6


def check_objective(spec: PreimageSpec) -> Iterator[Violation]:
    """The objective, with the target and the terms that its kind takes or does not take."""
    objective = spec.objective
    yield from check_enum(objective.kind, ObjectiveKind.DESCRIPTOR, "spec.objective.kind")
    for name in ("data_weight", "activation_scale"):
        if objective.HasField(name):
            path, number = f"spec.objective.{name}", getattr(objective, name)
            yield from check_number(number, path, most=MOST_WEIGHT, open_below=True)
    yield from _check_target(spec)
    yield from _check_variance(objective)
    if objective.HasField("activation_scale") and not _is(objective, "MAXIMISE"):
        yield Violation("spec.objective.activation_scale", "is for a maximisation: leave it out")
    if spec.representation.further_layers and objective.kind not in _SQUARED:
        yield Violation(
            "spec.representation.further_layers",
            "need an inversion with the squared loss: several layers share a squared distance",
        )
    if objective.kind not in INVERTING:
        yield from _check_aimless(spec)


def check_priors(priors: Priors) -> Iterator[Violation]:
    """Weights and exponents of the priors, the bound, the strength."""
    for name, prior, most_exponent in (
        ("alpha_norm", priors.alpha_norm, _MOST_ALPHA),
        ("total_variation", priors.total_variation, _MOST_BETA),
    ):
        path = f"spec.priors.{name}"
        if prior.HasField("weight"):
            yield from check_number(prior.weight, f"{path}.weight", most=MOST_WEIGHT)
        if prior.HasField("exponent"):
            yield from check_number(prior.exponent, f"{path}.exponent", 1.0, most_exponent)
    form = priors.alpha_norm.form
    yield from check_enum(form, AlphaNormForm.DESCRIPTOR, "spec.priors.alpha_norm.form")
    if priors.HasField("bound"):
        yield from check_number(priors.bound, "spec.priors.bound", most=_MOST_GREY_LEVELS)
    if priors.WhichOneof("strength") == "factor":
        yield from check_number(priors.factor, "spec.priors.factor", most=MOST_WEIGHT)
    yield from _check_automatic(priors.automatic)


def check_repulsion(spec: PreimageSpec) -> Iterator[Violation]:
    """That there are restarts to keep apart, and an error that this may cost."""
    if not spec.HasField("repulsion"):
        return
    path, repulsion = "spec.repulsion", spec.repulsion
    if spec.restarts in (0, 1):
        yield Violation(path, "keeps restarts apart: ask for at least 2 in spec.restarts")
    yield from check_number(repulsion.weight, f"{path}.weight", most=MOST_WEIGHT)
    budget = repulsion.error_budget
    yield from check_number(budget, f"{path}.error_budget", most=MOST_WEIGHT, open_below=True)


def _check_automatic(automatic: AutomaticStrength) -> Iterator[Violation]:
    path = "spec.priors.automatic"
    yield from check_number(automatic.noise_multiple, f"{path}.noise_multiple", most=MOST_WEIGHT)
    yield from check_number(automatic.least_error, f"{path}.least_error", most=MOST_WEIGHT)


def _check_target(spec: PreimageSpec) -> Iterator[Violation]:
    source, objective = spec.target.WhichOneof("source"), spec.objective
    if source is None:
        yield Violation("spec.target", "must hold a picture, features, uploaded_features or a unit")
    elif source == "unit" and not _is(objective, "MAXIMISE"):
        yield Violation("spec.target.unit", "is what a maximisation raises: ask for one")
    elif source != "picture" and _is(objective, "CARICATURE"):
        yield Violation(f"spec.target.{source}", "must be a picture: a caricature starts from one")


def _check_variance(objective: Objective) -> Iterator[Violation]:
    given = objective.WhichOneof("variances")
    if given and not _is(objective, "MAHALANOBIS"):
        yield Violation(
            f"spec.objective.{given}", "is for the Mahalanobis loss: ask for it, or leave this out"
        )
    elif not given and _is(objective, "MAHALANOBIS"):
        yield Violation(
            "spec.objective.variance", "is required by the Mahalanobis loss, of Φ₀'s shape"
        )


def _check_aimless(spec: PreimageSpec) -> Iterator[Violation]:
    """Terms that go by the relative error, which is that of an inversion."""
    for path, given in (
        ("spec.priors.automatic", spec.priors.HasField("automatic")),
        ("spec.repulsion", spec.HasField("repulsion")),
        ("spec.stopping.target_error", spec.stopping.HasField("target_error")),
    ):
        if given:
            what = _AIMLESS.get(spec.objective.kind, "this kind")
            yield Violation(path, f"goes by the relative error to Φ₀, which {what} does not seek")


def _is(objective: Objective, name: str) -> bool:
    return objective.kind == ObjectiveKind.Value(f"OBJECTIVE_KIND_{name}")
