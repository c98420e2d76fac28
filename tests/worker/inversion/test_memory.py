"""The memory of limited-memory BFGS against the dense matrix that it stands for."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from preimage_worker.inversion.optimisers.memory import (
    PAIRS,
    Pairs,
    Slope,
    add_steps,
    forget,
    inner,
    no_pairs,
    own,
    remember,
)
from preimage_worker.inversion.optimisers.memory import downhill as parts_downhill

Array = npt.NDArray[np.float64]
SIDE = 3
SIZE = SIDE**2


def _quadratic(seed: int) -> Array:
    """A positive definite matrix."""
    square = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    return square @ square.T + np.eye(SIZE)


def _canvas(*vectors: Array) -> torch.Tensor:
    """Vectors as lanes, in double precision."""
    return torch.tensor(np.stack(vectors)).reshape(len(vectors), 1, SIDE, SIDE)


def _dense(steps: list[Array], changes: list[Array], diagonal: Array) -> Array:
    """H of BFGS by its recursion, oldest pair first, from the scaled diagonal."""
    step, change = steps[-1], changes[-1]
    inverse = np.diag(diagonal) * (step @ change) / (change @ (diagonal * change))
    for step, change in zip(steps, changes, strict=True):
        weight = 1 / (step @ change)
        away = np.eye(SIZE) - weight * np.outer(change, step)
        inverse = away.T @ inverse @ away + weight * np.outer(step, step)
    return inverse


def both(slope: torch.Tensor) -> Slope:
    """A slope whose coefficients are its pixels."""
    return Slope(slope, slope)


def downhill(slope: torch.Tensor, pairs: Pairs, inverse: torch.Tensor) -> torch.Tensor:
    """The whole step, in a basis of single pixels."""
    way = parts_downhill(both(slope), pairs, inverse)
    return add_steps(way.coefficients, way.shares, pairs)


def _filled(count: int, seed: int) -> tuple[Pairs, list[Array], list[Array]]:
    """The memory of one lane after so many steps on a quadratic, and these steps."""
    random, matrix = np.random.default_rng(seed), _quadratic(seed)
    pairs = no_pairs(_canvas(np.zeros(SIZE)))
    steps = [random.normal(size=SIZE) for _ in range(count)]
    changes = [matrix @ step for step in steps]
    for step, change in zip(steps, changes, strict=True):
        pairs = remember(pairs, _canvas(step), both(_canvas(change)), torch.tensor([True]))
    return pairs, steps, changes


@pytest.mark.parametrize("count", [1, 2, PAIRS, PAIRS + 3])
def test_the_two_loops_are_the_dense_matrix_of_the_newest_pairs(count: int) -> None:
    pairs, steps, changes = _filled(count, seed=count)
    random = np.random.default_rng(99)
    slope, diagonal = random.normal(size=SIZE), random.uniform(0.5, 2, size=SIZE)
    found = downhill(_canvas(slope), pairs, _canvas(diagonal))
    expected = -_dense(steps[-PAIRS:], changes[-PAIRS:], diagonal) @ slope
    np.testing.assert_allclose(found.numpy().ravel(), expected, rtol=1e-9)


def test_the_newest_pair_holds_exactly() -> None:
    pairs, steps, changes = _filled(4, seed=5)
    found = downhill(_canvas(changes[-1]), pairs, _canvas(np.ones(SIZE)))
    np.testing.assert_allclose(found.numpy().ravel(), -steps[-1], rtol=1e-9)


def test_without_a_pair_the_diagonal_alone_is_taken() -> None:
    slope: Array = np.arange(SIZE, dtype=np.float64) - 4
    diagonal: Array = 0.5 + np.arange(SIZE, dtype=np.float64) / 8
    found = downhill(_canvas(slope), no_pairs(_canvas(slope)), _canvas(diagonal))
    np.testing.assert_array_equal(found.numpy().ravel(), -diagonal * slope)


def test_a_step_along_which_the_gradient_did_not_rise_is_left_out() -> None:
    pairs, _, _ = _filled(2, seed=1)
    step = np.random.default_rng(2).normal(size=SIZE)
    for change in (-step, 0 * step, np.full(SIZE, np.nan)):
        after = remember(own(pairs), _canvas(step), both(_canvas(change)), torch.tensor([True]))
        assert all(map(torch.equal, after, pairs))


def test_a_pair_that_is_not_wanted_is_left_out() -> None:
    pairs, steps, changes = _filled(2, seed=1)
    after = remember(
        own(pairs), _canvas(steps[0]), both(_canvas(changes[0])), torch.tensor([False])
    )
    assert all(map(torch.equal, after, pairs))


def test_lanes_with_few_and_many_pairs_do_not_touch() -> None:
    filled = [_filled(count, seed=count)[0] for count in (0, 1, 3, PAIRS + 2)]
    together = Pairs(*(torch.cat(parts) for parts in zip(*filled, strict=True)))
    random = np.random.default_rng(3)
    slopes = [_canvas(random.normal(size=SIZE)) for _ in filled]
    diagonal = _canvas(random.uniform(0.5, 2, size=SIZE))
    found = downhill(torch.cat(slopes), together, diagonal.expand(4, -1, -1, -1))
    for lane, (pairs, slope) in enumerate(zip(filled, slopes, strict=True)):
        assert torch.equal(found[lane : lane + 1], downhill(slope, pairs, diagonal))


def test_lanes_that_forget_go_on_from_the_diagonal() -> None:
    pairs = Pairs(*(torch.cat((part, part)) for part in _filled(3, seed=4)[0]))
    slope, ones = torch.ones(2, 1, SIDE, SIDE, dtype=torch.float64), torch.ones(2, 1, SIDE, SIDE)
    before = downhill(slope, pairs, ones)
    after = downhill(slope, forget(pairs, torch.tensor([True, False])), ones)
    assert torch.equal(after[0], -slope[0])
    assert torch.equal(after[1], before[1])


@pytest.mark.parametrize("side", [31, 128])
def test_inner_products_have_the_same_bits_whoever_shares_the_batch_and_the_threads(
    side: int,
) -> None:
    generator, before = torch.Generator().manual_seed(0), torch.get_num_threads()
    first, second = (torch.randn(16, 3, side, side, generator=generator) for _ in range(2))
    try:
        torch.set_num_threads(2)
        together = inner(first, second)
        for lanes in (slice(0, 1), slice(3, 5), slice(9, 16)):
            assert torch.equal(inner(first[lanes], second[lanes]), together[lanes])
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("side", [31, 128])
def test_the_way_downhill_has_the_same_bits_whoever_shares_the_batch_and_the_threads(
    side: int,
) -> None:
    generator, before = torch.Generator().manual_seed(0), torch.get_num_threads()
    pairs, slope = no_pairs(torch.zeros(6, 3, side, side)), torch.zeros(6, 3, side, side)
    for _ in range(PAIRS + 1):
        step, slope = (torch.randn(slope.shape, generator=generator) for _ in range(2))
        pairs = remember(pairs, step, both(step + slope / 9), torch.ones(6, dtype=torch.bool))
    diagonal = torch.rand(6, 1, side, side, generator=generator)
    try:
        torch.set_num_threads(2)
        together = downhill(slope, pairs, diagonal)
        for some in (slice(0, 1), slice(1, 3), slice(3, 6)):
            alone = downhill(slope[some], Pairs(*(part[some] for part in pairs)), diagonal[some])
            assert torch.equal(alone, together[some])
    finally:
        torch.set_num_threads(before)


def test_it_says_how_steep_the_step_is() -> None:
    pairs, _, _ = _filled(PAIRS + 1, seed=7)
    slope = _canvas(np.random.default_rng(8).normal(size=SIZE))
    way = parts_downhill(both(slope), pairs, torch.ones_like(slope))
    step = add_steps(way.coefficients, way.shares, pairs)
    torch.testing.assert_close(way.incline, inner(slope, step))
    assert (way.incline < 0).all()


def test_the_basis_of_the_diagonal_changes_nothing_else() -> None:
    """Coefficients in any orthonormal basis, here turned ones, lead to the same step."""
    random = np.random.default_rng(4)
    turn = torch.tensor(np.linalg.qr(random.normal(size=(SIZE, SIZE)))[0])
    diagonal = _canvas(random.uniform(0.5, 2, size=SIZE))

    def coefficients(canvas: torch.Tensor) -> torch.Tensor:
        return (turn @ canvas.reshape(SIZE, 1)).reshape(canvas.shape)

    matrix, pairs = _quadratic(3), no_pairs(_canvas(np.zeros(SIZE)))
    steps = [random.normal(size=SIZE) for _ in range(PAIRS + 2)]
    for step in steps:
        change = _canvas(matrix @ step)
        twice = Slope(change, coefficients(change))
        pairs = remember(pairs, _canvas(step), twice, torch.tensor([True]))
    slope = _canvas(random.normal(size=SIZE))
    way = parts_downhill(Slope(slope, coefficients(slope)), pairs, diagonal)
    back = (turn.T @ way.coefficients.reshape(SIZE, 1)).reshape(slope.shape)
    found = add_steps(back, way.shares, pairs).numpy().ravel()

    dense = (turn.T @ torch.diag(diagonal.ravel()) @ turn).numpy()
    newest, raised = steps[-1], matrix @ steps[-1]
    inverse = dense * (newest @ raised) / (raised @ dense @ raised)
    for step in steps[-PAIRS:]:
        rise = matrix @ step
        away = np.eye(SIZE) - np.outer(rise, step) / (step @ rise)
        inverse = away.T @ inverse @ away + np.outer(step, step) / (step @ rise)
    np.testing.assert_allclose(found, -inverse @ slope.numpy().ravel(), rtol=1e-9)
