"""Inversion of image representations: the client of the `preimage` service.

    import preimage

    with preimage.Client() as client:
        result = client.invert("cat.jpg", model="squeezenet1_0", layer="features.5")
        result.save("pre-image.png")

Names are loaded when they are first used (PEP 562): `import preimage` and `import preimage.v1` cost
next to nothing, and the backend, which imports only `preimage.v1`, never loads the SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preimage.aio import AsyncClient
    from preimage.audits.info import AuditEvent, AuditFinished, AuditInfo, AuditPlan, AuditProgress
    from preimage.audits.jobs import AsyncAudit, Audit
    from preimage.audits.report import AuditReport, AuditRow
    from preimage.audits.request import AuditSettings
    from preimage.client import Client
    from preimage.delivery import Seconds
    from preimage.diversity import Diversity
    from preimage.enums import Availability, Outcome, State
    from preimage.errors import (
        BadInput,
        DeadlineExceeded,
        HandshakeFailed,
        InternalError,
        InvalidRequest,
        JobCancelled,
        JobFailed,
        NotAllowed,
        NotFound,
        NotReady,
        Overloaded,
        PreimageError,
        ServiceError,
        Unavailable,
        Violation,
    )
    from preimage.events import Event, Finished, Preview, Progress, StateChanged
    from preimage.features import Features
    from preimage.jobinfo import JobInfo
    from preimage.jobs import AsyncJob, Job
    from preimage.measures import (
        Activation,
        ClassAgreement,
        CodeErrors,
        Fidelity,
        LayerErrors,
        LossCurve,
        ReferenceErrors,
        StrengthCurve,
    )
    from preimage.models import LayerInfo, ModelInfo, Preprocessing, PresetInfo
    from preimage.origin import Origin
    from preimage.parts import (
        AutomaticStrength,
        Box,
        Mask,
        Plateau,
        Repulsion,
        Size,
        Unit,
    )
    from preimage.provenance import Provenance
    from preimage.reconstructions import Reconstruction
    from preimage.request import Request, Settings
    from preimage.results import AsyncResult, Result
    from preimage.settled import Settled

    __version__: str

_MODULES = {
    "aio": ("AsyncClient",),
    "audits.info": ("AuditEvent", "AuditFinished", "AuditInfo", "AuditPlan", "AuditProgress"),
    "audits.jobs": ("AsyncAudit", "Audit"),
    "audits.report": ("AuditReport", "AuditRow"),
    "audits.request": ("AuditSettings",),
    "client": ("Client",),
    "delivery": ("Seconds",),
    "diversity": ("Diversity",),
    "enums": ("Availability", "Outcome", "State"),
    "errors": (
        "BadInput",
        "DeadlineExceeded",
        "HandshakeFailed",
        "InternalError",
        "InvalidRequest",
        "JobCancelled",
        "JobFailed",
        "NotAllowed",
        "NotFound",
        "NotReady",
        "Overloaded",
        "PreimageError",
        "ServiceError",
        "Unavailable",
        "Violation",
    ),
    "events": ("Event", "Finished", "Preview", "Progress", "StateChanged"),
    "features": ("Features",),
    "jobinfo": ("JobInfo",),
    "jobs": ("AsyncJob", "Job"),
    "measures": (
        "Activation",
        "ClassAgreement",
        "CodeErrors",
        "Fidelity",
        "LayerErrors",
        "LossCurve",
        "ReferenceErrors",
        "StrengthCurve",
    ),
    "models": ("LayerInfo", "ModelInfo", "Preprocessing", "PresetInfo"),
    "origin": ("Origin",),
    "provenance": ("Provenance",),
    "reconstructions": ("Reconstruction",),
    "parts": ("AutomaticStrength", "Box", "Mask", "Plateau", "Repulsion", "Size", "Unit"),
    "request": ("Request", "Settings"),
    "results": ("AsyncResult", "Result"),
    "settled": ("Settled",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Activation",
    "AsyncAudit",
    "AsyncClient",
    "AsyncJob",
    "AsyncResult",
    "Audit",
    "AuditEvent",
    "AuditFinished",
    "AuditInfo",
    "AuditPlan",
    "AuditProgress",
    "AuditReport",
    "AuditRow",
    "AuditSettings",
    "AutomaticStrength",
    "Availability",
    "BadInput",
    "Box",
    "ClassAgreement",
    "Client",
    "CodeErrors",
    "DeadlineExceeded",
    "Diversity",
    "Event",
    "Features",
    "Fidelity",
    "Finished",
    "HandshakeFailed",
    "InternalError",
    "InvalidRequest",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobInfo",
    "LayerErrors",
    "LayerInfo",
    "LossCurve",
    "Mask",
    "ModelInfo",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "Origin",
    "Outcome",
    "Overloaded",
    "Plateau",
    "PreimageError",
    "Preprocessing",
    "PresetInfo",
    "Preview",
    "Progress",
    "Provenance",
    "Reconstruction",
    "ReferenceErrors",
    "Repulsion",
    "Request",
    "Result",
    "Seconds",
    "ServiceError",
    "Settings",
    "Settled",
    "Size",
    "State",
    "StateChanged",
    "StrengthCurve",
    "Unavailable",
    "Unit",
    "Violation",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = import_module("importlib.metadata").version("preimage")
    elif name in _HOMES:
        value = getattr(import_module(f"preimage.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'preimage' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
