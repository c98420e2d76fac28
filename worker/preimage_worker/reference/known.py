"""The reference sets that a worker was started with, as far as they are of its own models."""

import logging
from collections.abc import Iterable, Sequence
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
    def of_models(cls, found: Iterable[Reference], models: Sequence[wire.Model]) -> Self:
        """Keeps those of these models, and says in their announcements what there is.

        Those of models with another digest are left out, with a line in the log.
        """
        known = []
        for each in found:
            alike = [model for model in models if model.digest == each.model_digest]
            if not alike:
                log.warning(
                    "the reference distances of %s, layer %s, are of a model with digest %s, which "
                    "this worker does not serve: they are ignored",
                    each.model,
                    each.layer,
                    each.model_digest,
                )
                continue
            known.append(each)
            for layer in (layer for model in alike for layer in model.layers):
                layer.has_reference |= layer.name == each.layer
        return cls(tuple(known))

    def of(self, model_digest: str, layer: str, height: int, width: int) -> Reference | None:
        """Distances in this layer between pictures of this size; None where there are none."""
        return find(self.known, model_digest, layer, height, width)
