"""The wire's specification of an audit, with its pictures, as a plan."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch

from preimage.v1 import audit_pb2, model_service_pb2, work_pb2
from preimage_orders import rung_name, rungs_of
from preimage_queue import Claimed, Queue
from preimage_worker import pictures
from preimage_worker.audit.errors import PlanError
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.profiles import QUICK, STANDARD, THOROUGH, Profile
from preimage_worker.auditor.subject import CatalogueSubject, independent
from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.models import Models
from preimage_worker.spec import missing_input

_PROFILES = {
    audit_pb2.AUDIT_PROFILE_UNSPECIFIED: QUICK,
    audit_pb2.AUDIT_PROFILE_QUICK: QUICK,
    audit_pb2.AUDIT_PROFILE_STANDARD: STANDARD,
    audit_pb2.AUDIT_PROFILE_THOROUGH: THOROUGH,
}
_KEY_STREAM = 0x4B4559
_PRESET = "auto"


Sets: TypeAlias = "dict[audit_pb2.AuditRole.ValueType, Levels]"
"""Pictures by what they are for."""


def plan_of(
    work: work_pb2.AuditWork,
    sets: Sets,
    models: Models,
    device: torch.device,
) -> AuditPlan:
    """The plan of an audit.

    Raises:
        InvalidSpecError: a model is not served here.
        PlanError, InversionError: a defence or a profile is none.
    """
    spec = work.spec
    subject = CatalogueSubject(models, spec.model)
    targets = sets[audit_pb2.AUDIT_ROLE_TARGET]
    size = targets.shape[1], targets.shape[2]
    return AuditPlan(
        subject=subject,
        layers=tuple(spec.layers),
        control_layer=_control_layer(models.served(spec.model).announcement),
        defences=_defences([each.chain for each in spec.defences]),
        targets=targets,
        auxiliary=sets[audit_pb2.AUDIT_ROLE_AUXILIARY],
        profile=profile_of(spec),
        seed=spec.seed,
        key=hash64(spec.seed, _KEY_STREAM),
        releases=spec.releases or 1,
        preset=spec.budget.preset or _PRESET,
        rungs=frozenset(map(rung_name, rungs_of(spec))),
        independent=independent(models, spec.independent_model, spec.independent_layer, size)
        if spec.independent_model
        else None,
        device=device,
    )


def read_pictures(
    queue: Queue,
    claimed: Claimed,
    work: work_pb2.AuditWork,
    model: model_service_pb2.Model,
    limits: pictures.Limits,
) -> Sets:
    """The pictures of an audit as the model sees them.

    Raises:
        InvalidSpecError: one is gone, or cannot be decoded.
        PlanError: the model takes no pictures of a known size.
    """
    height, width = _size(work.spec, model)
    channels = model.preprocessing.channels
    if channels not in pictures.SHOWN_CHANNELS:
        raise PlanError(
            f"{model.name} takes {channels} channels, which no picture has; an audit needs "
            "pictures."
        )
    seen: dict[audit_pb2.AuditRole.ValueType, list[Levels]] = {
        audit_pb2.AUDIT_ROLE_TARGET: [],
        audit_pb2.AUDIT_ROLE_AUXILIARY: [],
    }
    for stored in work.pictures:
        data = queue.read_blob(claimed.tenant, stored.digest)
        if data is None:
            raise missing_input(stored.digest)
        pixels = pictures.resize(pictures.decode(data, limits), height, width)
        levels = pictures.to_levels(pixels, channels).transpose(1, 2, 0)
        seen[stored.role].append(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    empty = np.empty((0, height, width, channels), np.uint8)
    return {role: np.stack(each) if each else empty for role, each in seen.items()}


def profile_of(spec: audit_pb2.AuditSpec) -> Profile:
    """The profile, with what the caller changes about it."""
    budget = spec.budget
    changes = {
        name: getattr(budget, name)
        for name in ("steps", "doublings", "restarts")
        if budget.HasField(name)
    }
    return replace(_PROFILES[spec.profile], **changes)


def _size(spec: audit_pb2.AuditSpec, model: model_service_pb2.Model) -> tuple[int, int]:
    if spec.HasField("input_size"):
        return spec.input_size.height, spec.input_size.width
    if model.preprocessing.any_size:
        raise PlanError(f"{model.name} takes pictures of any size; name input_size.")
    return model.preprocessing.input_size.height, model.preprocessing.input_size.width


def _control_layer(model: model_service_pb2.Model) -> str:
    """The shallowest: announced first."""
    return model.layers[0].name


def _defences(words: Sequence[str]) -> tuple[Chain, ...]:
    """Those that were asked for, behind the codes as they are."""
    asked = [chain for each in words for chain in parse(each)]
    return tuple(dict.fromkeys([Chain(), *asked]))
