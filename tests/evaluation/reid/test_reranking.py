from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.evaluation.reid import Entries, Reranking, SearchOptions, Similarity, search
from keyreid_stream.evaluation.reid.reranking import reranked_blocks
from tests.evaluation.reid.plain_loop import plain_reranking


def clustered(people: int, of_each: int, seed: int, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    centers = generator.standard_normal((people, 8))
    who = np.repeat(np.arange(1, people + 1), of_each)
    vectors = centers[who - 1] + spread * generator.standard_normal((len(who), 8))
    return vectors.astype(np.float32), who


@pytest.mark.parametrize("kind", ["cosine", "euclidean"])
@pytest.mark.parametrize(("k1", "k2", "share"), [(5, 3, 0.3), (4, 1, 0.0), (20, 6, 0.3), (100, 6, 0.5)])
def test_final_distances_are_the_papers(kind: str, k1: int, k2: int, share: float) -> None:
    vectors, who = clustered(6, 5, seed=k1)
    order = np.random.default_rng(1).permutation(len(who))
    everything = Entries.of(vectors, who, np.ones(len(who), np.int64))
    queries, gallery = everything.select(order[:11]), everything.select(order[11:])
    moved = vectors[order].astype(np.float64)
    if kind == "cosine":
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    distances = ((moved[:, None] - moved[None]) ** 2).sum(axis=2)
    expected = plain_reranking(distances, 11, k1, k2, share)
    settings = Reranking(k1, k2, share)
    for rows in (4, 1024):
        blocks = reranked_blocks(queries, gallery, Similarity(kind), settings, rows=rows)  # type: ignore[arg-type]
        np.testing.assert_allclose(-np.concatenate([block for _, block in blocks]), expected, atol=2e-5)
    apart = Entries.of(vectors[order[:11]], queries.people, queries.cameras)
    ((_, joined),) = reranked_blocks(apart, gallery, Similarity(kind), settings)  # type: ignore[arg-type]
    np.testing.assert_allclose(-joined, expected, atol=2e-5)


def test_neighbours_help_a_search() -> None:
    vectors, who = clustered(20, 8, seed=3, spread=1.1)
    cameras = np.tile(np.arange(8), 20)
    everything = Entries.of(vectors, who, cameras)
    queries, gallery = everything.select(np.flatnonzero(cameras < 2)), everything.select(np.flatnonzero(cameras >= 2))
    plain = search(queries, gallery).score
    better = search(queries, gallery, SearchOptions(reranking=Reranking(k1=6, k2=3))).score
    assert better.mean_average_precision > plain.mean_average_precision + 0.02


def test_settings_that_mean_nothing_are_refused() -> None:
    for wrong in ({"k1": 0}, {"k2": 0}, {"original_share": 1.5}):
        with pytest.raises(ConfigError, match="re-ranking has"):
            Reranking(**wrong)  # type: ignore[arg-type]
