from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout
from keyreid_train.retrieval import EmbeddedTracklets, camera_to_camera, cosine_similarity, score_retrieval

FLAT = EmbeddingLayout(global_dim=2, parts=0, part_dim=0)


def test_two_queries_by_hand() -> None:
    similarities = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]], np.float32)
    score = score_retrieval(similarities, np.array([1, 2]), np.array([5, 1, 1, 2]))
    # First query: right at ranks 2 and 3, AP (1/2 + 2/3) / 2. Second: right at rank 1, AP 1.
    assert score.rank1 == 0.5
    assert (score.rank5, score.rank10, score.queries) == (1, 1, 2)
    assert score.mean_average_precision == pytest.approx(((1 / 2 + 2 / 3) / 2 + 1) / 2)


def test_an_embedding_that_says_nothing_scores_nothing() -> None:
    score = score_retrieval(np.zeros((2, 20), np.float32), np.array([0, 1]), np.arange(20))
    assert (score.rank1, score.rank10, score.mean_average_precision) == (0, 0, pytest.approx(1 / 20))


def test_queries_without_anything_to_find_are_left_out() -> None:
    similarities = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    assert score_retrieval(similarities, np.array([3, 9]), np.array([3, 4])).queries == 1
    with pytest.raises(InputError, match="no person"):
        score_retrieval(similarities, np.array([8, 9]), np.array([3, 4]))


@given(seed=st.integers(0, 10_000), queries=st.integers(1, 6), gallery=st.integers(1, 12))
def test_agrees_with_a_plain_double_loop(seed: int, queries: int, gallery: int) -> None:
    generator = np.random.default_rng(seed)
    similarities = generator.permutation(queries * gallery).reshape(queries, gallery).astype(np.float32)
    asked, there = generator.integers(0, 3, queries), generator.integers(0, 3, gallery)
    firsts, precisions = [], []
    for row in range(queries):
        order = sorted(range(gallery), key=lambda place: -similarities[row, place])
        ranks = [rank for rank, place in enumerate(order, start=1) if there[place] == asked[row]]
        if ranks:
            firsts.append(ranks[0])
            precisions.append(sum(found / rank for found, rank in enumerate(ranks, start=1)) / len(ranks))
    if not firsts:
        return
    score = score_retrieval(similarities, asked, there)
    assert score.queries == len(firsts)
    assert score.rank5 == pytest.approx(np.mean([first <= 5 for first in firsts]))
    assert score.mean_average_precision == pytest.approx(np.mean(precisions))


def embedded(*rows: tuple[str, str, tuple[float, float]]) -> EmbeddedTracklets:
    embeddings = [ClipEmbedding(np.array(v, np.float32), np.zeros(0, np.float32), FLAT) for _, _, v in rows]
    return EmbeddedTracklets(embeddings, tuple(p for p, _, _ in rows), tuple(c for _, c, _ in rows))


def test_cameras_are_searched_both_ways() -> None:
    tracklets = embedded(
        ("ann", "1", (1, 0)), ("bob", "1", (0, 1)), ("ann", "2", (1, 0.1)), ("bob", "2", (1, 0)), ("eve", "2", (-1, 0))
    )
    # From 1 to 2: ann finds bob first; bob (0, 1) is closest to ann's (1, 0.1). From 2 to 1: ann right, bob finds ann.
    assert camera_to_camera(tracklets).rank1 == pytest.approx((0 + 0.5) / 2)
    assert camera_to_camera(tracklets).queries == 4


def test_people_of_one_camera_only_cannot_be_scored() -> None:
    with pytest.raises(InputError, match="two cameras"):
        camera_to_camera(embedded(("ann", "1", (1, 0)), ("bob", "2", (0, 1))))


def test_hidden_parts_are_left_out_of_the_visible_similarity() -> None:
    layout = EmbeddingLayout(global_dim=1, parts=1, part_dim=2)

    def person(x: float, y: float, seen: float) -> ClipEmbedding:
        return ClipEmbedding(np.array([1, x, y], np.float32), np.array([seen], np.float32), layout)

    people = (person(1, 0, 1), person(0, 1, 1), person(-1, 0, 0), person(0, 1, 1))
    tracklets = EmbeddedTracklets(people, ("ann", "bob", "ann", "eve"), ("1", "1", "2", "2"))
    # Ann hides in camera 2, and what is there instead of her part looks like nobody: eve would be closer. The way back
    # only the global part is left, which says nothing, so it finds nobody.
    assert camera_to_camera(tracklets).rank1 == 0
    assert camera_to_camera(tracklets, global_weight=0.5).rank1 == 0.5


def test_cosines_by_hand() -> None:
    cosines = cosine_similarity(np.array([[3.0, 4.0]], np.float32), np.array([[6.0, 8.0], [-4.0, 3.0]], np.float32))
    np.testing.assert_allclose(cosines, [[1, 0]], atol=1e-6)
