"""Rows of unit vectors that can be searched: the interface, and exact search for galleries of ordinary size."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from keyreid_stream.structures import FloatArray, IntArray

_FIRST_CAPACITY = 64


class SearchableRows(Protocol):
    """Vectors numbered 0 to len - 1, without holes, and the rows nearest to a query."""

    def __len__(self) -> int:
        """Rows held."""
        ...

    def set(self, row: int, vector: FloatArray) -> None:
        """Put a unit vector (E,) in place of a row, or after the last one where `row` is their number."""
        ...

    def fill_from_last(self, row: int) -> None:
        """Drop a row; the last row takes its place, so that no hole is left."""
        ...

    def nearest(self, queries: FloatArray, count: int) -> IntArray:
        """The `count` rows, at most all, with the largest product with each query (n, E), closest first."""
        ...


class ExactRows:
    """All vectors as they are, in one matrix: exact, and quick up to some thousands.

    Memory is that of the largest number of rows so far, at most doubled.
    """

    def __init__(self, size: int) -> None:
        self._matrix: FloatArray = np.zeros((_FIRST_CAPACITY, size), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def vectors(self) -> FloatArray:
        """The rows, (len, E); a view."""
        return self._matrix[: self._count]

    def set(self, row: int, vector: FloatArray) -> None:
        """See `SearchableRows`."""
        if not 0 <= row <= self._count:
            raise IndexError(f"row {row} of {self._count}")
        if row == len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
        self._matrix[row] = vector
        self._count = max(self._count, row + 1)

    def fill_from_last(self, row: int) -> None:
        """See `SearchableRows`."""
        if not 0 <= row < self._count:
            raise IndexError(f"row {row} of {self._count}")
        self._count -= 1
        self._matrix[row] = self._matrix[self._count]
        self._matrix[self._count] = 0  # of a person who is forgotten, nothing stays

    def nearest(self, queries: FloatArray, count: int) -> IntArray:
        """See `SearchableRows`; among equals the earlier row comes first."""
        products = queries @ self.vectors.T
        count = min(count, self._count)
        if count < self._count:
            best = np.argpartition(-products, count - 1, axis=1)[:, :count]
            best.sort(axis=1)
        else:
            best = np.broadcast_to(np.arange(count), (len(queries), count))
        order = np.argsort(-np.take_along_axis(products, best, axis=1), axis=1, kind="stable")
        nearest: IntArray = np.take_along_axis(best, order, axis=1).astype(np.int64)
        return nearest
