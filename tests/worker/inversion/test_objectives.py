import pytest
import torch

from preimage_worker.inversion.objectives import Bounds, Target, data_term
from preimage_worker.inversion.settings import Loss


def test_the_data_term_is_the_squared_distance_over_the_targets_energy_in_each_lane() -> None:
    target = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    codes = torch.tensor([[3.0, 5.0], [3.0, 0.0]])
    energy = torch.tensor([25.0, 1.0])
    squares, cotangent, errors = data_term(
        codes, Target(target, None, energy), torch.tensor([1.0, 10.0])
    )
    torch.testing.assert_close(errors, torch.tensor([1 / 5, 2.0]))
    torch.testing.assert_close(squares, torch.tensor([1 / 25, 4.0]))
    torch.testing.assert_close(cotangent, torch.tensor([[0.0, 2 / 25], [40.0, 0.0]]))


def test_what_the_mask_leaves_out_is_neither_measured_nor_pulled() -> None:
    target = torch.tensor([[3.0, 4.0, 1.0]])
    mask = torch.tensor([[1.0, 0.0, 0.5]])
    codes = torch.tensor([[5.0, 100.0, 3.0]])
    energy = (mask * target).square().sum(1)
    squares, cotangent, _ = data_term(codes, Target(target, mask, energy), torch.ones(1))
    assert float(squares) == pytest.approx((4 + 1) / 9.25)
    torch.testing.assert_close(cotangent, torch.tensor([[4.0, 0.0, 2 * 2 * 0.25]]) / 9.25)


def _plain(loss: Loss, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """The losses written straight down, of masked codes of one lane."""
    if loss is Loss.SQUARED:
        return (ours - theirs).square().sum() / theirs.square().sum()
    if loss is Loss.COSINE:
        return 1 - torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0)
    return -(ours * theirs).sum() / theirs.square().sum()


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("loss", Loss)
def test_value_and_cotangent_are_those_of_the_loss_written_straight_down(
    loss: Loss,
    masked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    generator = torch.Generator().manual_seed(0)
    codes, target, mask = (torch.rand(3, 2, 5, 4, 4, generator=generator) - 0.4).unbind()
    mask = mask.abs() if masked else torch.ones_like(mask)
    energy, weight = (mask * target).square().flatten(1).sum(1), torch.tensor([3.0, 300.0])
    codes.requires_grad_()
    values = torch.stack([_plain(loss, *lane) for lane in zip(mask * codes, mask * target)])  # noqa: B905 - lanes of one batch
    (gradient,) = torch.autograd.grad((weight * values).sum(), codes)
    before = target.clone()
    term = data_term(codes.detach(), Target(target, mask if masked else None, energy), weight, loss)
    torch.testing.assert_close(term.value, values.detach())
    torch.testing.assert_close(term.cotangent, gradient)
    assert torch.equal(target, before)


def test_what_a_cosine_achieves_is_the_relative_error_and_of_an_inner_product_the_activation() -> (
    None
):
    target, codes = torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0]])
    held, weight = Target(target, None, torch.tensor([25.0])), torch.ones(1)
    cosine, inner = (data_term(codes, held, weight, each) for each in (Loss.COSINE, Loss.INNER))
    assert float(cosine.value) == pytest.approx(0, abs=1e-6)
    assert float(cosine.achieved) == pytest.approx(1)
    assert float(inner.achieved) == pytest.approx(2)


def test_a_code_of_nothing_has_a_cosine_and_a_finite_cotangent() -> None:
    held = Target(torch.ones(1, 4), None, torch.tensor([4.0]))
    term = data_term(torch.zeros(1, 4), held, torch.ones(1), Loss.COSINE)
    assert float(term.value) == 1
    assert term.cotangent.isfinite().all()
    assert (term.cotangent < 0).all()


def test_the_mahalanobis_distance_is_the_squared_loss_with_one_over_the_deviation_as_mask() -> None:
    target, codes = torch.tensor([[3.0, 4.0]]), torch.tensor([[5.0, 5.0]])
    variance = torch.tensor([[4.0, 0.25]])
    mask = variance.rsqrt()
    held = Target(target, mask, (mask * target).square().sum(1))
    term = data_term(codes, held, torch.ones(1))
    assert float(term.value) == pytest.approx((4 / 4 + 1 / 0.25) / (9 / 4 + 16 / 0.25))


def test_codes_in_bfloat16_are_compared_in_float32() -> None:
    target = torch.ones(1, 4)
    energy = torch.tensor([4.0])
    codes = torch.full((1, 4), 1.5, dtype=torch.bfloat16)
    squares, cotangent, _ = data_term(codes, Target(target, None, energy), torch.ones(1))
    assert squares.dtype == cotangent.dtype == torch.float32
    assert float(squares) == 0.25


@pytest.mark.parametrize("masked", [True, False])
def test_bounds_that_leave_no_choice_give_the_bits_of_the_squared_loss(
    masked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    generator = torch.Generator().manual_seed(0)
    codes, target, mask = torch.randn(3, 2, 5, 4, 4, generator=generator).unbind()
    energy, weight = target.square().flatten(1).sum(1), torch.tensor([3.0, 300.0])
    exact = Target(target, mask.abs() if masked else None, energy)
    bounded = exact._replace(bounds=Bounds(target, target))
    for one, other in zip(
        data_term(codes, exact, weight), data_term(codes, bounded, weight), strict=True
    ):
        assert torch.equal(one, other)


def test_what_lies_within_its_bounds_is_right_and_the_rest_is_pulled_to_the_nearer_one() -> None:
    low, high = torch.tensor([[0.0, -1.0, -torch.inf]]), torch.tensor([[torch.inf, 1.0, 0.0]])
    held = Target(torch.ones(1, 3), None, torch.tensor([4.0]), Bounds(low, high))
    inside = data_term(torch.tensor([[7.0, 0.5, -9.0]]), held, torch.ones(1))
    assert float(inside.value) == float(inside.achieved) == 0
    assert not inside.cotangent.any()
    outside = data_term(torch.tensor([[-2.0, 3.0, 1.0]]), held, torch.tensor([10.0]))
    assert float(outside.value) == pytest.approx((4 + 4 + 1) / 4)
    torch.testing.assert_close(outside.cotangent, torch.tensor([[-4.0, 4.0, 2.0]]) * 10 / 4)


def test_a_code_that_is_no_number_has_no_distance_to_its_bounds_either() -> None:
    held = Target(
        torch.ones(1, 1), None, torch.ones(1), Bounds(torch.zeros(1, 1), torch.ones(1, 1))
    )
    assert data_term(torch.full((1, 1), torch.nan), held, torch.ones(1)).value.isnan()


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_a_million_squares_are_summed_without_losing_the_last_ones(
    order: torch.memory_format,
) -> None:
    noise = torch.randn(2, 96, 111, 111, generator=torch.Generator().manual_seed(0))
    codes = noise.contiguous(memory_format=order)
    held = Target(torch.zeros_like(codes), None, torch.ones(2))
    expected = noise.double().square().flatten(1).sum(1)
    found = data_term(codes, held, torch.ones(2)).value.double()
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
