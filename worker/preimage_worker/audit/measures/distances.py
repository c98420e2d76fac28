"""Distances between all rows of two sets, in a bounded amount of memory.

All come from scalar products, summed over stretches of elements, so that what is held in float64 is
64 MiB and the table of results, whatever the sets' dtype and the length of a code. Squared
distances are of codes around a common centre, which changes none of them and keeps their digits.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preimage_worker.audit.measures.pictures import Floats

Rows = NDArray[Any]
"""`(n, …)`, real; all axes but the first are one."""

_BYTES_AT_ONCE = 1 << 26
_FLOAT_BYTES = 8
_EQUAL = 1e-13
"""Of the squared norms around the centre: rows closer than this are one row and rounding, which in
single precision is as much."""
_EQUAL_TO_CENTRE = 1e-28
"""The same of the squared norms around 0, where all rows are the centre and rounding."""
_PARALLEL = 1e-14
"""The same of 1 - cos."""


def flat(rows: Rows) -> Rows:
    """`(n, d)`, without a copy where there is a way."""
    return rows.reshape(len(rows), -1)


def stretches(elements: int, rows: int) -> Iterator[slice]:
    """Cuts `elements` so that a stretch of `rows` rows takes at most 64 MiB in float64."""
    step = max(1, _BYTES_AT_ONCE // (_FLOAT_BYTES * max(rows, 1)))
    for start in range(0, elements, step):
        yield slice(start, start + step)


def products(a: Rows, b: Rows, centre_of: Rows | None = None) -> Floats:
    """⟨a_i - c, b_j - c⟩, `(n, m)`.

    Args:
        a: `(n, …)`.
        b: `(m, …)`, rows of the same length.
        centre_of: c is the mean of these rows; None for c = 0.

    Raises:
        ValueError: rows differ in length.
    """
    left, right = _of_one_length(a, b)
    centres = None if centre_of is None else _of_one_length(a, centre_of)[1]
    found = np.zeros((len(left), len(right)))
    for stretch in stretches(left.shape[1], len(left) + len(right)):
        c = 0.0 if centres is None else centres[:, stretch].mean(0, dtype=np.float64)
        found += (left[:, stretch].astype(np.float64) - c) @ (right[:, stretch] - c).T
    return found


def squared_norms(rows: Rows, centre_of: Rows | None = None) -> Floats:
    """‖row - c‖², `(n,)`, c as in `products`."""
    table = flat(rows)
    centres = None if centre_of is None else _of_one_length(rows, centre_of)[1]
    found = np.zeros(len(table))
    for stretch in stretches(table.shape[1], len(table)):
        c = 0.0 if centres is None else centres[:, stretch].mean(0, dtype=np.float64)
        part = table[:, stretch].astype(np.float64) - c
        found += np.einsum("ij,ij->i", part, part)
    return found


def squared(a: Rows, b: Rows) -> Floats:
    """‖a_i - b_j‖², `(n, m)`, right to about 1e-15 of the squared norms around b's mean."""
    norms = squared_norms(a, b)[:, None] + squared_norms(b, b)[None]
    found = norms - 2 * products(a, b, b)
    around_zero = squared_norms(a)[:, None] + squared_norms(b)[None]
    rounding = np.maximum(_EQUAL * norms, _EQUAL_TO_CENTRE * around_zero)
    return np.where(found > rounding, found, 0.0)


def cosine(a: Rows, b: Rows) -> Floats:
    """1 - cos(a_i, b_j), `(n, m)`, 0 to 2; a row of zeros has no direction and is at 1 from all."""
    norms = np.sqrt(squared_norms(a)[:, None] * squared_norms(b)[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = products(a, b) / norms
    found = 1 - np.clip(np.where(norms > 0, cosines, 0.0), -1.0, 1.0)
    return np.where(found > _PARALLEL, found, 0.0)


def median_pairwise(rows: Rows) -> float:
    """The median of ‖row_i - row_j‖ over i < j: how far unrelated codes are apart.

    Raises:
        ValueError: there are fewer than two rows.
    """
    if len(rows) < 2:  # noqa: PLR2004 - a pair
        raise ValueError("distances between codes need two codes at least")
    pairs = squared(rows, rows)[np.triu_indices(len(rows), k=1)]
    return float(np.median(np.sqrt(pairs)))


def relative_noise(released: Rows, clean: Rows, candidates: Rows) -> Floats:
    """‖released_i - clean_i‖ / the median distance between candidates, `(n,)`.

    Below about 1 noise does not reach from one code to the next, and far above it a code of many
    dimensions may still be linked: noise spreads over all of them, a difference need not.

    Raises:
        ValueError: shapes differ, there are fewer than two candidates, or all of them are equal.
    """
    if released.shape != clean.shape:
        raise ValueError(f"released {released.shape} and clean codes {clean.shape} differ in shape")
    spacing = median_pairwise(candidates)
    if spacing == 0:
        raise ValueError("half of the candidates' codes are equal: noise has no measure here")
    noise = [np.linalg.norm(a.astype(np.float64) - b) for a, b in zip(released, clean, strict=True)]
    return np.array(noise) / spacing


def _of_one_length(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    left, right = flat(a), flat(b)
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"rows of {left.shape[1]} and of {right.shape[1]} elements do not compare")
    return left, right
