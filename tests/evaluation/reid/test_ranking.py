from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import Entries, Ranking, rank_gallery
from tests.evaluation.reid.plain_loop import plain_search


def entries(people: list[int], cameras: list[int]) -> Entries:
    vectors = np.zeros((len(people), 1), np.float32)
    return Entries.of(vectors, np.array(people, np.int64), np.array(cameras, np.int64))


def ranked(similarities: list[list[float]], queries: Entries, gallery: Entries, closest: int = 0) -> Ranking:
    block = np.array(similarities, np.float32)
    return rank_gallery([(slice(0, len(block)), block)], queries, gallery, closest=closest)


def test_two_queries_by_hand() -> None:
    gallery = entries([5, 1, 1, 2], [2, 2, 2, 2])
    ranking = ranked([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]], entries([1, 2], [1, 1]), gallery)
    # First query: right at ranks 2 and 3, AP (1/2 + 2/3) / 2. Second: right at rank 1, AP 1.
    assert ranking.average_precisions.tolist() == pytest.approx([(1 / 2 + 2 / 3) / 2, 1])
    assert ranking.cmc(3).tolist() == [0.5, 1, 1]
    assert (ranking.score.rank1, ranking.score.rank5, ranking.score.queries) == (0.5, 1, 2)


def test_same_camera_junk_and_distractors_by_hand() -> None:
    # In the order of similarity: the query's own tracklet's twin in camera 1 (removed), junk (removed), a distractor
    # (wrong), the person in camera 2 (right), somebody else, the person in camera 3 (right).
    gallery = entries([7, -1, 0, 7, 8, 7], [1, 2, 2, 2, 2, 3])
    ranking = ranked([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]], entries([7], [1]), gallery, closest=10)
    assert ranking.first_ranks.tolist() == [1]
    assert ranking.average_precisions.tolist() == pytest.approx([(1 / 2 + 2 / 4) / 2])
    assert ranking.same_camera == 0
    assert ranking.closest.tolist() == [[2, 3, 4, 5, -1, -1]]


def test_who_cannot_be_found_is_not_asked() -> None:
    # Person 3 is only in the same camera, junk and distractors look for nobody; person 4 alone counts.
    queries, gallery = entries([3, -1, 0, 4], [1, 1, 1, 1]), entries([3, -1, 0, 4], [1, 2, 2, 2])
    ranking = ranked([[1, 1, 1, 1]] * 4, queries, gallery)
    assert ranking.places.tolist() == [3]
    assert ranking.asked == 4
    with pytest.raises(InputError, match="no query has anything to find"):
        ranked([[1, 1, 1, 1]], entries([3], [1]), gallery)


def test_an_embedding_that_says_nothing_scores_nothing() -> None:
    ranking = ranked([[0.0] * 20] * 2, entries([1, 2], [1, 1]), entries(list(range(1, 21)), [2] * 20))
    assert (ranking.score.rank1, ranking.score.rank10) == (0, 0)
    assert ranking.score.mean_average_precision == pytest.approx(1 / 20)


def test_nan_is_refused() -> None:
    vectors = np.ones((3, 2), np.float32)
    vectors[1, 0] = np.nan
    with pytest.raises(InputError, match="1 of 3 embeddings hold NaN"):
        Entries.of(vectors, np.ones(3, np.int64), np.ones(3, np.int64))


@st.composite
def searches(draw: st.DrawFn) -> tuple[np.ndarray, Entries, Entries]:
    asked, there = draw(st.integers(1, 6)), draw(st.integers(1, 14))
    people = st.integers(-1, 3)
    cameras = st.integers(1, 3)
    queries = entries(
        draw(st.lists(people, min_size=asked, max_size=asked)), draw(st.lists(cameras, min_size=asked, max_size=asked))
    )
    gallery = entries(
        draw(st.lists(people, min_size=there, max_size=there)), draw(st.lists(cameras, min_size=there, max_size=there))
    )
    # Few values: equal similarities must be common.
    values = draw(st.lists(st.integers(0, 9), min_size=asked * there, max_size=asked * there))
    return np.array(values, np.float32).reshape(asked, there), queries, gallery


@given(searches(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_agrees_with_a_plain_double_loop_in_any_order(
    case: tuple[np.ndarray, Entries, Entries], random: object
) -> None:
    similarities, queries, gallery = case
    expected = plain_search(similarities, queries, gallery)
    if not expected:
        with pytest.raises(InputError, match="no query"):
            rank_gallery([(slice(0, len(queries)), similarities)], queries, gallery)
        return
    ranking = rank_gallery([(slice(0, len(queries)), similarities)], queries, gallery)
    assert ranking.places.tolist() == [one.query for one in expected]
    assert ranking.average_precisions.tolist() == pytest.approx([one.precision for one in expected])
    assert ranking.first_ranks.tolist() == [one.first for one in expected]
    order = np.arange(len(gallery))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = rank_gallery([(slice(0, len(queries)), similarities[:, order])], queries, gallery.select(order))
    assert moved.average_precisions.tolist() == ranking.average_precisions.tolist()
    assert moved.first_ranks.tolist() == ranking.first_ranks.tolist()


def test_blocks_of_queries_are_put_together() -> None:
    queries, gallery = entries([1, 9, 2], [1, 1, 1]), entries([1, 2], [2, 2])
    blocks = [(slice(0, 2), np.eye(2, dtype=np.float32)), (slice(2, 3), np.array([[1, 0]], np.float32))]
    ranking = rank_gallery(blocks, queries, gallery)
    assert ranking.places.tolist() == [0, 2]
    assert ranking.first_ranks.tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_fields_reference_code(seed: int) -> None:
    """BoxMOT's evaluator is the Market-1501 one; where no two similarities are equal, both must agree."""
    reference = pytest.importorskip("boxmot.reid.training.evaluator")
    generator = np.random.default_rng(seed)
    queries = entries(generator.integers(1, 9, 40).tolist(), generator.integers(1, 4, 40).tolist())
    gallery = entries(generator.integers(0, 12, 150).tolist(), generator.integers(1, 4, 150).tolist())
    similarities = generator.permutation(40 * 150).reshape(40, 150).astype(np.float32)
    ranking = rank_gallery([(slice(0, 40), similarities)], queries, gallery)
    cmc, precision = reference.evaluate_ranking(
        -similarities, queries.people, gallery.people, queries.cameras, gallery.cameras, max_rank=50
    )
    np.testing.assert_allclose(ranking.cmc(50), cmc, atol=1e-6)
    assert ranking.score.mean_average_precision == pytest.approx(precision, abs=1e-6)
