import numpy as np
import pytest
import torch

from preimage_worker.inversion.errors import PictureTooSmallError
from preimage_worker.inversion.representations.dsift import Dsift, bin5, bin8
from tests.worker.inversion.natural import NAMES, dequantised
from tests.worker.inversion.test_hog import libvlfeat
from tests.worker.inversion.vlfeat_dsift import vl_dsift

VARIANTS = [bin5(), bin8()]
IDS = ["bin5", "bin8"]


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(300, 400), (227, 227), (67, 109), (39, 62)])
@pytest.mark.parametrize(("window", "cosine"), [(None, 0.99), (1.5, 0.999)])
def test_every_descriptor_is_that_of_vl_dsift_but_for_the_window(
    variant: Dsift, name: str, size: tuple[int, int], window: float | None, cosine: float
) -> None:
    picture = dequantised(name)[: size[0], : size[1]]
    mine = variant(torch.from_numpy(picture.copy())[None, None])[0].numpy()
    assert mine.shape == variant.code_shape(*picture.shape)
    theirs = vl_dsift(libvlfeat(), picture, variant.cell, window=window).transpose(2, 0, 1)
    assert mine.shape == theirs.shape
    lengths = np.linalg.norm(mine, axis=0) * np.linalg.norm(theirs, axis=0)
    assert ((mine * theirs).sum(axis=0) >= cosine * lengths).all()
    assert (lengths > 0.3).all()


def test_gradients_are_those_of_finite_differences() -> None:
    generator = torch.Generator().manual_seed(5)
    canvas = 30 * torch.randn(1, 1, 25, 24, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(bin5(), canvas.requires_grad_(), eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
def test_a_flat_picture_has_the_code_and_the_gradient_zero(variant: Dsift) -> None:
    canvas = torch.full((2, 1, 48, 40), 5.0, requires_grad=True)
    code = variant(canvas)
    (gradient,) = torch.autograd.grad(code.sum(), canvas)
    assert code.abs().max() == gradient.abs().max() == 0


def test_gradients_exactly_along_and_between_directions_are_finite() -> None:
    ramp = torch.arange(40, dtype=torch.float32)
    ramps = torch.stack([ramp.expand(40, 40), ramp[:, None].expand(40, 40), ramp + ramp[:, None]])
    canvas = torch.cat((ramps, -ramps))[:, None].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(bin5()(canvas).square().sum(), canvas)
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("ramp", "direction"),
    [((1, 0), 0), ((1, 1), 1), ((0, 1), 2), ((-1, 0), 4), ((-1, -1), 5), ((0, -1), 6)],
)
def test_a_ramp_votes_for_its_own_direction_by_the_window(
    ramp: tuple[int, int], direction: int
) -> None:
    steps = torch.arange(24, dtype=torch.float32)
    across, down = ramp
    cells = bin5()((across * steps + down * steps[:, None])[None, None]).view(4, 4, 8)
    votes = cells[..., direction]
    assert cells.sum() == votes.sum()
    # sqrt(Σ w²) of the window, before the clamp takes the middle cells down.
    assert votes[0, 0] == pytest.approx(votes[3, 3])
    assert votes.max() == pytest.approx(0.2)
    assert votes.min() < 0.2


def test_contrast_and_brightness_do_not_change_the_code() -> None:
    canvas = 30 * torch.randn(1, 1, 40, 40, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(bin8()(canvas), bin8()(0.2 * canvas + 40), rtol=0, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
def test_codes_begin_with_one_descriptor_and_grow_every_three_cells(variant: Dsift) -> None:
    least, step = variant.smallest_side, 3 * variant.cell
    assert variant.stride(least, least) == step
    assert variant.code_shape(least, least + step - 1) == (128, 1, 1)
    assert variant.code_shape(least, least + step) == (128, 1, 2)
    with pytest.raises(PictureTooSmallError, match=f"at least {least} pixels"):
        variant.code_shape(least - 1, 200)
    assert variant(torch.zeros(3, 1, least, least + step)).shape == (3, 128, 1, 2)


def test_autocast_leaves_it_in_float32() -> None:
    canvas = torch.randn(1, 1, 24, 24) * 30
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(bin5()(canvas), bin5()(canvas.float()))
