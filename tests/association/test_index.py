from __future__ import annotations

from collections.abc import Callable

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from keyreid_stream.association.index import CandidateIndex
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.errors import InputError
from keyreid_stream.structures import EmbeddingLayout
from tests.association.populations import CLUSTERED, EVEN, GLOBAL_WEIGHT, Population, Spread, population

SIZE = 48
SMALL = EmbeddingLayout(global_dim=96, parts=6, part_dim=16)
TINY = EmbeddingLayout(global_dim=192, parts=6, part_dim=64)
BASE = EmbeddingLayout(global_dim=768, parts=6, part_dim=256)

Call = tuple[int, int, int]
"""Identity, number of centroids (0: remove it), seed of their values."""

calls = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(0, 999)), max_size=60)


def centroids(call: Call) -> np.ndarray:
    return np.random.default_rng(call).standard_normal((call[1], SIZE)).astype(np.float32)


def apply(index: CandidateIndex, call: Call) -> None:
    if call[1]:
        index.put(call[0], centroids(call))
    elif call[0] in index:
        index.remove(call[0])


def held_after(history: list[Call]) -> dict[int, np.ndarray]:
    held: dict[int, np.ndarray] = {}
    for call in history:
        held.pop(call[0], None)
        if call[1]:
            rows = centroids(call)
            held[call[0]] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return held


def index_of(people: Signatures, exact_rows: int) -> CandidateIndex:
    index = CandidateIndex(people.vectors.shape[1], exact_rows)
    for identity_id, vector in enumerate(people.vectors, start=1):
        index.put(identity_id, vector[None])
    return index


@settings(deadline=None)
@given(history=calls, count=st.integers(1, 14), seed=st.integers(0, 99))
def test_exact_search_ranks_identities_by_their_best_centroid(history: list[Call], count: int, seed: int) -> None:
    index = CandidateIndex(SIZE)
    for call in history:
        apply(index, call)
    held = held_after(history)
    queries = np.random.default_rng(seed).standard_normal((2, SIZE)).astype(np.float32)
    found = index.candidates(queries, count)
    assert len(index) == len(held)
    assert found.shape == (2, count)
    for query, ids in zip(queries, found.tolist(), strict=True):
        ranked = sorted(held, key=lambda identity_id: -float((held[identity_id] @ query).max()))
        assert ids == (ranked + [0] * count)[:count]


@settings(max_examples=60, deadline=None)
@given(history=calls)
def test_codes_follow_every_change(history: list[Call]) -> None:
    """Three rows are exact, the rest coded: everybody is found, first by their own centroids, and nobody else is."""
    index = CandidateIndex(SIZE, exact_rows=3)
    for call in history:
        apply(index, call)
    held = held_after(history)
    assert len(index) == len(held)
    assert all(identity_id in index for identity_id in held)
    for identity_id, rows in held.items():
        found = index.candidates(rows, 20)
        assert found[:, 0].tolist() == [identity_id] * len(rows)
        for ids in found.tolist():
            assert sorted(ids) == sorted([*held, *[0] * (20 - len(held))])


@settings(max_examples=60, deadline=None)
@given(history=calls)
def test_the_same_calls_give_the_same_answers(history: list[Call]) -> None:
    one, other = CandidateIndex(SIZE, exact_rows=3), CandidateIndex(SIZE, exact_rows=3)
    for call in history:
        apply(one, call)
        apply(other, call)
    queries = np.random.default_rng(0).standard_normal((3, SIZE)).astype(np.float32)
    np.testing.assert_array_equal(one.candidates(queries, 5), other.candidates(queries, 5))


def test_answers_depend_neither_on_threads_nor_on_the_other_queries() -> None:
    crowd = population(3000, SMALL, EVEN, noise=1.0, views=40)
    index = index_of(crowd.people, exact_rows=100)
    together = index.candidates(crowd.views.vectors, 50)
    with threadpool_limits(1):
        np.testing.assert_array_equal(index.candidates(crowd.views.vectors, 50), together)
    alone = np.concatenate([index.candidates(view[None], 50) for view in crowd.views.vectors])
    # A product alone or among others may round differently, so two neighbours may change places.
    assert np.mean(alone == together) > 0.99


def test_it_becomes_approximate_by_size_and_starts_afresh_when_emptied() -> None:
    index = CandidateIndex(SIZE, exact_rows=4)
    for identity_id in range(1, 5):
        index.put(identity_id, centroids((identity_id, 1, 0)))
    assert index.is_exact
    index.put(5, centroids((5, 1, 0)))
    assert not index.is_exact
    for identity_id in range(1, 6):
        index.remove(identity_id)
    assert index.is_exact
    assert len(index) == 0
    np.testing.assert_array_equal(index.candidates(np.ones((2, SIZE), np.float32), 3), np.zeros((2, 3)))


def test_a_zero_vector_is_like_nobody_and_asks_for_nobody() -> None:
    index = CandidateIndex(SIZE, exact_rows=2)
    mine = centroids((1, 1, 0))
    index.put(1, mine)
    for identity_id in (2, 3, 4):
        index.put(identity_id, np.zeros((1, SIZE), np.float32))
    assert index.candidates(mine, 1).tolist() == [[1]]
    assert set(index.candidates(np.zeros((1, SIZE), np.float32), 4)[0]) == {1, 2, 3, 4}


def rescored_recall(crowd: Population, find: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
    """Share of views whose person exact, part-aware comparison puts first of all; share that is among candidates."""
    scores = similarity(crowd.views, crowd.people, GLOBAL_WEIGHT)
    candidates = np.concatenate([find(view[None]) for view in crowd.views.vectors])
    return float(np.mean(scores.argmax(axis=1) == crowd.shown)), float(
        np.mean((candidates == crowd.shown[:, None] + 1).any(axis=1))
    )


@pytest.mark.parametrize(("spread", "noise"), [(EVEN, 2.3), (CLUSTERED, 0.95)], ids=["even", "clustered"])
def test_the_right_person_is_among_the_candidates_of_a_view_with_hidden_parts(spread: Spread, noise: float) -> None:
    """256 of 5,000, where a single view finds its person first in about nine of ten cases."""
    crowd = population(5000, SMALL, spread, noise, views=500, hidden=0.2)
    index = index_of(crowd.people, exact_rows=500)
    first, kept = rescored_recall(crowd, lambda view: index.candidates(view, 256))
    assert 0.85 < first < 0.98  # hard enough to be worth asking
    assert kept >= 0.99


def test_people_who_come_later_may_look_quite_different() -> None:
    """Centre and levels were taken from the first 100; the next 3,000 share another direction with each other."""
    early = population(100, SMALL, CLUSTERED, noise=0.7, views=1, seed=1)
    later = population(3000, SMALL, Spread(decay=0.5, shared=1.0), noise=1.0, views=300, seed=2)
    index = CandidateIndex(SMALL.size, exact_rows=100)
    for identity_id, vector in enumerate(later.people.vectors, start=1):
        index.put(identity_id, vector[None])
    for identity_id, vector in enumerate(early.people.vectors, start=4000):
        index.put(identity_id, vector[None])
    assert not index.is_exact
    _, kept = rescored_recall(later, lambda view: index.candidates(view, 256))
    assert kept >= 0.99


def memory_growth(layout: EmbeddingLayout, identities: int, updates: int) -> float:
    """Megabytes by which the process grows over updates of a full index: put, and remove with another put."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((1000, 1, layout.size)).astype(np.float32)
    index = CandidateIndex(layout.size, exact_rows=min(2048, identities // 4))
    for identity_id in range(1, identities + 1):
        index.put(identity_id, vectors[identity_id % 1000])
    next_id = identities + 1
    live = list(range(1, next_id))

    def update(times: int) -> None:
        nonlocal next_id
        for step, place in enumerate(rng.integers(0, identities, times).tolist()):
            if step % 2:
                index.put(live[place], vectors[step % 1000])
            else:
                index.remove(live[place])
                index.put(next_id, vectors[step % 1000])
                live[place] = next_id
                next_id += 1

    update(updates // 10)
    before = psutil.Process().memory_info().rss
    update(updates)
    assert len(index) == identities
    return float(psutil.Process().memory_info().rss - before) / 1e6


def test_memory_stays_flat_under_updates() -> None:
    assert memory_growth(TINY, identities=2000, updates=10_000) < 1.0  # 10,000 codes are 1.4 MB


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("layout", [TINY, BASE], ids=["tiny", "base"])
def test_memory_stays_flat_over_a_million_updates_of_a_hundred_thousand(layout: EmbeddingLayout) -> None:
    assert memory_growth(layout, identities=100_000, updates=1_000_000) < 16.0  # of 144 MB, 576 MB of codes


def test_what_cannot_be_used_is_refused_and_changes_nothing() -> None:
    index = CandidateIndex(3)
    index.put(1, np.eye(3, dtype=np.float32)[:1])
    with pytest.raises(InputError, match="ids are 1 or larger"):
        index.put(0, np.ones((1, 3), np.float32))
    with pytest.raises(InputError, match=r"shape \(1, 4\)"):
        index.put(2, np.ones((1, 4), np.float32))
    with pytest.raises(InputError, match="at least one"):
        index.put(2, np.ones((0, 3), np.float32))
    with pytest.raises(InputError, match="not finite"):
        index.put(1, np.array([[np.nan, 0, 0]], np.float32))
    with pytest.raises(InputError, match="not in the index"):
        index.remove(2)
    with pytest.raises(InputError, match="at least 1"):
        index.candidates(np.ones((1, 3), np.float32), 0)
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        index.candidates(np.ones(3, np.float32), 1)
    with pytest.raises(InputError, match="at least 1"):
        CandidateIndex(0)
    assert len(index) == 1
    assert index.candidates(np.eye(3, dtype=np.float32), 2).tolist() == [[1, 0], [1, 0], [1, 0]]
