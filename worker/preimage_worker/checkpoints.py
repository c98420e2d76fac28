"""Checkpoints: the state of a job's lanes as safetensors, so that another worker can go on.

Running lanes are stored as the batch's own snapshots, finished ones as their results. Tensor names
are "RESTART/NAME"; what is not a tensor is JSON in a tensor of bytes. Nothing is executed when a
checkpoint is read.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import safetensors
import safetensors.torch
import torch

from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.report import LayerError, Measurement
from preimage_worker.inversion.walk import Waypoint
from preimage_worker.jobs import LaneResult

_RESULT = "result"
MOST_BYTES = 256 * 1024**2
"""Of a checkpoint. Redis takes no string above 512 MiB, and should not hold many like it."""


@final
@dataclass(frozen=True, eq=False)
class Restored:
    """What a checkpoint held."""

    running: dict[int, dict[str, torch.Tensor]]
    """Snapshots by restart."""
    finished: dict[int, LaneResult]
    """Results by restart."""


def collect(
    running: Mapping[int, Mapping[str, torch.Tensor]], finished: Mapping[int, LaneResult]
) -> dict[str, torch.Tensor]:
    """One flat dictionary of CPU tensors; cheap, for the thread that computes."""
    flat = {
        f"{restart}/{name}": value
        for restart, snapshot in running.items()
        for name, value in snapshot.items()
    }
    for restart, result in finished.items():
        flat[f"{restart}/{_RESULT}/curve"] = torch.from_numpy(result.curve)
        flat[f"{restart}/{_RESULT}/levels"] = torch.from_numpy(result.levels)
        flat[f"{restart}/{_RESULT}/note"] = _note(result)
    return flat


def fits(flat: Mapping[str, torch.Tensor]) -> bool:
    """Whether it is small enough to be kept; a job that is not starts anew if it must."""
    return sum(tensor.nbytes for tensor in flat.values()) <= MOST_BYTES


def pack(flat: Mapping[str, torch.Tensor]) -> bytes:
    """The bytes of a checkpoint."""
    return safetensors.torch.save({name: value.contiguous() for name, value in flat.items()})


def unpack(data: bytes) -> Restored | None:
    """Reads a checkpoint; None if it is not one (the job then starts anew)."""
    try:
        return _read(safetensors.torch.load(data))
    except (safetensors.SafetensorError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _read(flat: Mapping[str, torch.Tensor]) -> Restored:
    running: dict[int, dict[str, torch.Tensor]] = {}
    results: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in flat.items():
        restart, _, rest = name.partition("/")
        kind, _, part = rest.partition("/")
        if kind == _RESULT:
            results.setdefault(int(restart), {})[part] = value
        else:
            running.setdefault(int(restart), {})[rest] = value
    finished = {restart: _result(restart, parts) for restart, parts in results.items()}
    return Restored(running, finished)


def _note(result: LaneResult) -> torch.Tensor:
    facts = {
        "outcome": result.outcome.name,
        "steps": result.steps,
        "measurement": dataclasses.asdict(result.measurement),
        "walked": [dataclasses.astuple(point) for point in result.walked],
    }
    return torch.frombuffer(bytearray(json.dumps(facts).encode()), dtype=torch.uint8)


def _result(restart: int, parts: Mapping[str, torch.Tensor]) -> LaneResult:
    facts = json.loads(bytes(parts["note"].tolist()))
    return LaneResult(
        restart=restart,
        outcome=Outcome[facts["outcome"]],
        measurement=_measurement(**facts["measurement"]),
        steps=facts["steps"],
        curve=parts["curve"].numpy(),
        levels=parts["levels"].numpy(),
        walked=tuple(Waypoint(*point) for point in facts["walked"]),
    )


def _measurement(*, layers: Sequence[Sequence[float]] = (), **numbers: Any) -> Measurement:
    return Measurement(**numbers, layers=tuple(LayerError(*pair) for pair in layers))
