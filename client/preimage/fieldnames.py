"""Fields of the wire under the names that callers of the SDK know them by.

The service names the field of a request that is wrong by its path: "spec.optimiser.steps". In
messages it goes by the name of the setting; `Violation.field` keeps the path.
"""

from __future__ import annotations

import re

NAMES = {
    "spec.target.features": "code",
    "spec.target.uploaded_features": "code",
    "spec.target.picture": "picture",
    "spec.target.unit": "unit",
    "spec.representation.model": "model",
    "spec.representation.layer": "layer",
    "spec.representation.layer_weight": "layers",
    "spec.representation.further_layers": "layers",
    "spec.representation.input_size": "input_size",
    "spec.representation.mask": "mask",
    "spec.objective.kind": "loss",
    "spec.objective.data_weight": "data_weight",
    "spec.objective.variance": "variance",
    "spec.objective.uploaded_variance": "variance",
    "spec.objective.activation_scale": "activation_scale",
    "spec.priors.alpha_norm.weight": "alpha_weight",
    "spec.priors.alpha_norm.exponent": "alpha_exponent",
    "spec.priors.alpha_norm.form": "alpha_form",
    "spec.priors.bound": "bound",
    "spec.priors.factor": "prior_weight",
    "spec.priors.automatic": "prior_weight",
    "spec.priors.total_variation.weight": "tv_weight",
    "spec.priors.total_variation.exponent": "tv_exponent",
    "spec.optimiser.preset": "preset",
    "spec.optimiser.steps": "steps",
    "spec.optimiser.rate_factor": "rate_factor",
    "spec.optimiser.jitter": "jitter",
    "spec.optimiser.precision": "precision",
    "spec.optimiser.parametrisation": "parametrisation",
    "spec.optimiser.decorrelate_colour": "decorrelate_colour",
    "spec.stopping.target_error": "target_error",
    "spec.stopping.plateau": "plateau",
    "spec.restarts": "restarts",
    "spec.repulsion": "repulsion",
    "spec.seed": "seed",
    "spec.lane": "lane",
    "cache_control": "cache",
    "spec.deadline": "deadline_seconds",
    "spec.progress.preview_every_steps": "preview_every_steps",
}
"""Paths and names; what follows a path ("….mask.channels[0]") follows its name."""

AUDIT_NAMES = {
    "header.spec.model": "model",
    "header.spec.layers": "layers",
    "header.spec.input_size": "input_size",
    "header.spec.independent_model": "independent",
    "header.spec.independent_layer": "independent",
    "header.spec.defences": "defences",
    "header.spec.profile": "profile",
    "header.spec.pictures": "pictures",
    "header.spec.seed": "seed",
    "header.spec.rungs": "rungs",
    "header.spec.releases": "releases",
    "header.spec.own_these_pictures": "own_these_pictures",
    "header.spec.budget.steps": "steps",
    "header.spec.budget.doublings": "doublings",
    "header.spec.budget.restarts": "restarts",
    "header.spec.budget.preset": "preset",
    "header.spec.budget": "steps and doublings",
    "header.spec": "The audit",
    "header.request_id": "request_id",
    "spec.model": "model",
    "spec.layers": "layers",
    "spec.input_size": "input_size",
    "spec.independent_model": "independent",
    "spec.independent_layer": "independent",
    "spec.defences": "defences",
    "spec.budget": "budget",
    "spec.rungs": "rungs",
    "spec.releases": "releases",
}
"""The same of audits; longer paths come before those that they begin with."""

_FURTHER = re.compile(r"\bspec\.representation\.further_layers\[(\d+)\]")
"""One of the layers behind the first, which is a field of its own on the wire."""
_ALL = {**NAMES, **AUDIT_NAMES}
_PATH = re.compile(rf"\b({'|'.join(map(re.escape, _ALL))})(?!\w)")


def with_setting_names(sentence: str) -> str:
    """Puts the names of settings in the place of paths, and counts `layers` from the first one."""
    counted = _FURTHER.sub(lambda found: f"layers[{int(found[1]) + 1}]", sentence)
    return _PATH.sub(lambda found: _ALL[found[1]], counted)
