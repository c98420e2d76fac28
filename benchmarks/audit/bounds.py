"""Bounds on every attacker's error, against what is known exactly."""

import argparse
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from benchmarks.audit.claims import Claim, Line, Part
from benchmarks.audit.material import LAYERS, Material
from preimage_worker.audit.material import codes
from preimage_worker.audit.promises import promises
from preimage_worker.audit.records import Bounds
from preimage_worker.audit.releases import release
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.fisher import error_bounds, information

_SIDE, _CODES, _GAIN, _PICTURES, _PROBES = 6, 200, 0.7, 20_000, 64
_ELEMENTS = 3 * _SIDE * _SIDE


@final
@dataclass(frozen=True, eq=False)
class Linear:
    """The encoder x -> A x whose columns are orthogonal and of the length `_GAIN`."""

    matrix: Tensor
    model: str = "linear"
    layer: str = "linear"
    channels: int = 3
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)

    def stride(self, height: int, width: int) -> float:
        """Sees every pixel."""
        del height, width
        return 1.0

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """A vector."""
        del height, width
        return (len(self.matrix),)

    def __call__(self, canvas: Tensor) -> Tensor:
        """`(lanes, elements)`."""
        return canvas.flatten(1) @ self.matrix.T


def measure(material: Material, options: argparse.Namespace) -> Part:
    """The part."""
    lines, claims = [], list[Claim]()
    for sigma, variance in ((0.5, 4.0), (2.0, 4.0), (7.0, 9.0)):
        line, claim = linear(sigma, variance, options.seed)
        lines.append(line)
        claims.append(claim)
    for name in ("fc", "pool"):
        line, claim = _probed(material, name)
        lines.append(line)
        claims.append(claim)
    return Part(lines, [*claims, *_of_defences(material)])


def linear(sigma: float, variance: float, seed: int, gain: float = 1.0) -> tuple[Line, Claim]:
    """Least squares and the Bayes estimator on many drawn pictures, beside their bounds.

    Args:
        sigma: of the noise.
        variance: of the pictures' elements.
        seed: of everything.
        gain: of the encoder that is simulated, over that of the one that is measured.
    """
    generator = torch.Generator().manual_seed(seed)
    basis = torch.randn(_CODES, _ELEMENTS, generator=generator, dtype=torch.float64)
    encoder = Linear(_GAIN * torch.linalg.qr(basis).Q.float())
    canvases = torch.randn(32, 3, _SIDE, _SIDE, generator=generator)
    traces = information(encoder, canvases, sigma**-2, probes=_PROBES, seed=seed)
    bounds = error_bounds(traces, torch.full((3, _SIDE, _SIDE), variance))
    pictures = variance**0.5 * torch.randn(_PICTURES, _ELEMENTS, generator=generator)
    noise = sigma * torch.randn(_PICTURES, _CODES, generator=generator)
    least_squares = (gain * encoder(pictures) + noise) @ encoder.matrix / _GAIN**2
    bayes = least_squares * variance / (variance + (sigma / _GAIN) ** 2)
    squares, best = (float((each - pictures).square().mean()) for each in (least_squares, bayes))
    off = (squares / bounds.unbiased - 1, best / bounds.van_trees - 1)
    return (
        {
            "case": f"linear, noise {sigma:g}, variance {variance:g}",
            "bound": f"{bounds.unbiased:.4f}, {bounds.van_trees:.4f}",
            "found": f"{squares:.4f}, {best:.4f}",
            "off by": f"{off[0]:+.2%}, {off[1]:+.2%}",
        },
        Claim(
            f"noise {sigma:g}: least squares within 2 % of 1/dFIL, Bayes of van Trees",
            all(abs(each) <= 0.02 for each in off),
            f"{off[0]:+.2%}, {off[1]:+.2%}",
        ),
    )


def _probed(material: Material, name: str) -> tuple[Line, Claim]:
    """64 probes beside the whole Jacobian, of four pictures."""
    of_layer = codes(material.plan(4, (name,)), LAYERS[name])
    exact = [
        _squared_jacobian(of_layer.representation, canvas[None]) for canvas in of_layer.canvases
    ]
    found = information(of_layer.representation, of_layer.canvases, 1.0, probes=_PROBES).tolist()
    off = [a / b - 1 for a, b in zip(found, exact, strict=True)]
    return (
        {
            "case": f"{name}, Tr JJ' of 4 pictures",
            "bound": ", ".join(f"{each:.4g}" for each in exact),
            "found": ", ".join(f"{each:.4g}" for each in found),
            "off by": ", ".join(f"{each:+.1%}" for each in off),
        },
        Claim(
            f"{name}: {_PROBES} probes within 10 % of the whole Jacobian, in the mean",
            abs(sum(found) / sum(exact) - 1) <= 0.1,
            f"{sum(found) / sum(exact) - 1:+.1%}",
        ),
    )


def _squared_jacobian(representation: object, canvas: Tensor) -> float:
    jacobian = torch.autograd.functional.jacobian(representation, canvas)  # type: ignore[no-untyped-call]
    return float(jacobian.square().sum())


def _of_defences(material: Material) -> list[Claim]:
    """What a report says of defences without noise, and of a strong one."""
    plan = material.plan(4, ("layer1",))
    of_layer = codes(plan, LAYERS["layer1"])
    found = {}
    for text in ("none", "quantise:bits=4", "pool:k=2", "gaussian:rel_rms=10"):
        (chain,) = parse(text)
        found[text], _ = promises(plan, of_layer, release(plan, of_layer, chain))
    strong = found.pop("gaussian:rel_rms=10")
    return [
        Claim(
            "deterministic defences have no bound",
            not any(isinstance(each, Bounds) for each in found.values()),
            ", ".join(found),
        ),
        Claim(
            "at noise of 10 times the RMS the unbiased bound is not informative",
            isinstance(strong, Bounds) and not strong.informative,
            f"1/dFIL {strong.unbiased_mse:.3g}, mean picture {strong.mean_picture_mse:.3g}"
            if isinstance(strong, Bounds) and strong.unbiased_mse is not None
            else "",
        ),
    ]
