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
    from preimage.client import Client
    from preimage.delivery import Seconds
    from preimage.enums import Availability, Outcome, State
    from preimage.errors import (
        BadInput,
        DeadlineExceeded,
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
    from preimage.models import LayerInfo, ModelInfo, Preprocessing, PresetInfo
    from preimage.provenance import Provenance
    from preimage.reconstructions import CodeErrors, Fidelity, LossCurve, Reconstruction
    from preimage.request import Box, Mask, Plateau, Request, Settings, Size
    from preimage.results import AsyncResult, Result
    from preimage.settled import Settled

    __version__: str

_MODULES = {
    "aio": ("AsyncClient",),
    "client": ("Client",),
    "delivery": ("Seconds",),
    "enums": ("Availability", "Outcome", "State"),
    "errors": (
        "BadInput",
        "DeadlineExceeded",
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
    "models": ("LayerInfo", "ModelInfo", "Preprocessing", "PresetInfo"),
    "provenance": ("Provenance",),
    "reconstructions": ("CodeErrors", "Fidelity", "LossCurve", "Reconstruction"),
    "request": ("Box", "Mask", "Plateau", "Request", "Settings", "Size"),
    "results": ("AsyncResult", "Result"),
    "settled": ("Settled",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "AsyncResult",
    "Availability",
    "BadInput",
    "Box",
    "Client",
    "CodeErrors",
    "DeadlineExceeded",
    "Event",
    "Features",
    "Fidelity",
    "Finished",
    "InternalError",
    "InvalidRequest",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobInfo",
    "LayerInfo",
    "LossCurve",
    "Mask",
    "ModelInfo",
    "NotAllowed",
    "NotFound",
    "NotReady",
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
    "Request",
    "Result",
    "Seconds",
    "ServiceError",
    "Settings",
    "Settled",
    "Size",
    "State",
    "StateChanged",
    "Unavailable",
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
