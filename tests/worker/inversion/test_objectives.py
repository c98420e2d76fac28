import pytest
import torch

from preimage_worker.inversion.objectives import Target, data_term


def test_the_data_term_is_the_squared_distance_over_the_targets_energy_in_each_lane() -> None:
    target = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    codes = torch.tensor([[3.0, 5.0], [3.0, 0.0]])
    energy = torch.tensor([25.0, 1.0])
    squares, cotangent = data_term(codes, Target(target, None, energy), torch.tensor([1.0, 10.0]))
    torch.testing.assert_close(squares, torch.tensor([1 / 25, 4.0]))
    torch.testing.assert_close(cotangent, torch.tensor([[0.0, 2 / 25], [40.0, 0.0]]))


def test_what_the_mask_leaves_out_is_neither_measured_nor_pulled() -> None:
    target = torch.tensor([[3.0, 4.0, 1.0]])
    mask = torch.tensor([[1.0, 0.0, 0.5]])
    codes = torch.tensor([[5.0, 100.0, 3.0]])
    energy = (mask * target).square().sum(1)
    squares, cotangent = data_term(codes, Target(target, mask, energy), torch.ones(1))
    assert float(squares) == pytest.approx((4 + 1) / 9.25)
    torch.testing.assert_close(cotangent, torch.tensor([[4.0, 0.0, 2 * 2 * 0.25]]) / 9.25)


def test_the_cotangent_is_the_gradient_of_the_weighted_term() -> None:
    generator = torch.Generator().manual_seed(0)
    codes, target, mask = torch.rand(3, 2, 5, 4, 4, generator=generator).unbind()
    energy, weight = (mask * target).square().flatten(1).sum(1), torch.tensor([3.0, 300.0])
    codes.requires_grad_()
    residual = (mask * (codes - target)).square().flatten(1).sum(1)
    (gradient,) = torch.autograd.grad((weight * residual / energy).sum(), codes)
    _, cotangent = data_term(codes.detach(), Target(target, mask, energy), weight)
    torch.testing.assert_close(cotangent, gradient)


def test_codes_in_bfloat16_are_compared_in_float32() -> None:
    target = torch.ones(1, 4)
    energy = torch.tensor([4.0])
    codes = torch.full((1, 4), 1.5, dtype=torch.bfloat16)
    squares, cotangent = data_term(codes, Target(target, None, energy), torch.ones(1))
    assert squares.dtype == cotangent.dtype == torch.float32
    assert float(squares) == 0.25
