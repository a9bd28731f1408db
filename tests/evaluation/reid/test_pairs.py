from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.evaluation.reid import DISTRACTOR, JUNK, Entries, Reranking, SearchOptions, Similarity, search
from keyreid_stream.evaluation.reid.pairs import BINS, PairCounts, joined, similarity_range
from keyreid_stream.evaluation.reid.search import camera_to_camera


def counted(same: dict[float, int], different: dict[float, int]) -> PairCounts:
    """Counts at similarities from -1 to 1."""
    counts = np.zeros((2, BINS), np.int64)
    for row, pairs in enumerate((same, different)):
        for similarity, count in pairs.items():
            counts[row, int((similarity + 1) / 2 * BINS)] = count
    return PairCounts(-1, 1, *counts, candidates=3)


def test_pairs_by_hand() -> None:
    """One query of person 1 in camera 1: her own camera and junk are left out, a distractor is somebody else."""
    queries = Entries.of(np.array([[1, 0]], np.float32), np.array([1]), np.array([1]))
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [-0.6, 0.8], [-1, 0], [0.8, 0.6]], np.float32)
    people = np.array([1, 1, 2, DISTRACTOR, JUNK, 2])
    gallery = Entries.of(vectors, people, np.array([1, 2, 2, 2, 2, 1]))
    pairs = search(queries, gallery, SearchOptions(pairs=True)).pairs
    assert pairs is not None
    middles = (pairs.edges[:-1] + pairs.edges[1:]) / 2
    assert middles[pairs.same > 0] == pytest.approx([0.6], abs=0.001)
    assert middles[pairs.different > 0] == pytest.approx([-0.6, 0], abs=0.001)
    assert pairs.candidates == 2
    assert pairs.different_moments() == (2, pytest.approx(-0.6, abs=0.002), pytest.approx(0.36, abs=0.002))


@pytest.mark.parametrize("kind", ["cosine", "euclidean"])
@pytest.mark.parametrize("reranked", [False, True])
def test_every_pair_is_counted_once_in_each_direction(kind: str, reranked: bool) -> None:
    generator = np.random.default_rng(5)
    vectors = generator.standard_normal((40, 6)).astype(np.float32) * generator.uniform(0.5, 2, (40, 1)).astype("f4")
    people, cameras = generator.integers(1, 9, 40), generator.integers(0, 3, 40)
    how = Similarity(kind)  # type: ignore[arg-type]
    options = SearchOptions(how, Reranking(k1=5, k2=2) if reranked else None, pairs=True)
    pairs = camera_to_camera(Entries.of(vectors, people, cameras), options).pairs
    assert pairs is not None
    expected: dict[bool, list[float]] = {True: [], False: []}
    for one in range(40):
        for other in range(40):
            if cameras[one] != cameras[other]:
                a, b = vectors[one].astype(float), vectors[other].astype(float)
                cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
                expected[bool(people[one] == people[other])].append(
                    cosine if kind == "cosine" else -((a - b) ** 2).sum()
                )
    for counts, values in ((pairs.same, expected[True]), (pairs.different, expected[False])):
        assert counts.sum() == len(values)
        found = np.repeat((pairs.edges[:-1] + pairs.edges[1:]) / 2, counts)
        assert found == pytest.approx(np.sort(values), abs=1.01 * (pairs.high - pairs.low) / BINS)


def test_shares_of_a_threshold_by_hand() -> None:
    pairs = counted({0.1: 1, 0.5: 2, 0.7: 1}, {-0.5: 6, 0.3: 2, 0.6: 2})
    assert pairs.shares_at(0.4) == (pytest.approx(0.2), pytest.approx(0.25))
    assert pairs.shares_at(-1) == (1, 0)
    assert pairs.shares_at(1) == (0, 1)


def test_the_equal_error_threshold_by_hand() -> None:
    """Between 0.3 and 0.5: two of ten are taken wrongly, and one of five is missed."""
    pairs = counted({0.1: 1, 0.5: 4}, {-0.5: 6, 0.3: 2, 0.6: 2})
    assert pairs.equal_error() == pytest.approx(0.4, abs=0.001)
    assert pairs.shares_at(pairs.equal_error()) == (pytest.approx(0.2), pytest.approx(0.2))
    apart = counted({0.5: 1}, {0.0: 1})
    assert apart.equal_error() == pytest.approx(0.25, abs=0.001)
    assert apart.shares_at(apart.equal_error()) == (0, 0)


def test_directions_are_joined() -> None:
    one, other = counted({0.5: 2}, {0.0: 3}), counted({0.5: 1}, {0.25: 4})
    both = joined([one, other])
    assert (both.same.sum(), both.different.sum(), both.candidates) == (3, 7, 3)
    with pytest.raises(ValueError, match="over one range"):
        joined([one, PairCounts(-4, 0, one.same, one.different, 3)])
    with pytest.raises(ValueError, match="at least one"):
        joined([])


def test_the_range_of_distances_holds_the_farthest_pair() -> None:
    side = Entries.of(np.array([[3, 4], [-3, -4], [0, 0]], np.float32), np.array([1, 2, 3]), np.array([1, 2, 3]))
    assert similarity_range([side], Similarity("euclidean")) == (-100, 0)
    assert similarity_range([side], Similarity("visible")) == (-1, 1)
    nothing = Entries.of(np.zeros((2, 2), np.float32), np.array([1, 2]), np.array([1, 2]))
    assert similarity_range([nothing], Similarity("euclidean")) == (-1, 0)
