import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.association.similarity import signatures, similarity
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout

LAYOUT = EmbeddingLayout(global_dim=4, parts=3, part_dim=2)


def random_embedding(rng: np.random.Generator) -> ClipEmbedding:
    return ClipEmbedding(
        rng.standard_normal(LAYOUT.size).astype(np.float32), rng.uniform(0, 1, 3).astype(np.float32), LAYOUT
    )


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def by_hand(left: ClipEmbedding, right: ClipEmbedding, global_weight: float) -> float:
    total, weights = global_weight * cosine(left.global_part, right.global_part), global_weight
    for part in range(LAYOUT.parts):
        weight = (1 - global_weight) / LAYOUT.parts * float(left.visibility[part]) * float(right.visibility[part])
        total += weight * cosine(left.part_rows[part], right.part_rows[part])
        weights += weight
    return total / weights


@given(seed=st.integers(0, 10_000), global_weight=st.floats(0.05, 1.0))
def test_it_is_the_visibility_weighted_mean_cosine(seed: int, global_weight: float) -> None:
    rng = np.random.default_rng(seed)
    left, right = [random_embedding(rng) for _ in range(3)], [random_embedding(rng) for _ in range(2)]
    result = similarity(signatures(left, global_weight), signatures(right, global_weight), global_weight)
    expected = [[by_hand(one, other, global_weight) for other in right] for one in left]
    np.testing.assert_allclose(result, expected, atol=2e-5)


def test_a_part_that_one_side_hides_does_not_count() -> None:
    rng = np.random.default_rng(1)
    one = random_embedding(rng)
    hidden = ClipEmbedding(one.vector, np.array([1, 0, 1], np.float32), LAYOUT)
    changed_vector = one.vector.copy()
    changed_vector[6:8] = -changed_vector[6:8]  # the hidden part, turned around
    changed = ClipEmbedding(changed_vector, np.ones(3, np.float32), LAYOUT)
    assert similarity(signatures([hidden], 0.5), signatures([changed], 0.5), 0.5)[0, 0] == pytest.approx(1.0, abs=1e-5)


def test_a_zero_embedding_is_finite_and_unlike_everything() -> None:
    zero = ClipEmbedding(np.zeros(LAYOUT.size, np.float32), np.ones(3, np.float32), LAYOUT)
    other = random_embedding(np.random.default_rng(2))
    assert similarity(signatures([zero], 0.5), signatures([other], 0.5), 0.5)[0, 0] == 0.0
