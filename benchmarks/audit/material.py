"""What is audited: a ResNet-20, and squares of photographs."""

import os
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import pictures
from benchmarks.audit.pool import PoolInverter, subject_of
from preimage_worker import catalogue
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.settings import Settings

LAYERS = {
    "relu1": "relu",
    "layer1": "layer1",
    "layer2": "layer2",
    "layer3": "layer3",
    "pool": "layer3:mean",
    "fc": "linear",
}
"""By the names of the tables, from the shallowest."""
SIDE = 32
_ROWS = 5
"""Squares of a picture along its shorter side."""
_ENTRY = f"""
[models.resnet20]
architecture = "python:benchmarks.audit.resnet20:Resnet20"
weights = {{ file = "resnet20_cifar10.safetensors" }}
input_size = [{SIDE}, {SIDE}]
layers = ["relu", "layer1", "layer2", "layer3", "linear"]
classifies = true
"""


class Material:
    """The network with its weights, and the squares, drawn with a seed."""

    def __init__(self, folder: Path | None, seed: int, processes: int) -> None:
        """Raises SystemExit with a sentence where pictures or weights are missing."""
        self._own, self._other = _apart(pictures.load(folder))
        self.draw(seed)
        settings = Settings.from_environment(
            {"PREIMAGE_DOWNLOAD_MODELS": "none"} | dict(os.environ)
        )
        (entry,) = catalogue.parse(_ENTRY, "the benchmark's")
        try:
            self.subject = subject_of((entry, settings))
        except InvalidSpecError as error:
            raise SystemExit(str(error)) from None
        self.inverter = PoolInverter((entry, settings), processes)

    def plan(self, count: int, layers: tuple[str, ...], **changes: object) -> AuditPlan:
        """An audit of the first targets, of all rungs, on the standard profile."""
        if count > len(self._targets):
            raise SystemExit(
                f"The pictures have squares for {len(self._targets)} targets, and {count} are "
                "wanted; name more pictures, or fewer targets."
            )
        made = AuditPlan(
            subject=self.subject,
            layers=tuple(LAYERS[each] for each in layers),
            control_layer=LAYERS["relu1"],
            defences=(Chain(),),
            targets=self._targets[:count],
            auxiliary=self._auxiliary,
            profile=STANDARD,
            seed=self._seed,
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def drawn(self, seed: int) -> "Material":
        """The same with other squares of the same pictures, and other noise."""
        other = copy(self)
        other.draw(seed)
        return other

    def draw(self, seed: int) -> None:
        """Choose the squares, targets and others."""
        self._seed = seed
        self._targets, self._auxiliary = self._mixed(self._own), self._mixed(self._other)

    def _mixed(self, squares: Levels) -> Levels:
        order = np.random.default_rng(self._seed).permutation(len(squares))
        return squares[order]


def _apart(found: list[pictures.Picture]) -> tuple[Levels, Levels]:
    """Squares of every other picture, and of the rest: nobody's sky is on both sides."""
    if len(found) < 2:
        raise SystemExit("An audit needs two pictures at least: targets and others.")
    return (
        np.concatenate([squares(each.pixels) for each in found[::2]]),
        np.concatenate([squares(each.pixels) for each in found[1::2]]),
    )


def squares(pixels: pictures.Pixels) -> Levels:
    """All of a picture, made smaller, in squares side by side that do not overlap."""
    height, width = pixels.shape[:2]
    scale = _ROWS * SIDE / min(height, width)
    size = (max(round(width * scale), SIDE), max(round(height * scale), SIDE))
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    rows, columns = (side // SIDE for side in small.shape[:2])
    cut = small[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
    return cut.transpose(0, 2, 1, 3, 4).reshape(-1, SIDE, SIDE, 3)
