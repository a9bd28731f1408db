from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.association.index_rows import ExactRows


def filled(vectors: np.ndarray) -> ExactRows:
    rows = ExactRows(vectors.shape[1])
    for row, vector in enumerate(vectors):
        rows.set(row, vector)
    return rows


@settings(deadline=None)
@given(count=st.integers(1, 12), held=st.integers(1, 150), seed=st.integers(0, 1000))
def test_nearest_is_what_sorting_all_products_gives(count: int, held: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, queries = rng.standard_normal((held, 5), np.float32), rng.standard_normal((3, 5), np.float32)
    expected = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(filled(vectors).nearest(queries, count), expected)


def test_among_equals_the_earlier_row_comes_first() -> None:
    rows = filled(np.ones((4, 2), np.float32))
    np.testing.assert_array_equal(rows.nearest(np.ones((1, 2), np.float32), 9), [[0, 1, 2, 3]])


def test_the_last_row_takes_the_place_of_one_that_goes() -> None:
    rows = filled(np.eye(3, dtype=np.float32))
    rows.fill_from_last(0)
    np.testing.assert_array_equal(rows.vectors, [[0, 0, 1], [0, 1, 0]])


def test_a_row_that_goes_is_overwritten() -> None:
    rows = filled(np.eye(3, dtype=np.float32))
    all_memory = rows.vectors
    rows.fill_from_last(2)
    np.testing.assert_array_equal(all_memory[2], 0)


@pytest.mark.parametrize("row", [-1, 4])
def test_a_row_beside_the_matrix_is_refused(row: int) -> None:
    rows = filled(np.eye(3, dtype=np.float32))
    with pytest.raises(IndexError):
        rows.set(row, np.zeros(3, np.float32))
    with pytest.raises(IndexError):
        rows.fill_from_last(row)
