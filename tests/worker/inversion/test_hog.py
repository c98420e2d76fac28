import os
from ctypes import CDLL

import numpy as np
import numpy.typing as npt
import pytest
import torch

from preimage_worker.inversion.errors import PictureTooSmallError
from preimage_worker.inversion.representations.hog import Hog, hog, hogb
from tests.worker.inversion import vlfeat
from tests.worker.inversion.make_hog_figures import figures_of
from tests.worker.inversion.natural import NAMES, dequantised

VARIANTS = [hog(), hogb()]


def _code(variant: Hog, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    code = variant(torch.from_numpy(picture.copy())[None, None])[0].numpy()
    assert code.shape == variant.code_shape(*picture.shape)
    return code


def _agree(variant: Hog, mine: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> None:
    assert mine.shape == theirs.shape
    if variant.bilinear:
        # vl_hog takes the arc cosine in single precision, which is what sets this limit.
        assert np.linalg.norm(mine - theirs) <= 5e-5 * np.linalg.norm(theirs)
    else:
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS, ids=["hog", "hogb"])
@pytest.mark.parametrize("name", NAMES)
def test_codes_are_the_stored_figures_of_vl_hog(variant: Hog, name: str) -> None:
    with np.load(figures_of(name)) as figures:
        picture, expected = figures["picture"], figures[variant.model]
    _agree(variant, _code(variant, picture), expected)


def libvlfeat() -> CDLL:
    library = vlfeat.load()
    if library is not None:
        return library
    reason = "libvlfeat is not installed; Debian has it in libvlfeat-dev."
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("variant", VARIANTS, ids=["hog", "hogb"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(227, 227), (300, 451), (67, 109), (23, 20), (16, 17)])
def test_codes_are_those_of_vl_hog(variant: Hog, name: str, size: tuple[int, int]) -> None:
    library = libvlfeat()
    picture = dequantised(name)[: size[0], : size[1]]
    expected = vlfeat.vl_hog(library, picture, bilinear=variant.bilinear)
    _agree(variant, _code(variant, picture), expected)


@pytest.mark.parametrize("variant", VARIANTS, ids=["hog", "hogb"])
@pytest.mark.parametrize("size", [(16, 16), (19, 21)])
def test_gradients_are_those_of_finite_differences(variant: Hog, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(5)
    canvas = 30 * torch.randn(1, 1, *size, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(variant, canvas.requires_grad_(), eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS, ids=["hog", "hogb"])
def test_a_flat_picture_has_the_code_and_the_gradient_zero(variant: Hog) -> None:
    canvas = torch.full((2, 1, 24, 24), 5.0, requires_grad=True)
    code = variant(canvas)
    (gradient,) = torch.autograd.grad(code.sum(), canvas)
    assert code.abs().max() == gradient.abs().max() == 0


@pytest.mark.parametrize("variant", VARIANTS, ids=["hog", "hogb"])
def test_gradients_exactly_along_and_between_directions_are_finite(variant: Hog) -> None:
    ramp = torch.arange(24, dtype=torch.float32)
    ramps = torch.stack([ramp.expand(24, 24), ramp[:, None].expand(24, 24), ramp + ramp[:, None]])
    canvas = torch.cat((ramps, -ramps))[:, None].clone().requires_grad_()
    code = variant(canvas)
    (gradient,) = torch.autograd.grad(code.square().sum(), canvas)
    assert code.isfinite().all()
    assert gradient.isfinite().all()


def test_a_ramp_votes_for_its_own_direction() -> None:
    ramp = torch.arange(24, dtype=torch.float32).expand(1, 1, 24, 24)
    signed = hog()(ramp)[0, :18]
    assert set(signed.flatten(1).sum(1).nonzero().flatten().tolist()) == {0}
    assert set(hog()(-ramp)[0, :18].flatten(1).sum(1).nonzero().flatten().tolist()) == {9}


def test_autocast_leaves_it_in_float32() -> None:
    canvas = torch.randn(1, 1, 24, 24) * 30
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(hogb()(canvas), hogb()(canvas.float()))
        assert hogb()(canvas).dtype == torch.float32


def test_a_picture_smaller_than_two_cells_is_refused() -> None:
    with pytest.raises(PictureTooSmallError, match="at least 16 pixels"):
        hog().code_shape(15, 100)
