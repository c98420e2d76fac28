"""A1: the ridge decoder, a linear map from codes to pictures, learnt on auxiliary pictures.

With the codes' mean and the pictures' mean taken off, Y ≈ K (K + λI)⁻¹ Y where K = X Xᵀ: the dual
form (Saunders et al. 1998), an n × n problem for codes of any length. λ is the one with the least
leave-one-out error, which needs no refitting: the residual of picture i, left out, is its residual
over 1 - H_ii, H the matrix that makes fits of pictures (Allen 1974; Golub, Heath & Wahba 1979).
Of the residuals only their norms are needed, and these come from the Gram matrix of the pictures.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.measures import distances, pictures
from preimage_worker.audit.measures.distances import Rows, flat
from preimage_worker.audit.measures.pictures import Floats, Reals

RELATIVE_STRENGTHS: tuple[float, ...] = tuple(10 ** (k / 2) for k in range(-12, 9))
"""λ relative to the mean eigenvalue of K: 1e-6 to 1e4, two a decade."""


@final
@dataclass(frozen=True, eq=False)
class Decoder:
    """A fitted decoder; it holds the auxiliary codes and pictures that it was learnt on."""

    codes: Rows
    """`(n, …)`, of the auxiliary pictures, under the defence."""
    pictures: Reals
    """`(n, height, width, channels)`."""
    inverse: Floats
    """(K + λI)⁻¹, `(n, n)`."""
    strength: float
    """λ, relative to the mean eigenvalue of K."""
    errors: tuple[float, ...]
    """Leave-one-out mean squared error for each strength of the grid."""

    def decode(self, codes: Rows) -> Floats:
        """Pictures from 0 to 1 of codes `(m, …)` under the same defence."""
        weights = distances.products(codes, self.codes, self.codes) @ self.inverse
        table = flat(self.pictures)
        found = np.empty((len(codes), table.shape[1]))
        for stretch in distances.stretches(table.shape[1], len(table) + len(codes)):
            part = table[:, stretch].astype(np.float64)
            mean = part.mean(0)
            found[:, stretch] = mean + weights @ (part - mean)
        return np.clip(found, 0.0, 1.0).reshape(len(codes), *self.pictures.shape[1:])


def fit(
    codes: Rows, auxiliary: Reals, strengths: tuple[float, ...] = RELATIVE_STRENGTHS
) -> Decoder:
    """Learns a decoder, with the strength of the grid that has the least leave-one-out error.

    Args:
        codes: `(n, …)`, of the auxiliary pictures, as the defence releases them.
        auxiliary: `(n, height, width, channels)`, 0 to 1.
        strengths: λ relative to the mean eigenvalue of K, all above 0.

    Raises:
        ValueError: there is not one code a picture, there are fewer than two, or a picture or a
            strength is outside its range.
    """
    pictures.check(auxiliary, "auxiliary pictures")
    if len(codes) != len(auxiliary) or len(codes) < 2:  # noqa: PLR2004 - to leave one out
        raise ValueError(f"{len(codes)} codes of {len(auxiliary)} pictures: two or more, as many")
    if not strengths or min(strengths) <= 0:
        raise ValueError("ridge strengths are above 0, at least one")
    values, vectors = np.linalg.eigh(distances.products(codes, codes, codes))
    values = np.maximum(values, 0.0)
    scale = float(values.mean()) or 1.0
    targets = distances.products(auxiliary, auxiliary, auxiliary)
    elements = auxiliary[0].size
    errors = [left_out(values, vectors, targets, s * scale).mean() / elements for s in strengths]
    strength = strengths[int(np.argmin(errors))]
    inverse = (vectors / (values + strength * scale)) @ vectors.T
    return Decoder(codes, auxiliary, inverse, strength, tuple(float(error) for error in errors))


def left_out(values: Floats, vectors: Floats, targets: Floats, strength: float) -> Floats:
    """‖residual‖² of each picture under the decoder learnt on all others, `(n,)`.

    Args:
        values: eigenvalues of the Gram matrix K of centred codes, `(n,)`.
        vectors: its eigenvectors, in columns.
        targets: Gram matrix of the centred pictures, `(n, n)`.
        strength: λ, absolute.
    """
    n = len(values)
    smoother = (vectors * (values / (values + strength))) @ vectors.T
    remaining = np.eye(n) - smoother
    squares = np.einsum("ij,jk,ik->i", remaining, targets, remaining, optimize=True)
    leverage = np.diag(smoother) + 1 / n
    return np.asarray(np.maximum(squares, 0.0) / np.square(1 - leverage))
