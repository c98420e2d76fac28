"""How exactly a picture can be told from its noisy code at best, whoever tries.

Of r = Φ(x) + n with independent noise, the Fisher information about the picture's d elements is
I(x) = ι JᵀJ, where J is Φ's Jacobian and ι the information of one element: 1/σ² for Gaussian noise
of standard deviation σ. Two bounds on the mean squared error of an element follow from its trace.

*Unbiased attackers* (Cramér-Rao): Tr I⁻¹ / d ≥ d / Tr I = 1/dFIL, with dFIL = Tr I / d: the
diagonal Fisher information leakage of Hannun, Guo & van der Maaten (2021), used for this by Guo et
al. (2022) and Maeng et al. (2023). An attacker that knows what pictures are like is biased, and may
be better: the constant mean picture often is. Then the bound says nothing: it is not `informative`.

*Attackers with a prior* (van Trees; Gill & Levit 1995): if pictures are drawn with element i normal
around a mean with variance v_i, independently, then for every attacker
E‖x̂ − x‖² ≥ Tr (E I + diag(1/v))⁻¹ ≥ Σ_i 1/(t_i + 1/v_i), where t is the diagonal of E I. Only its
sum T = E Tr I is measured, so the t ≥ 0 of that sum is taken that makes the bound lowest, which
fills the least certain elements first:

    bound = (1/d) Σ_i min(D, v_i),   with D such that Σ_i max(0, 1/D − 1/v_i) = T.

Without information it is what the mean picture has, mean(v). It holds for this prior: an attacker
that knows more of pictures than each element's mean and variance can be better still.

Errors are per element of the canvas, in squared grey levels: divide by 255² for pictures of 0…1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.precision import Precision, computing
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import require

_STREAM = 0x464953484552  # keeps these draws apart from others' counters


class ErrorBounds(NamedTuple):
    """Lower bounds on the mean squared error of an element, squared grey levels."""

    dfil: Tensor
    """Of each picture, `(pictures,)`, float64: information per element, inverse squared levels."""
    unbiased: float
    """Of attackers without a prior: 1/dFIL, mean over the pictures."""
    van_trees: float
    """Of attackers with the normal prior."""
    mean_picture: float
    """What the prior's mean has, without looking at any code."""
    informative: bool
    """Whether the unbiased bound is below that; if not, it says nothing."""


def information(
    representation: Representation,
    canvases: Tensor,
    per_element: float,
    *,
    probes: int = 16,
    seed: int = 0,
) -> Tensor:
    """Tr I(x) of each canvas, `(canvases,)`, float64, by random vector-Jacobian products.

    ι E‖Jᵀs‖² over random signs s (Hutchinson 1990). Signs are decided by seed, picture and probe.

    Args:
        representation: Φ; a smooth function of the canvas, or the bounds do not hold.
        canvases: `(n, channels, height, width)`, on the representation's device.
        per_element: ι, inverse squared units of the code.
        probes: random vectors for each canvas.
        seed: of the signs.

    Raises:
        SettingError: no probe, or an information that is not positive.
    """
    require("the number of probes", probes, 1, 1_000_000)
    require("the information of an element", per_element, 1e-300)
    with computing(Precision.FP32, canvases.device):
        traces = [
            _squared_jacobian(representation, canvas, [hash64(seed, i, k) for k in range(probes)])
            for i, canvas in enumerate(canvases)
        ]
    return per_element * torch.tensor(traces, dtype=torch.float64)


def _squared_jacobian(
    representation: Representation, canvas: Tensor, counters: Sequence[int]
) -> float:
    """Tr JᵀJ."""
    canvas, found = canvas[None].detach().requires_grad_(), 0.0
    with torch.enable_grad():
        code = representation(canvas)
    for number in counters:
        generator = torch.Generator().manual_seed(hash64(number, _STREAM) >> 1)
        signs = 2 * torch.randint(0, 2, code.shape, generator=generator) - 1
        (pull,) = torch.autograd.grad(code, canvas, signs.to(code), retain_graph=True)
        found += float(pull.double().square().sum())
    return found / len(counters)


def error_bounds(traces: Tensor, variance: Tensor) -> ErrorBounds:
    """The bounds that follow from Tr I.

    Args:
        traces: of all pictures, from `information`; times k where k releases are averaged.
        variance: v of the prior, of every element of the canvas, in squared grey levels: those of
            auxiliary pictures.
    """
    elements = variance.numel()
    dfil = traces.double() / elements
    unbiased = float((1 / dfil).mean())
    mean_picture = float(variance.double().mean())
    return ErrorBounds(
        dfil=dfil,
        unbiased=unbiased,
        van_trees=van_trees(float(traces.double().mean()), variance),
        mean_picture=mean_picture,
        informative=unbiased < mean_picture,
    )


def van_trees(trace: float, variance: Tensor) -> float:
    """(1/d) Σ min(D, v_i) for T = `trace`; see the top of this module."""
    v = variance.double().flatten().cpu()
    known = v[v > 0].sort(descending=True).values
    precisions = (1 / known).cumsum(0)
    counts = torch.arange(1, len(known) + 1, dtype=torch.float64)
    # With the m most uncertain elements filled up to 1/D: m/D - Σ 1/v = T.
    levels = counts / (trace + precisions)
    following = torch.cat((known[1:], known.new_zeros(1)))
    right = (levels >= following).nonzero()
    if not len(right):
        return 0.0
    level = levels[right[0, 0]]
    return float(v.clamp(max=float(level)).sum() / v.numel())
