"""A representation behind a defence is a representation."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from preimage_worker.inversion.defences.defended import Defended
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.errors import ShapeMismatchError
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.hog import hog
from preimage_worker.inversion.representations.network import NetworkRepresentation
from tests.worker.inversion.small import SIDE, batch_of, picture, run_to_end

WORDS = [
    *("pool:k=2", "topk:fraction=0.2", "pca:components=6+quantise:bits=4", "normalise"),
    *("gaussian:rel_rms=0.5", "topk:fraction=0.3+pool:k=2", "clip:rel_norm=0.5+sign"),
]


def codes(representation: Representation, first: int, last: int) -> Tensor:
    channels = representation.channels
    pictures = [picture(seed, channels=channels) for seed in range(first, last)]
    with torch.no_grad():
        return torch.cat([representation(each[None]) for each in pictures])


def fitted(representation: Representation, text: str) -> Fitted:
    (chain,) = parse(text)
    return chain.fit(codes(representation, 10, 20))


def attacks(
    representation: Representation, text: str, number: int = 2
) -> tuple[Defended, list[Problem]]:
    """The problems of an attacker who knows the defence, of the first pictures."""
    defence = fitted(representation, text)
    defended = Defended(representation, defence)
    released = defence.release(codes(representation, 0, number), 1, range(number))
    settings = resolve("auto", defended, SIDE, SIDE, Overrides(steps=30))
    readings = [defence.read(each[None]) for each in released]
    return defended, [
        Problem(reading.target, SIDE, SIDE, settings, seed=seed, bounds=reading.bounds)
        for seed, reading in enumerate(readings)
    ]


@pytest.mark.parametrize("text", WORDS)
def test_it_runs_like_any_other_and_a_lane_has_the_bits_that_it_has_alone(
    shallow: NetworkRepresentation, text: str
) -> None:
    defended, problems = attacks(shallow, text)
    start = batch_of(defended, *problems)
    together, _ = run_to_end(start)
    alone, _ = run_to_end(batch_of(defended, problems[1]))
    assert torch.equal(together.pictures([1]), alone.pictures([0]))
    assert together.measure([1]) == alone.measure([0])
    assert together.measure([1])[0].relative_error < start.measure([1])[0].relative_error


@pytest.mark.parametrize("text", WORDS)
def test_a_lane_resumes_with_the_same_bits(shallow: NetworkRepresentation, text: str) -> None:
    defended, problems = attacks(shallow, text, 1)
    batch, _ = batch_of(defended, *problems).run(13)
    resumed, _ = run_to_end(batch.leave([0]).restore(problems[0], batch.snapshot(0)))
    assert torch.equal(run_to_end(batch)[0].pictures([0]), resumed.pictures([0]))


@pytest.mark.parametrize("text", WORDS)
def test_its_codes_are_those_of_the_representation_behind_the_defence(
    shallow: NetworkRepresentation, text: str
) -> None:
    defence = fitted(shallow, text)
    defended = Defended(shallow, defence)
    canvas = picture()[None].requires_grad_()
    code, leak = defended(canvas), torch.full((1,), 0.3)
    assert code.shape[1:] == defended.code_shape(SIDE, SIDE)
    assert torch.equal(code, defence.smooth(shallow(canvas)))
    assert torch.equal(code, defended.relaxed(canvas, leak))
    (exact,) = torch.autograd.grad(code.square().sum(), canvas)
    assert exact.abs().max() > 0


def test_it_looks_as_deep_as_what_it_defends(deep: NetworkRepresentation) -> None:
    defended = Defended(deep, fitted(deep, "pca:components=4"))
    for name in ("model", "layer", "channels", "mean", "rectifiers", "leak"):
        assert getattr(defended, name) == getattr(deep, name)
    assert defended.stride(SIDE, SIDE) == deep.stride(SIDE, SIDE)


def test_formulas_can_be_defended_too() -> None:
    defended, problems = attacks(hog(), "topk:fraction=0.5", 1)
    batch, _ = run_to_end(batch_of(defended, *problems))
    assert batch.measure([0])[0].relative_error < 0.3


def test_a_picture_size_that_the_defence_was_not_fitted_to_is_refused(
    shallow: NetworkRepresentation,
) -> None:
    defended, (posed,) = attacks(shallow, "pool:k=2", 1)
    with pytest.raises(ShapeMismatchError, match=r"fitted to codes of the shape \(8, 10, 10\)"):
        defended.code_shape(SIDE + 8, SIDE)
    with pytest.raises(ShapeMismatchError, match="The target has the shape"):
        batch_of(defended, replace(posed, target=torch.ones(8, 10, 10), bounds=None))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no CUDA device.")
@pytest.mark.parametrize(
    "text", [*WORDS, "projection:dimensions=9,keyed=true", "laplace:rel_rms=1"]
)
def test_a_gpu_releases_and_reads_what_a_cpu_does(
    shallow: NetworkRepresentation, text: str
) -> None:
    here, fresh = fitted(shallow, text), codes(shallow, 0, 2)
    expected = here.release(fresh, 1, range(2))
    (chain,) = parse(text)
    for there in (here.to("cuda"), chain.fit(codes(shallow, 10, 20).cuda())):
        found = there.release(fresh.cuda(), 1, range(2))
        if not any(word in text for word in ("topk", "sign", "pca")):  # choices, and signs of axes
            torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)
        assert there.guessed().lift(found).shape == fresh.shape
        assert there.read(found).target.is_cuda
