from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.association.similarity import prepared
from keyreid_stream.association.similarity import similarity as association_similarity
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.evaluation.reid import Entries, Similarity, similarity_blocks
from keyreid_stream.structures import EmbeddingLayout, FloatArray

LAYOUT = EmbeddingLayout(global_dim=5, parts=3, part_dim=4)


def some_entries(count: int, seed: int, layout: EmbeddingLayout | None = LAYOUT) -> Entries:
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((count, LAYOUT.size)).astype(np.float32)
    visibility = generator.integers(0, 3, (count, LAYOUT.parts)).astype(np.float32) / 2
    people = np.ones(count, np.int64)
    return Entries.of(vectors, people, people, visibility if layout else None, layout)


def whole(queries: Entries, gallery: Entries, how: Similarity, rows: int) -> FloatArray:
    blocks = list(similarity_blocks(queries, gallery, how, rows=rows))
    assert [place.start for place, _ in blocks] == list(range(0, len(queries), rows))
    return np.concatenate([block for _, block in blocks])


@pytest.mark.parametrize("rows", [1, 3, 1024])
def test_every_way_by_its_definition(rows: int) -> None:
    queries, gallery = some_entries(7, 0), some_entries(10, 1).select(np.arange(1, 10))
    left, right = queries.vectors.astype(np.float64), gallery.vectors[1:].astype(np.float64)
    for how, a, b in (("cosine", left, right), ("global", left[:, :5], right[:, :5])):
        norms = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
        np.testing.assert_allclose(whole(queries, gallery, Similarity(how), rows), a @ b.T / norms, atol=1e-6)  # type: ignore[arg-type]
    squared = ((left[:, None] - right[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(whole(queries, gallery, Similarity("euclidean"), rows), -squared, rtol=1e-5)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_visible_parts_are_compared_as_association_does(share: float) -> None:
    queries, gallery = some_entries(6, 2), some_entries(8, 3)
    sides = [
        prepared(one.vectors, one.visibility, LAYOUT, share) for one in (queries, gallery) if one.visibility is not None
    ]
    expected = association_similarity(sides[0], sides[1], share)
    found = whole(queries, gallery, Similarity("visible", share), 4)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_embeddings_are_left_as_they_are() -> None:
    queries = some_entries(4, 4)
    before = queries.vectors.copy()
    for kind in ("cosine", "euclidean", "global", "visible"):
        whole(queries, queries, Similarity(kind), 2)  # type: ignore[arg-type]
    np.testing.assert_array_equal(queries.vectors, before)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown similarity 'manhattan'; choose from: cosine"):
        Similarity("manhattan")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="share is 0"):
        Similarity("visible", 0)
    flat = some_entries(3, 5, layout=None)
    with pytest.raises(InputError, match="needs parts"):
        whole(flat, flat, Similarity("visible"), 2)
    shorter = Entries.of(flat.vectors[:, :3].copy(), flat.people, flat.cameras)
    with pytest.raises(InputError, match="embed both with the same network"):
        whole(flat, shorter, Similarity(), 2)
