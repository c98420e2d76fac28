"""The reference sets that a worker was started with, as far as they are of its own models."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from preimage.v1 import model_service_pb2 as wire
from preimage_worker.reference import files
from preimage_worker.reference.sets import Reference, find

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class References:
    """Looked up by what a code depends on."""

    known: tuple[Reference, ...] = ()

    @classmethod
    def load(cls, path: Path | None, models: Sequence[wire.Model]) -> Self:
        """Reads what PREIMAGE_REFERENCES names: see `of_models`.

        Raises:
            ReferenceSetError: a file is missing or damaged, or two of them disagree.
        """
        return cls.of_models(files.load(path), models) if path else cls()

    @classmethod
    def of_models(cls, found: Sequence[Reference], models: Sequence[wire.Model]) -> Self:
        """Keeps those of these models, and says in their announcements what there is.

        Those of models with another digest are left out, with a line in the log.
        """
        served = {model.digest for model in models}
        known = tuple(each for each in found if each.model_digest in served)
        ignored = Counter(
            (each.model, each.model_digest) for each in found if each.model_digest not in served
        )
        for (name, digest), layers in ignored.items():
            log.warning(
                "reference distances of %s (layers: %d) are ignored: they are of a model with the "
                "digest %s, which this worker does not serve",
                name,
                layers,
                digest,
            )
        layers_known = {(each.model_digest, each.layer) for each in known}
        for model in models:
            for layer in model.layers:
                layer.has_reference = (model.digest, layer.name) in layers_known
        return cls(known)

    def of(self, model_digest: str, layer: str, height: int, width: int) -> Reference | None:
        """Distances in this layer between pictures of this size; None where there are none."""
        return find(self.known, model_digest, layer, height, width)
