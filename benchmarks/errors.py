"""Errors of pre-images under the conventions of Mahendran & Vedaldi 2015."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch

from benchmarks.canvases import encode
from benchmarks.inverting import Inverted, invert_all
from benchmarks.pictures import Picture
from preimage_worker.inversion.distances import pairwise_distances
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.reference.sets import Spread, summarise

SEED = 0


@final
@dataclass(frozen=True)
class Setting:
    """How pictures are inverted."""

    preset: str
    total_variation_weight: float | None = None
    """λ_V; None for the preset's own."""


@final
@dataclass(frozen=True)
class Cell:
    """One picture inverted; errors in per cent."""

    layer: str
    preset: str
    total_variation_weight: float | None
    picture: str
    paper: float
    paper_8_bits: float
    released: float
    own_norm: float
    psnr_db: float
    passes: int
    seconds: float


def measure(
    phi: Representation,
    pictures: Sequence[Picture],
    spread: Spread,
    setting: Setting,
    device: torch.device,
) -> Iterator[tuple[Cell, Inverted]]:
    """Inverts pictures of one size: one after the other on a CPU, else as one batch."""
    size = 1 if device.type == "cpu" else len(pictures)
    overrides = Overrides(total_variation_weight=setting.total_variation_weight)
    for start in range(0, len(pictures), size):
        some = pictures[start : start + size]
        pixels = [picture.pixels for picture in some]
        found = invert_all(phi, pixels, setting.preset, device, seed=SEED, overrides=overrides)
        for picture, one in zip(some, found, strict=True):
            norm = float(encode(phi, picture.pixels, device).double().norm())
            distance = one.relative_error * norm
            cell = Cell(
                layer=phi.layer,
                preset=setting.preset,
                total_variation_weight=setting.total_variation_weight,
                picture=picture.name,
                paper=100 * distance / spread.mean_distance,
                paper_8_bits=100 * one.relative_error_delivered * norm / spread.mean_distance,
                released=100 * distance**2 / spread.mean_squared_distance,
                own_norm=100 * one.relative_error,
                psnr_db=one.psnr_db,
                passes=one.passes,
                seconds=round(one.seconds, 2),
            )
            yield cell, one


def distances(phi: Representation, pictures: Sequence[Picture], device: torch.device) -> Spread:
    """N and N² of a layer."""
    codes = torch.stack([encode(phi, picture.pixels, device) for picture in pictures])
    return summarise(pairwise_distances(codes).numpy())


def summary(cells: Sequence[Cell]) -> dict[str, object]:
    """One row of a table: all pictures of a layer and a setting."""
    return {
        "pictures": len(cells),
        "paper": _deviating([cell.paper for cell in cells]),
        "8 bits": _deviating([cell.paper_8_bits for cell in cells]),
        "released": _deviating([cell.released for cell in cells]),
        "own norm": _deviating([cell.own_norm for cell in cells]),
        "PSNR dB": round(statistics.median(cell.psnr_db for cell in cells), 1),
        "passes": round(statistics.median(cell.passes for cell in cells)),
        "seconds": round(statistics.median(cell.seconds for cell in cells), 1),
    }


def _deviating(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):.2f} ± {deviation:.1f}"
