"""What an audit takes of its auditor's memory: small files make large pictures, larger codes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from preimage.v1.audit_pb2 import AuditSpec
from preimage.v1.model_service_pb2 import Model
from preimage_orders import Size, effort_of, inverts
from preimage_service.checks.audits import audited_size
from preimage_service.checks.fitting import find_layer
from preimage_service.checks.shapes import elements, expected_shape, model_size
from preimage_service.errors import Violation
from preimage_service.settings import Settings

_FLOAT_BYTES: Final = 4
_CODES, _READINGS, _PICTURES = 3, 3, 3
"""How often all codes of a layer are held at the worst moment (clean, under a defence, and what an
attacker expects), those of targets besides (what it reads of them, with bounds), and all pictures.
Measured on SqueezeNet's first layer and a deep one, it is right to a few hundred MiB."""

_ANY_SIDE: Final = 224
"""Of the picture whose code a model of any size announces."""


@final
@dataclass(frozen=True, slots=True)
class Memory:
    """About how much an audit holds at its worst moment, in bytes."""

    pictures_bytes: int
    codes_bytes: int
    layer: str
    """Whose codes are the largest."""
    asked: bool
    """Whether that is a layer of the specification; else the control needs it."""

    @property
    def total_bytes(self) -> int:
        """Of both together."""
        return self.pictures_bytes + self.codes_bytes


def memory_of(
    spec: AuditSpec, model: Model, judge: Model | None, targets: int, auxiliary: int
) -> Memory:
    """What a specification that was found right will take with so many pictures."""
    size, pictures = audited_size(model, spec), targets + auxiliary
    assert size is not None
    pixels = size.pixels * model.preprocessing.channels * pictures
    besides = max(spec.releases, 1) - 1 + (_READINGS if inverts(spec) else 0)
    held = _CODES * pictures + besides * targets
    codes = {name: _code(model, name, size) * held for name in spec.layers}
    if inverts(spec):
        first, shown = model.layers[0].name, min(effort_of(spec).control_pictures, targets)
        control = _CODES * (shown + auxiliary) + _READINGS * shown
        codes[first] = max(codes.get(first, 0), _code(model, first, size) * control)
    layer = max(codes, key=lambda name: codes[name])
    seen = 0
    if judge is not None:
        size = model_size(judge) or size
        pixels += size.pixels * judge.preprocessing.channels * pictures
        seen = _code(judge, spec.independent_layer, size) * pictures
    return Memory(
        pictures_bytes=_FLOAT_BYTES * _PICTURES * pixels,
        codes_bytes=_FLOAT_BYTES * (codes[layer] + seen),
        layer=layer,
        asked=layer in spec.layers,
    )


def check_memory(memory: Memory, settings: Settings, path: str) -> Iterator[Violation]:
    """That an auditor can hold it."""
    most = settings.maximum_audit_memory_bytes
    if memory.total_bytes > most:
        whose = memory.layer if memory.asked else f"{memory.layer}, which the control needs"
        further = " or deeper layers" if memory.asked else ""
        yield Violation(
            path,
            f"needs about {_gib(memory.total_bytes)} of an auditor's memory"
            f" ({_gib(memory.pictures_bytes)} for pictures, {_gib(memory.codes_bytes)} for codes,"
            f" the largest those of {whose}); this server takes at most {_gib(most)}: bring fewer"
            f" pictures, or name a smaller input_size{further}",
        )


def _code(model: Model, name: str, size: Size) -> int:
    """About how many elements a code has: where that is not known, it grows as the picture does."""
    layer = find_layer(model, name)
    assert layer is not None
    extents = [each for each in expected_shape(model, layer, size).extents if each is not None]
    if len(extents) == len(layer.code_shape):
        return elements(extents)
    own = model_size(model) or Size(_ANY_SIDE, _ANY_SIDE)
    return math.ceil(elements(layer.code_shape) * size.pixels / max(own.pixels, 1))


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"
