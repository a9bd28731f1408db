from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import Entries, SearchOptions, Similarity, search
from keyreid_stream.evaluation.reid.pairs import BINS, PairCounts
from keyreid_train.pair_similarities import SHOWN_BINS, pair_similarities


def random_pairs(kind: str = "cosine") -> tuple[PairCounts, np.ndarray]:
    """30 people in two cameras; and the cosines of different people."""
    generator = np.random.default_rng(2)
    first = generator.standard_normal((30, 5)).astype(np.float32)
    first[:, 0] += 1
    second = first + generator.normal(0, 0.6, (30, 5)).astype(np.float32)
    people = np.arange(1, 31)
    queries, gallery = Entries.of(first, people, np.full(30, 1)), Entries.of(second, people, np.full(30, 2))
    pairs = search(queries, gallery, SearchOptions(Similarity(kind), pairs=True)).pairs  # type: ignore[arg-type]
    assert pairs is not None
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (first, second)]
    return pairs, (unit[0] @ unit[1].T)[~np.eye(30, dtype=bool)]


def test_the_threshold_is_the_one_that_the_association_sets() -> None:
    """An association that has seen these very pairs, one by one, has the same threshold among as many people."""
    pairs, cosines = random_pairs()
    for config in (AssociationConfig(), AssociationConfig(false_merge_rate=0.3, threshold=0.4)):
        seen = Thresholds(config)
        here, there = seen.camera("a"), seen.camera("b")
        seen.different(np.full(len(cosines), here), np.full(len(cosines), there), cosines)
        found = pair_similarities(pairs, Similarity(), config).association
        assert found is not None
        assert found.threshold == pytest.approx(seen.matrices(30)[0][here, there], abs=1e-4)
        assert (found.candidates, found.false_merge_rate) == (30, config.false_merge_rate)
        assert found.false_matches == pytest.approx((cosines >= found.threshold).mean(), abs=2 / len(cosines))


def test_counts_are_gathered_and_none_is_lost() -> None:
    pairs, _ = random_pairs()
    shown = pair_similarities(pairs, Similarity())
    assert len(shown.same) <= SHOWN_BINS
    assert (sum(shown.same), sum(shown.different)) == (30, 870)
    for end in (0, -1):
        assert shown.same[end] + shown.different[end] > 0
    edges = np.linspace(shown.low, shown.high, len(shown.same) + 1)
    middles = (pairs.edges[:-1] + pairs.edges[1:]) / 2
    expected, _ = np.histogram(np.repeat(middles, pairs.different), edges)
    assert np.array_equal(shown.different, expected)
    assert shown.equal_error.false_matches == pytest.approx(shown.equal_error.misses, abs=1 / 30)


def test_one_value_is_one_bin() -> None:
    counts = np.zeros(BINS, np.int64)
    counts[BINS - 1] = 4
    shown = pair_similarities(PairCounts(-1, 1, counts, counts, 2), Similarity())
    assert (shown.same, shown.different) == ((4,), (4,))
    assert shown.high == pytest.approx(1)


def test_a_distance_has_no_threshold_of_the_association() -> None:
    assert pair_similarities(random_pairs("euclidean")[0], Similarity("euclidean")).association is None


def test_a_test_that_nobody_can_fail_is_refused() -> None:
    counts = np.zeros((2, BINS), np.int64)
    counts[0, 7] = 1
    with pytest.raises(InputError, match="nobody can be confused; give more people"):
        pair_similarities(PairCounts(-1, 1, *counts, 1), Similarity())
