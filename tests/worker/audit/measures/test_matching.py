"""Ranks of known tables, fair ties, and what chance finds."""

import itertools

import numpy as np
import pytest

from preimage_worker.audit.measures import distances, matching
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.pictures import Floats
from tests.worker.audit.measures import natural


def matched(table: Floats, seed: int = 0) -> Match:
    return matching.match(table, np.arange(len(table)), seed=seed, resamples=200)


def test_the_rank_is_one_more_than_the_number_of_nearer_candidates() -> None:
    table = np.array([[3.0, 1, 2, 4, 5, 6], [0, 9, 1, 2, 3, 4], [1, 2, 0, 3, 4, 5]])
    found = matching.ranks(table, np.array([0, 1, 2]))
    assert found.rank.tolist() == [3, 6, 1]
    assert found.first.tolist() == [0, 0, 1]
    assert found.among_few.tolist() == [1, 0, 1]
    assert found.reciprocal == pytest.approx([1 / 3, 1 / 6, 1])


def test_ties_count_as_if_lots_were_drawn() -> None:
    table = np.array([[2.0, 2, 2, 1, 5, 6, 7, 8]])
    found = matching.ranks(table, np.array([0]))
    assert found.rank.tolist() == [3]  # 2, 3 or 4
    assert found.first.tolist() == [0]
    assert found.reciprocal == pytest.approx([(1 / 2 + 1 / 3 + 1 / 4) / 3])


def test_a_tie_over_the_fifth_place_counts_by_its_share() -> None:
    table = np.array([[4.0, 1, 2, 3, 4, 4, 9]])  # places 4, 5 and 6
    assert matching.ranks(table, np.array([0])).among_few == pytest.approx([2 / 3])


def test_equal_codes_of_all_candidates_are_at_chance() -> None:
    found = matched(np.zeros((20, 20)))
    assert found.rank1.estimate == pytest.approx(1 / 20)
    assert found.rank5.estimate == pytest.approx(found.chance5)
    assert found.reciprocal_rank.estimate == pytest.approx(found.chance_reciprocal_rank)
    assert found.median_rank == 10.5
    assert not matching.above_chance(found)


def test_the_figures_of_a_tie_are_the_means_over_the_orders_of_its_members() -> None:
    orders = [
        matching.ranks(np.array([[0.0, *order, 9, 9.5]]), np.array([1]))
        for order in itertools.permutations([1.0, 2, 3, 4, 5, 6])
    ]
    tied = matching.ranks(np.array([[0.0, *[1] * 6, 9, 9.5]]), np.array([1]))
    for figure in ("rank", "first", "among_few", "reciprocal"):
        mean = np.mean([getattr(order, figure) for order in orders])
        assert getattr(tied, figure)[0] == pytest.approx(mean)


def test_rounding_breaks_no_tie() -> None:
    table = np.array([[1.0, 1 + 1e-15, 1 - 1e-15, 2]])
    assert matching.ranks(table, np.array([0])).rank.tolist() == [2]


def test_the_right_candidate_may_stand_anywhere_in_the_gallery() -> None:
    codes = natural.generator().normal(size=(30, 8))
    right = np.array([29, 3, 17])
    found = matching.match(distances.squared(codes[right], codes), right, seed=0)
    assert found.rank1.estimate == 1
    assert (found.queries, found.candidates) == (3, 30)


def test_recomputing_a_deterministic_defence_links_every_code() -> None:
    codes = natural.generator().normal(size=(50, 400))
    signs = np.sign(codes).astype(np.float32)
    for measure in (distances.squared, distances.cosine):
        found = matched(measure(signs, signs))
        assert found.rank1.estimate == found.reciprocal_rank.estimate == 1
        assert matching.above_chance(found)


def test_noise_of_ten_times_the_rms_leaves_long_codes_linkable_and_hides_short_ones() -> None:
    random = natural.generator()
    for length, linkable in ((16_384, True), (16, False)):
        clean = random.normal(size=(100, length))
        released = clean + 10 * random.normal(size=clean.shape)
        found = matched(distances.squared(released, clean))
        assert matching.above_chance(found) is linkable
        assert (found.rank1.estimate > 0.95) is linkable
        assert np.median(distances.relative_noise(released, clean, clean)) > 5


def test_codes_that_know_nothing_are_above_chance_in_fewer_than_one_set_of_forty() -> None:
    random = natural.generator()
    lucky = sum(
        matching.above_chance(matched(random.random((queries, 500))))
        for queries in (10, 24, 100)
        for _ in range(200)
    )
    # 600 sets at most 2.5 % each: 15 on average, and hardly ever more than 27.
    assert lucky <= 27


@pytest.mark.parametrize("queries", [5, 10, 24, 100])
def test_one_answer_to_all_questions_is_no_better_than_chance(queries: int) -> None:
    gallery = natural.generator().normal(size=(1000, 20))
    always = np.broadcast_to(gallery[3], (queries, 20))
    found = matched(distances.squared(always, gallery))
    assert found.rank1.estimate == 1 / queries
    assert found.chance1 == pytest.approx(1 / queries)
    assert not matching.above_chance(found)


def test_what_finds_everything_does_not_raise_chance() -> None:
    codes = natural.generator().normal(size=(40, 8))
    assert matched(distances.squared(codes, codes)).chance1 == 1 / 40


def test_chance_of_one_query_is_one_of_the_gallery() -> None:
    assert matched(np.array([[0.0, 1, 2, 3]])).chance1 == 0.25


def test_a_small_gallery_has_all_of_it_among_five() -> None:
    found = matched(natural.generator().random((3, 3)))
    assert found.rank5.estimate == found.chance5 == 1


@pytest.mark.parametrize(
    ("table", "right", "says"),
    [
        (np.zeros((2, 3)), [0], "one right candidate a query"),
        (np.zeros((2, 3)), [0, 3], "not among the 3 candidates"),
        (np.zeros((2, 3)), [-1, 0], "not among the 3 candidates"),
        (np.zeros((2, 3)), [1, 1], "the same right candidate"),
        (np.full((1, 2), np.nan), [0], "not a finite number"),
        (np.zeros((0, 2)), [], "queries, candidates"),
    ],
)
def test_tables_that_mean_nothing_are_refused(table: Floats, right: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        matching.match(table, np.array(right, np.int64), seed=0)
