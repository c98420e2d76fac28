"""Codes behind a defence, and codes of which only bounds are known: what audits ask for.

A defence comes as its stages in words and what they have learnt as safetensors, which is no code:
nothing in it is executed.
"""

import hashlib
from collections.abc import Mapping

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from preimage.v1 import work_pb2
from preimage_worker.axes import LAYOUTS
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.defended import Defended
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.objectives import Bounds
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.spec.inputs import Blobs, missing_input, tensor_of


def defence_key(item: work_pb2.WorkItem) -> str:
    """What tells the defence of a job from others, for batches; empty where there is none."""
    if not item.HasField("defence"):
        return ""
    return hashlib.sha256(item.defence.SerializeToString(deterministic=True)).hexdigest()


def behind_defence(
    representation: Representation, item: work_pb2.WorkItem, blobs: Blobs, device: torch.device
) -> Representation:
    """D̃∘Φ of a job that names a defence, else Φ.

    Raises:
        InvalidSpecError: the defence cannot be made of what came.
    """
    if not item.HasField("defence"):
        return representation
    known = item.defence
    try:
        fitted = _chain(known.chain).restore(
            tuple(known.code_shape),
            _statistics(known.statistics_digest, blobs),
            layout=LAYOUTS.get(known.layout),
        )
    except InversionError as error:
        raise InvalidSpecError(str(error)) from None
    return Defended(representation, fitted.to(device))


def bounds_of(item: work_pb2.WorkItem, blobs: Blobs) -> Bounds | None:
    """Where the code of a job lies; None where its target is all that is known."""
    if not item.HasField("bounds"):
        return None
    return Bounds(tensor_of(item.bounds.low, blobs), tensor_of(item.bounds.high, blobs))


def weights_of(item: work_pb2.WorkItem, blobs: Blobs) -> Tensor | None:
    """How much each element of the code of a job counts; None where all count alike."""
    return tensor_of(item.weights, blobs) if item.HasField("weights") else None


def _chain(words: str) -> Chain:
    chains = parse(words)
    if len(chains) != 1:
        raise InvalidSpecError(f"{words!r} is {len(chains)} defences; a job has one.")
    return chains[0]


def _statistics(digest: str, blobs: Blobs) -> Mapping[str, Tensor]:
    if not digest:
        return {}
    if digest not in blobs:
        raise missing_input(digest)
    try:
        return safetensors.torch.load(blobs[digest])
    except safetensors.SafetensorError:
        raise InvalidSpecError("What the defence has learnt is no safetensors file.") from None
