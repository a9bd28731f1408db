"""Candidates: who, of very many identities, is worth an exact comparison."""

from __future__ import annotations

import numpy as np

from keyreid_stream.association.index_codes import CodedRows
from keyreid_stream.association.index_rows import ExactRows, SearchableRows
from keyreid_stream.errors import InputError
from keyreid_stream.structures import FloatArray, IntArray

EXACT_ROWS = 2048
"""Above this many vectors they are kept as codes: measured in docs/decisions/0015-candidate-index.md."""

_SHORTEST = 1e-12


class CandidateIndex:
    """One or a few centroids per identity, and the identities whose centroids are most like a query.

    Up to `exact_rows` centroids the search is exact. Above, it reads compact codes and is approximate: ask for
    a few hundred candidates and compare those exactly. The same calls in the same order give the same answers. An
    index that was emptied starts afresh.
    """

    def __init__(self, size: int, exact_rows: int = EXACT_ROWS) -> None:
        """Make an empty index of vectors of `size` numbers.

        Raises:
            InputError: a number is below 1.
        """
        if size < 1 or exact_rows < 1:
            raise InputError(f"an index of {size} numbers a vector, exact up to {exact_rows}; both must be at least 1")
        self._size = size
        self._exact_rows = exact_rows
        self._rows: SearchableRows = ExactRows(size)
        self._owners: IntArray = np.zeros(64, np.int64)
        self._rows_of: dict[int, list[int]] = {}
        self._most_centroids = 1

    def __len__(self) -> int:
        """Identities held."""
        return len(self._rows_of)

    def __contains__(self, identity_id: int) -> bool:
        return identity_id in self._rows_of

    @property
    def is_exact(self) -> bool:
        """Whether the search is exact, for now."""
        return isinstance(self._rows, ExactRows)

    def put(self, identity_id: int, centroids: FloatArray) -> None:
        """Hold these centroids (k, E), k at least 1, of any length, for an identity, in place of what was held.

        Raises:
            InputError: the id is below 1, or the centroids have another shape or are not finite.
        """
        if identity_id < 1:
            raise InputError(f"identity id {identity_id}; ids are 1 or larger")
        vectors = self._unit(centroids, "centroids")
        if not len(vectors):
            raise InputError(f"no centroids for identity {identity_id}; give at least one, or remove the identity")
        held = self._rows_of.setdefault(identity_id, [])
        while len(held) > len(vectors):
            self._drop_row(held[-1])
        for place, vector in enumerate(vectors):
            if place == len(held):
                self._append(identity_id, vector)
            else:
                self._rows.set(held[place], vector)
        self._most_centroids = max(self._most_centroids, len(vectors))

    def remove(self, identity_id: int) -> None:
        """Forget an identity; the memory that held its vectors is overwritten.

        Raises:
            InputError: it is not held.
        """
        if identity_id not in self._rows_of:
            raise InputError(f"identity {identity_id} is not in the index; it holds {len(self)} others")
        held = self._rows_of[identity_id]
        while held:
            self._drop_row(held[-1])
        del self._rows_of[identity_id]
        if not self._rows_of:
            self._rows, self._most_centroids = ExactRows(self._size), 1

    def candidates(self, queries: FloatArray, count: int) -> IntArray:
        """The identities most like each query (n, E), closest first: (n, count) ids, 0 where there are no more.

        Raises:
            InputError: `count` is below 1, or the queries have another shape or are not finite.
        """
        if count < 1:
            raise InputError(f"{count} candidates asked for; ask for at least 1")
        found = np.zeros((len(queries), count), np.int64)
        vectors = self._unit(queries, "queries")
        if not len(vectors) or not self._rows_of:
            return found
        owners = self._owners[self._rows.nearest(vectors, count * self._most_centroids)]
        if self._most_centroids == 1:
            found[:, : owners.shape[1]] = owners
            return found
        for ids, row_owners in zip(found, owners, strict=True):
            _, first = np.unique(row_owners, return_index=True)
            distinct = row_owners[np.sort(first)][:count]
            ids[: len(distinct)] = distinct
        return found

    def _append(self, identity_id: int, vector: FloatArray) -> None:
        if isinstance(self._rows, ExactRows) and len(self._rows) >= self._exact_rows:
            self._rows = CodedRows(self._rows.vectors)
        row = len(self._rows)
        if row == len(self._owners):
            self._owners = np.concatenate([self._owners, np.zeros_like(self._owners)])
        self._rows.set(row, vector)
        self._owners[row] = identity_id
        self._rows_of[identity_id].append(row)

    def _drop_row(self, row: int) -> None:
        last = len(self._rows) - 1
        moved = int(self._owners[last])
        self._rows_of[int(self._owners[row])].remove(row)
        self._rows.fill_from_last(row)
        if row != last:
            held = self._rows_of[moved]
            held[held.index(last)] = row
            self._owners[row] = moved
        self._owners[last] = 0

    def _unit(self, rows: FloatArray, what: str) -> FloatArray:
        if rows.ndim != 2 or rows.shape[1] != self._size:
            raise InputError(f"{what} of shape {rows.shape}; this index takes (any number, {self._size})")
        exact = np.asarray(rows, np.float32)
        if not np.isfinite(exact).all():
            raise InputError(f"{what} hold numbers that are not finite; leave such embeddings out")
        lengths = np.linalg.norm(exact, axis=1, keepdims=True)
        unit: FloatArray = exact / np.maximum(lengths, np.float32(_SHORTEST))
        return unit
