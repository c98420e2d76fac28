"""Every stage: what it releases, how it is read, and what is certain of it."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.errors import DefenceError, SettingError
from preimage_worker.inversion.representations.layouts import Layout

SHAPE = (4, 5, 6)
WORDS = [
    *("gaussian:rel_rms=0.3", "laplace:rel_rms=0.3", "clip:rel_norm=0.8", "normalise"),
    *("quantise:bits=3", "sign", "topk:fraction=0.2", "prune:fraction=0.7"),
    *("pca:components=10", "pca:variance=0.9", "projection:dimensions=30"),
    *("projection:dimensions=30,keyed=true", "pool:k=2", "drop_positions:fraction=0.5"),
    *("drop_channels:fraction=0.5", "pool:k=2+quantise:bits=3", "topk:fraction=0.2+pool:k=2"),
    *("topk:fraction=0.2+quantise:bits=4", "quantise:bits=2+sign", "normalise+prune:fraction=0.5"),
    *("pca:components=10+quantise:bits=4+topk:fraction=0.5", "sign+pool:k=3"),
]


def codes(number: int = 20, *, seed: int = 0, rectified: bool = True) -> Tensor:
    drawn = torch.randn(number, *SHAPE, generator=torch.Generator().manual_seed(seed))
    return drawn.clamp(min=0) if rectified else drawn


def one(text: str) -> Chain:
    (chain,) = parse(text)
    return chain


@pytest.mark.parametrize("rectified", [True, False])
@pytest.mark.parametrize("text", [*WORDS, "none"])
def test_a_reading_holds_for_the_code_that_was_released(
    text: str,
    rectified: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    fitted = one(text).fit(codes(rectified=rectified))
    fresh = 1.3 * codes(4, seed=1, rectified=rectified)
    released = fitted.release(fresh, 7, range(4))
    assert released.shape == (4, *fitted.released_shape)
    assert fitted.lift(released).shape == fresh.shape
    smooth = fitted.smooth(fresh)
    assert smooth.shape == (4, *fitted.smooth_shape)
    for index in range(4):
        reading = fitted.read(released[index : index + 1])
        assert reading.target.shape == fitted.smooth_shape
        if reading.bounds is not None:
            low, high = reading.bounds
            outside = torch.maximum(low - smooth[index], smooth[index] - high)
            assert outside.max() < 1e-5
        elif fitted.deterministic:
            torch.testing.assert_close(reading.target, smooth[index])


@pytest.mark.parametrize("text", WORDS)
def test_a_picture_is_released_alike_in_whichever_batch_it_is(text: str) -> None:
    fitted, fresh = one(text).fit(codes()), codes(4, seed=1)
    together = fitted.release(fresh, 7, range(4))
    assert torch.equal(fitted.release(fresh[2:3], 7, [2]), together[2:3])
    assert torch.equal(fitted.release(fresh.flip(0), 7, [3, 2, 1, 0]).flip(0), together)
    for other in (
        fitted.release(fresh, 8, range(4)),
        fitted.release(fresh, 7, range(1, 5)),
        fitted.release(fresh, 7, range(4), release=1),
    ):
        assert torch.equal(other, together) == fitted.deterministic


@pytest.mark.parametrize("text", WORDS)
def test_what_was_learnt_is_named_tensors_that_make_the_same_defence(text: str) -> None:
    chain, fresh = one(text), codes(2, seed=1)
    fitted = chain.fit(codes(), key=3)
    tensors = {name: tensor.clone() for name, tensor in fitted.tensors().items()}
    restored = chain.restore(SHAPE, tensors)
    released = fitted.release(fresh, 7, range(2))
    assert torch.equal(restored.release(fresh, 7, range(2)), released)
    assert restored.released_shape == fitted.released_shape
    for name in tensors:
        with pytest.raises(DefenceError, match="missing or of another defence"):
            chain.restore(SHAPE, {other: tensors[other] for other in tensors if other != name})


@pytest.mark.parametrize(("name", "fourth_moment"), [("gaussian", 3), ("laplace", 6)])
def test_noise_has_the_strength_and_the_law_that_it_says(name: str, fourth_moment: float) -> None:
    clean = codes(50)
    fitted = one(f"{name}:rel_rms=0.5").fit(clean)
    noise = (fitted.release(clean, 1, range(50)) - clean) / clean.square().mean().sqrt()
    assert float(noise.mean()) == pytest.approx(0, abs=0.03)
    assert float(noise.std()) == pytest.approx(0.5, rel=0.03)
    assert float((noise / noise.std()).pow(4).mean()) == pytest.approx(fourth_moment, rel=0.15)


def test_the_mean_of_many_releases_has_less_noise() -> None:
    fitted, fresh = one("gaussian:rel_rms=1").fit(codes()), codes(1, seed=1)
    releases = torch.cat([fitted.release(fresh, 7, [0], release) for release in range(64)])
    single, mean = (fitted.read(some).target - fresh[0] for some in (releases[:1], releases))
    assert float(mean.norm() / single.norm()) == pytest.approx(1 / 8, rel=0.25)


def test_bounds_of_noise_that_was_quantised_narrow_too() -> None:
    fitted, fresh = one("gaussian:rel_rms=1+quantise:bits=8").fit(codes()), codes(1, seed=1)
    releases = torch.cat([fitted.release(fresh, 7, [0], release) for release in range(64)])
    found = fitted.read(releases).bounds
    assert found is not None
    inner = found.low.isfinite() & found.high.isfinite()
    middle = ((found.low + found.high) / 2 - fresh[0])[inner]
    assert float(middle.std()) == pytest.approx(float(fresh.square().mean().sqrt()) / 8, rel=0.5)


def test_quantised_codes_have_as_many_levels_as_bits_allow_and_open_ends() -> None:
    clean = codes(rectified=False)
    fitted = one("quantise:bits=2").fit(clean)
    released = fitted.release(2 * clean[:1], 0, [0])
    low, high = clean.min(), clean.max()
    levels = released.unique()
    torch.testing.assert_close(levels, torch.linspace(float(low), float(high), 4))
    found = fitted.read(released).bounds
    assert found is not None
    assert (found.low[released[0] == levels[0]] == -torch.inf).all()
    assert (found.high[released[0] == levels[-1]] == torch.inf).all()
    inner = (released[0] > levels[0]) & (released[0] < levels[-1])
    width = (found.high - found.low)[inner]
    torch.testing.assert_close(width, torch.full_like(width, float(high - low) / 3))


def test_of_the_largest_elements_the_attacker_knows_all_and_of_the_rest_a_limit() -> None:
    code = torch.tensor([[3.0, -5.0, 1.0, 2.0, -0.5]])
    fitted = one("topk:fraction=0.4").fit(code)
    released = fitted.release(code, 0, [0])
    assert released.tolist() == [[3, -5, 0, 0, 0]]
    found = fitted.read(released).bounds
    assert found is not None
    assert found.low.tolist() == [3, -5, -3, -3, -3]
    assert found.high.tolist() == [3, -5, 3, 3, 3]


def test_what_is_not_exact_can_count_less_instead() -> None:
    code = torch.tensor([[3.0, -5.0, 1.0, 2.0, -0.5]])
    fitted = one("topk:fraction=0.4").fit(code)
    reading = fitted.weigh(fitted.release(code, 0, [0]))
    assert reading is not None
    assert (reading.bounds, reading.target.tolist()) == (None, [3, -5, 0, 0, 0])
    assert reading.mask is not None
    torch.testing.assert_close(reading.mask, torch.tensor([1, 1, 0.3, 0.3, 0.3]))


@pytest.mark.parametrize("text", ["none", "gaussian:rel_rms=1", "quantise:bits=4", "pool:k=2"])
def test_where_all_elements_are_known_alike_none_counts_less(text: str) -> None:
    fitted = one(text).fit(codes())
    assert fitted.weigh(fitted.release(codes(1, seed=1), 0, [0])) is None


def test_where_less_than_the_fraction_was_not_zero_the_rest_is_known_to_be_zero() -> None:
    code = torch.tensor([[3.0, 0.0, 0.0, 0.0]])
    fitted = one("topk:fraction=0.5").fit(code)
    found = fitted.read(fitted.release(code, 0, [0])).bounds
    assert found is not None
    assert found.low.tolist() == found.high.tolist() == [3, 0, 0, 0]


def test_what_was_pruned_is_below_the_threshold() -> None:
    fitted = one("prune:fraction=0.5").fit(torch.arange(10.0).reshape(1, 10))
    code = torch.tensor([[-7.0, 5.0, 4.9, 0.0, -4.9, 6.0, 1.0, 1.0, 1.0, 1.0]])
    released = fitted.release(code, 0, [0])
    assert released.tolist() == [[-7, 5, 0, 0, 0, 6, 0, 0, 0, 0]]
    found = fitted.read(released).bounds
    assert found is not None
    assert found.low.tolist() == [-7, 5, -5, -5, -5, 6, -5, -5, -5, -5]
    assert found.high.tolist() == [-7, 5, 5, 5, 5, 6, 5, 5, 5, 5]


def test_signs_leave_half_lines_and_a_naive_attacker_the_mean_magnitude() -> None:
    fitted = one("sign").fit(torch.tensor([[2.0, -4.0, 0.0]]))
    released = fitted.release(torch.tensor([[0.1, -9.0, 0.0]]), 0, [0])
    reading = fitted.read(released)
    assert reading.target.tolist() == fitted.lift(released)[0].tolist() == [3, -3, 0]
    assert reading.bounds is not None
    assert reading.bounds.low.tolist() == [0, -torch.inf, 0]
    assert reading.bounds.high.tolist() == [torch.inf, 0, 0]


def test_codes_are_clipped_at_a_multiple_of_the_median_norm() -> None:
    clean = torch.tensor([[1.0, 0.0], [0.0, 2.0], [30.0, 40.0]])
    released = one("clip:rel_norm=0.5").fit(clean).release(clean, 0, range(3))
    torch.testing.assert_close(released, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))


def test_normalised_codes_have_length_one_and_are_read_at_the_median_norm() -> None:
    clean = codes(5)
    fitted = one("normalise").fit(clean)
    released = fitted.release(clean, 0, range(5))
    torch.testing.assert_close(released.flatten(1).norm(dim=1), torch.ones(5))
    lifted = fitted.lift(released).flatten(1).norm(dim=1)
    torch.testing.assert_close(lifted, clean.flatten(1).norm(dim=1).median().expand(5))


def test_all_components_explain_what_they_were_fitted_to_and_fewer_the_variance_asked_for() -> None:
    clean = codes()
    whole = one("pca:components=19").fit(clean)
    torch.testing.assert_close(whole.lift(whole.release(clean, 0, range(20))), clean)
    part = one("pca:variance=0.8").fit(clean)
    (number,) = part.released_shape
    centred = clean.flatten(1) - clean.flatten(1).mean(0)
    values = torch.linalg.svdvals(centred).square()
    explained = values.cumsum(0) / values.sum()
    assert explained[number - 2] < 0.8 <= explained[number - 1]


def test_more_components_than_pictures_are_refused() -> None:
    with pytest.raises(DefenceError, match=r"20 auxiliary pictures have 19 .* asks for 20;"):
        one("pca:components=20").fit(codes())
    with pytest.raises(DefenceError, match=r"1 auxiliary pictures have 0"):
        one("pca:variance=0.5").fit(codes(1))


def test_a_projection_keeps_directions_and_a_key_decides_which() -> None:
    clean, chain = codes(), one("projection:dimensions=30,keyed=true")
    mine, yours = chain.fit(clean, key=1), chain.fit(clean, key=2)
    released = mine.release(clean, 0, range(20))
    assert torch.equal(chain.fit(clean[:3], key=1).release(clean, 0, range(20)), released)
    assert not torch.equal(yours.release(clean, 0, range(20)), released)
    lifted = mine.lift(released)
    torch.testing.assert_close(mine.release(lifted, 0, range(20)), released)
    assert (lifted.flatten(1).norm(dim=1) <= clean.flatten(1).norm(dim=1)).all()
    with pytest.raises(DefenceError, match="121 dimensions of codes that have 120 elements"):
        one("projection:dimensions=121").fit(clean)


def test_an_attacker_without_the_key_reads_with_another_one() -> None:
    clean = codes()
    secret = one("projection:dimensions=60,keyed=true").fit(clean, key=1)
    public = one("projection:dimensions=60").fit(clean, key=1)
    for fitted, knows in ((secret, False), (public, True)):
        lifted = fitted.guessed().lift(fitted.release(clean, 0, range(20)))
        alike = functional.cosine_similarity(lifted.flatten(1), clean.flatten(1))
        assert (float(alike.mean()) > 0.5) == knows
        assert fitted.guessed().released_shape == fitted.released_shape


def test_pooled_codes_are_means_of_blocks_and_are_read_as_flat_blocks() -> None:
    code = torch.arange(15.0).reshape(1, 1, 3, 5)
    fitted = one("pool:k=2").fit(code)
    released = fitted.release(code, 0, [0])
    assert released.tolist() == [[[[3, 5, 6.5], [10.5, 12.5, 14]]]]
    assert fitted.lift(released)[0, 0].tolist() == [
        *([[3, 3, 5, 5, 6.5]] * 2),
        [10.5, 10.5, 12.5, 12.5, 14],
    ]
    last = one("pool:k=2").fit(code.movedim(1, -1), layout=Layout.CHANNELS_LAST)
    assert torch.equal(last.release(code.movedim(1, -1), 0, [0]), released.movedim(1, -1))


@pytest.mark.parametrize(
    ("name", "shape", "layout", "kept"),
    [
        ("drop_positions", (4, 5, 6), None, (1, 5, 6)),
        ("drop_positions", (5, 6, 4), Layout.CHANNELS_LAST, (5, 6, 1)),
        ("drop_positions", (30, 4), None, (30, 1)),
        ("drop_channels", (30, 5, 6), None, (30, 1, 1)),
        ("drop_channels", (5, 30), None, (1, 30)),
        ("drop_channels", (30,), None, (30,)),
    ],
)
def test_places_are_dropped_whole_and_the_same_for_all_pictures(
    name: str, shape: tuple[int, ...], layout: Layout | None, kept: tuple[int, ...]
) -> None:
    clean = 1 + torch.rand(3, *shape)
    first, second = parse(f"{name}:fraction=0.4,seed=1,2")[:2]
    released = first.fit(clean, layout=layout).release(clean, 0, range(3))
    zeros = (released == 0).expand(3, *shape)
    assert float(zeros.float().mean()) == pytest.approx(0.4)
    assert torch.equal(zeros[0], zeros[1])
    places = torch.zeros(kept, dtype=torch.bool) | zeros[0]
    assert torch.equal(released[0], torch.where(places, 0, clean[0]))
    assert int((~places).expand(shape).sum()) == round(0.6 * clean[0].numel())
    assert not torch.equal(second.fit(clean, layout=layout).release(clean, 0, range(3)), released)


@pytest.mark.parametrize(
    ("text", "shape", "words"),
    [
        ("pool:k=2", (30,), r"needs a code with at least as many rows .* \(30,\) \(channels\)"),
        ("pool:k=6", (4, 5, 6), "pool with k=6 needs"),
        ("pca:components=2+pool:k=2", (4, 5, 6), r"\(2,\) \(channels\)"),
        ("drop_positions:fraction=0.5", (30,), "not for codes of the shape .* tokens, channels"),
    ],
)
def test_codes_that_a_stage_is_not_for_are_refused(
    text: str, shape: tuple[int, ...], words: str
) -> None:
    with pytest.raises(DefenceError, match=words):
        one(text).fit(torch.rand(5, *shape))


def test_codes_that_nothing_can_be_learnt_from_are_refused() -> None:
    with pytest.raises(DefenceError, match="At least half of the codes"):
        one("clip:rel_norm=1").fit(torch.zeros(3, 4))
    with pytest.raises(DefenceError, match="noise has no strength"):
        one("gaussian:rel_rms=1").fit(torch.zeros(3, 4))
    with pytest.raises(DefenceError, match="there are 0 codes"):
        one("sign").fit(torch.zeros(0, 4))
    with pytest.raises(DefenceError, match="4 elements that are not finite"):
        one("sign").fit(torch.full((1, 4), torch.nan))
    with pytest.raises(DefenceError, match=r"shape \(4,\), and these have \(5,\)"):
        one("sign").fit(torch.ones(1, 4)).release(torch.ones(1, 5), 0, [0])


@pytest.mark.parametrize(
    "text",
    [
        *("gaussian:rel_rms=0", "laplace:rel_rms=nan", "clip:rel_norm=-1", "quantise:bits=0"),
        *("topk:fraction=0", "topk:fraction=1.5", "prune:fraction=1", "pca:variance=2"),
        *("pca:components=0", "projection:dimensions=0", "pool:k=1", "drop_channels:fraction=2"),
    ],
)
def test_strengths_without_a_meaning_are_refused(text: str) -> None:
    stage, setting = text.partition("=")[0].split(":")
    with pytest.raises(SettingError, match=f"{stage}:{setting} is .*; use a number from"):
        parse(text)


def test_nothing_is_released_of_no_pictures() -> None:
    assert one("pool:k=2").fit(codes()).release(codes(0), 0, []).shape == (0, 4, 3, 3)
