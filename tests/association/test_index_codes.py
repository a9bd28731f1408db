from __future__ import annotations

import subprocess
import sys

import faiss
import numpy as np
import pytest

from keyreid_stream.association.index_codes import CodedRows, Mixing

LEVELS = np.array([-1.510, -0.4528, 0.4528, 1.510], np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_units(count: int, size: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((count, size)))


@pytest.mark.parametrize("size", [1, 7, 64, 100, 576, 1728])
def test_mixing_keeps_every_product(size: int) -> None:
    rows = random_units(20, size)
    mixed = Mixing(size)(rows)
    np.testing.assert_allclose(mixed @ mixed.T, rows @ rows.T, atol=1e-5)


@pytest.mark.parametrize("size", [1729, 2304, 6144])
def test_of_longer_vectors_so_many_numbers_stand_for_all(size: int) -> None:
    """Random projections: a product of unit vectors is off by about 1 / sqrt(numbers) where the rest is left out."""
    rows = random_units(40, size)
    mixed = Mixing(size)(rows)
    assert mixed.shape == (40, Mixing(size).kept) == (40, 1728)
    apart = mixed @ mixed.T * (np.ceil(size / 64) * 64 / 1728) - rows @ rows.T
    assert np.abs(apart).max() < 5 / np.sqrt(1728)
    assert apart.mean() == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize("size", [64, 576, 2304])
def test_mixing_spreads_a_single_number_over_all(size: int) -> None:
    mixed = Mixing(size)(np.eye(size, dtype=np.float32)[:50])
    # Twenty times a number's root mean square in 2,304 would be nearly the whole length.
    assert np.abs(mixed).max() < 7 / np.sqrt(size)


def test_mixing_is_the_same_every_time() -> None:
    rows = random_units(3, 576)
    np.testing.assert_array_equal(Mixing(576)(rows), Mixing(576)(rows))


@pytest.mark.parametrize("size", [40, 576, 2304])
@pytest.mark.parametrize("queries_are_rows", [False, True])
def test_the_scan_ranks_as_products_with_the_nearest_levels_do(size: int, queries_are_rows: bool) -> None:
    """The oracle codes with NumPy. Queries that are rows reach sums that would wrap around in 16 bits."""
    vectors = unit(random_units(400, size) + 0.5 * random_units(1, size, seed=9))
    queries = vectors[:30] if queries_are_rows else random_units(30, size, seed=1)
    rows = CodedRows(vectors)
    mixing = Mixing(size)
    mixed = mixing(vectors - vectors.mean(axis=0))
    scale = np.sqrt(np.mean(mixed**2))
    decoded = LEVELS[np.abs(mixed[..., None] / scale - LEVELS).argmin(axis=-1)] * scale
    scores = mixing(queries) @ decoded.T
    found = rows.nearest(queries, 10)
    tenth_best = np.sort(scores, axis=1)[:, -10]
    worst_found = np.take_along_axis(scores, found, axis=1).min(axis=1)
    assert (worst_found >= tenth_best - 0.01).all()  # what rounding of the product tables costs
    if queries_are_rows:
        np.testing.assert_array_equal(found[:, 0], np.arange(30))


def test_without_a_bound_on_the_sums_long_vectors_would_not_find_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the guard: should FAISS one day bound the sums itself, ours can go."""
    vectors = random_units(400, 2304)
    monkeypatch.setattr("keyreid_stream.association.index_codes._LARGEST_SUM", 1e12)
    assert (CodedRows(vectors).nearest(vectors[:30], 1)[:, 0] != np.arange(30)).any()


def test_rows_are_replaced_added_and_filled_from_the_last() -> None:
    vectors = random_units(100, 64)
    rows = CodedRows(vectors[:40])
    rows.set(40, vectors[40])
    rows.set(7, vectors[50])
    rows.fill_from_last(3)  # 40 moves to 3
    assert len(rows) == 40
    nearest = rows.nearest(vectors[[40, 50, 39, 0]], 1)[:, 0]
    np.testing.assert_array_equal(nearest, [3, 7, 39, 0])
    rows.fill_from_last(39)  # the last itself
    assert set(rows.nearest(vectors[:1], 100)[0]) == set(range(39))


def test_the_code_of_a_row_that_goes_is_overwritten() -> None:
    rows = CodedRows(random_units(33, 64))
    assert rows._blocks[1].any()
    rows.fill_from_last(0)  # row 32, alone in the second block, moves to the first
    assert not rows._blocks[1].any()


@pytest.mark.parametrize("row", [-1, 34])
def test_a_row_beside_the_codes_is_refused(row: int) -> None:
    rows = CodedRows(random_units(33, 64))
    with pytest.raises(IndexError):
        rows.set(row, np.zeros(64, np.float32))
    with pytest.raises(IndexError):
        rows.fill_from_last(row)


def test_rows_that_are_all_alike_can_be_coded_and_told_from_later_ones() -> None:
    rows = CodedRows(np.tile(random_units(1, 64), (40, 1)))
    other = random_units(1, 64, seed=3)
    rows.set(40, other[0])
    assert rows.nearest(other, 1)[0, 0] == 40


_COUNT_THREADS = """
import {first}
import {second}
import numpy as np
from keyreid_stream.association.index_codes import CodedRows
faiss.omp_set_num_threads(2)
torch.set_num_threads(2)
rows = CodedRows(np.eye(64, dtype=np.float32))
search, within = rows._index.search, []
def noting(*given):
    within.append(faiss.omp_get_max_threads())
    return search(*given)
rows._index.search = noting
rows.nearest(np.eye(64, dtype=np.float32), 3)
print(within, faiss.omp_get_max_threads(), torch.get_num_threads())
"""


@pytest.mark.parametrize(("first", "second"), [("torch", "faiss"), ("faiss", "torch")])
def test_a_scan_takes_one_thread_and_the_models_keep_theirs(first: str, second: str) -> None:
    # In a process of its own: which OpenMP library the two share depends on who was imported first.
    script = _COUNT_THREADS.format(first=first, second=second)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split("\n")[0] == "[1] 2 2"


def test_threads_come_back_after_a_fault() -> None:
    rows = CodedRows(np.eye(64, dtype=np.float32))
    threads = faiss.omp_get_max_threads()
    with pytest.raises(AssertionError):  # FAISS's own answer to a count below one
        rows.nearest(np.eye(64, dtype=np.float32), -1)
    assert faiss.omp_get_max_threads() == threads
