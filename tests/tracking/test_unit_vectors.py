from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from keyreid_stream.tracking.unit_vectors import neutral_vector, unit_rows, unit_vector

ANY_ROWS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)


def test_hand_worked_rows() -> None:
    given_rows = np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1], [-5, 0]], np.float32)
    neutral = [np.sqrt(0.5), -np.sqrt(0.5)]
    expected = [[0.6, 0.8], neutral, neutral, neutral, [-1, 0]]
    np.testing.assert_allclose(unit_rows(given_rows), expected, atol=1e-7)


@given(ANY_ROWS)
def test_rows_are_always_finite_and_of_length_one(given_rows: np.ndarray) -> None:
    rows = unit_rows(given_rows)
    assert rows.dtype == np.float32
    assert rows.shape == given_rows.shape
    np.testing.assert_allclose(np.linalg.norm(rows.astype(np.float64), axis=1), 1, atol=1e-5)


@given(ANY_ROWS)
def test_rows_and_single_vectors_agree(given_rows: np.ndarray) -> None:
    for row, scaled in zip(given_rows, unit_rows(given_rows), strict=True):
        alone = unit_vector(row)
        np.testing.assert_array_equal(scaled, neutral_vector(len(row)) if alone is None else alone)


def test_the_largest_numbers_do_not_overflow() -> None:
    huge = np.full((1, 4), np.finfo(np.float32).max, np.float32)
    np.testing.assert_allclose(unit_rows(huge), [[0.5] * 4], atol=1e-7)


def test_the_caller_keeps_its_vector() -> None:
    vector = np.array([1, 0], np.float32)
    scaled = unit_vector(vector)
    assert scaled is not None
    scaled[0] = 7
    assert vector[0] == 1


@pytest.mark.parametrize("lowest", [-1.0, 0.0])
def test_the_neutral_vector_is_at_a_right_angle_to_real_embeddings(lowest: float) -> None:
    embeddings = unit_rows(np.random.default_rng(0).uniform(lowest, 1, size=(200, 192)).astype(np.float32))
    assert np.abs(embeddings @ neutral_vector(192)).max() < 0.3
