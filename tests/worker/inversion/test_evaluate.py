import pytest
import torch

from preimage_worker.inversion.evaluate import codes, layer_norms, measure
from preimage_worker.inversion.images import to_canvas, to_pixels
from preimage_worker.inversion.lanes import LaneBatch, Precision
from preimage_worker.inversion.objectives import Target
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.representations.joined import join
from preimage_worker.inversion.representations.network import NetworkRepresentation
from preimage_worker.inversion.representations.parts import line_up
from preimage_worker.inversion.settings import Family
from tests.worker.inversion.small import SIDE, batch_of, picture, problem, run_to_end

MEAN = (102.0, 127.5, 153.0)


def test_pixels_are_clipped_and_rounded_and_never_undefined() -> None:
    canvas = torch.tensor([-200.0, -0.6, 0.4, 200.0, torch.nan, torch.inf]).reshape(1, 1, 6)
    assert to_pixels(canvas, (100.0,)).flatten().tolist() == [0, 99, 100, 255, 0, 255]


def test_a_picture_becomes_a_canvas_and_the_same_picture_again() -> None:
    pixels = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)
    canvas = to_canvas(pixels, MEAN)
    assert canvas.dtype == torch.float32
    assert torch.equal(to_pixels(canvas, MEAN), pixels)


def test_both_errors_are_those_of_the_codes_of_what_they_name(
    shallow: NetworkRepresentation,
) -> None:
    canvas, truth = 1.5 * picture(1)[None], picture(0)[None]
    with torch.no_grad():
        target = shallow(truth)
        delivered = (canvas + torch.tensor(MEAN)[:, None, None]).clamp(0, 255).round()
        both = [shallow(x) for x in (canvas, delivered - torch.tensor(MEAN)[:, None, None])]
    energy = target.square().sum()
    setup = LaneBatch.empty(shallow, Family.ADAGRAD, SIDE, SIDE).setup
    errors = measure(setup, canvas, Target(target, None, energy[None]))
    expected = [float((code - target).norm() / energy.sqrt()) for code in both]
    assert errors.whole[:, 0].tolist() == pytest.approx(expected, rel=1e-5)
    assert errors.layers.shape == (2, 1, 0)
    assert expected[0] != pytest.approx(expected[1], rel=1e-3)


def test_each_layer_of_several_has_its_own_error(
    shallow: NetworkRepresentation, deep: NetworkRepresentation
) -> None:
    members, weights = [deep, shallow], [3.0, 0.2]
    both = join(members)
    canvas, truth = picture(1)[None], picture(0)[None]
    with torch.no_grad():
        target = both(truth)
        wanted = [member(truth).flatten(1) for member in members]
        missed = [
            member(canvas).flatten(1) - code for member, code in zip(members, wanted, strict=True)
        ]
    single = [float(m.norm() / w.norm()) for m, w in zip(missed, wanted, strict=True)]
    # One weight for each layer brings them to one scale: it must not show in their own errors.
    mask = torch.cat([torch.full_like(w, each) for w, each in zip(wanted, weights, strict=True)], 1)
    energy = (mask * target).square().sum()
    setup = LaneBatch.empty(both, Family.ADAGRAD, SIDE, SIDE).setup
    errors = measure(setup, canvas, Target(target, mask, energy[None]))
    assert errors.layers[0, 0].tolist() == pytest.approx(single, rel=1e-5)
    shares = [
        float((each * w.norm()).square() / energy) for each, w in zip(weights, wanted, strict=True)
    ]
    mean = sum(share * error**2 for share, error in zip(shares, single, strict=True))
    assert float(errors.whole[0, 0]) == pytest.approx(mean**0.5, rel=1e-5)


def test_a_layers_norm_is_that_of_what_its_mask_leaves_in_its_own_units() -> None:
    parts = line_up(["one", "other"], [(2,), (3,)])
    code = torch.tensor([3.0, 4.0, 1.0, 2.0, 2.0])
    assert layer_norms(code, None, parts) == pytest.approx([5, 3])
    weights = torch.tensor([0.1, 0.1, 0.0, 7.0, 0.0])
    assert layer_norms(code, weights, parts) == pytest.approx([5, 2])


def test_codes_are_those_of_pictures_by_themselves(shallow: NetworkRepresentation) -> None:
    canvases = torch.stack([picture(0), picture(1)])
    found = codes(shallow, canvases)
    assert not found.requires_grad
    assert torch.equal(found, torch.cat([shallow(canvas[None]) for canvas in canvases]))


def test_passes_in_bfloat16_go_the_same_way_and_are_measured_in_float32(
    shallow: NetworkRepresentation,
) -> None:
    posed = problem(shallow, overrides=Overrides(steps=100))
    exact, _ = run_to_end(batch_of(shallow, posed))
    family = posed.settings.family
    coarse = LaneBatch.empty(shallow, family, SIDE, SIDE, precision=Precision.BF16).join([posed])
    coarse, _ = run_to_end(coarse)
    assert not torch.equal(exact.pictures([0]), coarse.pictures([0]))
    (one,), (other,) = exact.measure([0]), coarse.measure([0])
    assert other.relative_error == pytest.approx(one.relative_error, rel=0.5)
    with torch.no_grad():
        code = shallow(coarse.pictures([0]))[0]
    error = float((code - posed.target).norm() / posed.target.norm())
    assert other.relative_error == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize("precision", list(Precision))
def test_running_leaves_torchs_own_precision_as_it_was(
    shallow: NetworkRepresentation, precision: Precision
) -> None:
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    batch = LaneBatch.empty(
        shallow, problem(shallow).settings.family, SIDE, SIDE, precision=precision
    )
    batch.join([problem(shallow)]).run(2)
    assert [flag.allow_tf32 for flag in flags] == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no CUDA device.")
@pytest.mark.parametrize("precision", list(Precision))
def test_a_gpu_finds_what_a_cpu_finds(deep: NetworkRepresentation, precision: Precision) -> None:
    posed = problem(deep, overrides=Overrides(steps=70))
    (expected,) = run_to_end(batch_of(deep, posed))[0].measure([0])
    deep.module.cuda()
    on_gpu = NetworkRepresentation(
        deep.model, deep.layer, deep.mean, deep.module, deep.scale.cuda()
    )
    batch = LaneBatch.empty(
        on_gpu, posed.settings.family, SIDE, SIDE, device="cuda", precision=precision
    )
    batch, _ = run_to_end(batch.join([posed]))
    (found,) = batch.measure([0])
    tolerance = 0.02 if precision is Precision.FP32 else 0.3
    assert found.relative_error == pytest.approx(expected.relative_error, rel=tolerance)
