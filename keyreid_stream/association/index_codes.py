"""Rows of unit vectors kept in two bits a number, for galleries of 1e5 identities.

All codes are read for every query, sixteen times less memory than float32, so there is no graph to repair and no cell
to miss: an update overwrites one code, and whom a query finds does not depend on how people's embeddings cluster.

A vector is centred, mixed by a fixed orthogonal rotation, and each number takes the nearest of four levels. Mixing
makes the numbers of any embedding about equally large and about normally distributed, so levels and rotation are the
same for every model and nothing is trained. The query keeps its precision. FAISS scans: two numbers share a code of
four bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keyreid_stream.structures import FloatArray, IntArray

_LEVELS = np.array([-1.510, -0.4528, 0.4528, 1.510], np.float32)
"""The four levels of least squared error for the standard normal distribution (Max, 1960)."""

_PAIRS = np.stack(np.meshgrid(_LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(16, 2)
_SEED = 5
_ROUNDS = 2
_MULTIPLE = 64
"""Vectors are padded to a multiple, which a rotation of small factors needs."""

_MOST_NUMBERS = 1728
"""Of a mixed vector, all numbers tell alike, so these stand for longer ones: reading 1e5 codes of base embeddings then
takes three quarters of the time, for 0 to 0.4 % of the right people lost (docs/decisions/0015-candidate-index.md)."""

_BLOCK = 32
"""Rows that lie together in a block of codes: FAISS's own choice."""

_LARGEST_SUM = 60_000.0
"""The scan sums in 16 bits and wraps around above 65,535; the rest is room for rounding."""

_LARGEST_STEP = 255.0
_LEAST_SCALE = 1e-6


class Mixing:
    """A fixed orthogonal map that spreads every direction over all numbers, and the first `kept` of them.

    Each round flips signs, permutes, and rotates rows and columns of the vector laid out as a matrix: a few
    microseconds, where a full matrix for 2,304 numbers would take a millisecond.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._padded = -(-size // _MULTIPLE) * _MULTIPLE
        self.kept = min(self._padded, _MOST_NUMBERS)
        height = next(h for h in range(int(self._padded**0.5), 0, -1) if self._padded % h == 0)
        self._shape = (height, self._padded // height)
        rng = np.random.default_rng(_SEED)
        self._rounds = [
            (
                rng.choice(np.array([-1, 1], np.float32), self._padded),
                rng.permutation(self._padded),
                *(np.linalg.qr(rng.standard_normal((side, side)))[0].astype(np.float32) for side in self._shape),
            )
            for _ in range(_ROUNDS)
        ]

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Mix rows (n, E) to (n, kept)."""
        mixed: FloatArray = np.pad(rows, ((0, 0), (0, self._padded - self.size)))
        for signs, order, left, right in self._rounds:
            mixed = (mixed * signs)[:, order].reshape(-1, *self._shape)
            mixed = (left @ mixed @ right).reshape(-1, self._padded)
        return np.ascontiguousarray(mixed[:, : self.kept])


class CodedRows:
    """Vectors as codes of two bits a number, searched by FAISS; what is nearest is approximate.

    Memory is that of the largest number of rows so far, at most doubled.
    """

    def __init__(self, sample: FloatArray) -> None:
        """Start with the unit vectors (n, E) held so far; their mean is taken off every vector from then on."""
        import faiss

        self._faiss = faiss
        self._mixing = Mixing(sample.shape[1])
        self._centre: FloatArray = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
        mixed = self._mixing(sample - self._centre)
        self._scale = max(float(np.sqrt(np.mean(np.square(mixed)))), _LEAST_SCALE)
        self._index = self._empty_index()
        self._packer = self._index.get_CodePacker()
        self._blocks: Any = np.zeros((0, self._packer.block_size), np.uint8)
        for row, vector in enumerate(mixed):
            self._set_mixed(row, vector)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def set(self, row: int, vector: FloatArray) -> None:
        """See `SearchableRows`."""
        if not 0 <= row <= len(self):
            raise IndexError(f"row {row} of {len(self)}")  # FAISS would write beside its memory
        self._set_mixed(row, self._mixing((vector - self._centre)[None])[0])

    def fill_from_last(self, row: int) -> None:
        """See `SearchableRows`."""
        last = len(self) - 1
        if not 0 <= row <= last:
            raise IndexError(f"row {row} of {len(self)}")
        self._packer.pack_1(self._packer.unpack_1(self._blocks, last), row, self._blocks)
        self._packer.pack_1(np.zeros(self._packer.code_size, np.uint8), last, self._blocks)  # nothing of them stays
        self._set_count(last)

    def nearest(self, queries: FloatArray, count: int) -> IntArray:
        """See `SearchableRows`."""
        # The centre is off the rows only: what it adds to a product is the same for all of them.
        mixed = self._mixing(queries)
        # Without a bound, the steps of FAISS's product tables follow from the widest table alone, and long vectors'
        # sums wrap around. A last pair, zero in every row, makes the widest table as wide as all of them together need.
        # Its other end is below zero, so every row's sum is positive: FAISS leaves out rows that sum to nothing.
        total = self._scale * float(np.ptp(_LEVELS)) * np.abs(mixed).sum(axis=1)
        width = np.maximum(total * (_LARGEST_STEP / _LARGEST_SUM), _LEAST_SCALE)
        bound = np.stack([-width, np.zeros_like(width)], axis=1).astype(np.float32)
        with self._one_thread():
            nearest: IntArray = self._index.search(np.concatenate([mixed, bound], axis=1), min(count, len(self)))[1]
        return nearest

    @contextmanager
    def _one_thread(self) -> Iterator[None]:
        """Scan in the calling thread, and leave its number of threads as it was.

        A tick asks for a few people: handing that to every core, and waiting for the last of them while the models keep
        those cores busy, costs more than it gains. Only around the scan, because FAISS and PyTorch share one OpenMP
        library, and with it this number, where PyTorch was imported first.
        """
        threads = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)
        try:
            yield
        finally:
            self._faiss.omp_set_num_threads(threads)

    def _empty_index(self) -> Any:
        pairs = self._mixing.kept // 2
        index = self._faiss.IndexPQFastScan(
            self._mixing.kept + 2, pairs + 1, 4, self._faiss.METRIC_INNER_PRODUCT, _BLOCK
        )
        bound = np.zeros((1, 16, 2), np.float32)
        bound[0, -1, 0] = 1
        levels = np.concatenate([np.tile(_PAIRS * np.float32(self._scale), (pairs, 1, 1)), bound])
        self._faiss.copy_array_to_vector(levels.ravel(), index.pq.centroids)
        index.is_trained = True
        return index

    def _set_mixed(self, row: int, mixed: FloatArray) -> None:
        code = self._index.pq.compute_codes(np.append(mixed, np.zeros(2, np.float32))[None])[0]
        self._make_room_for(row)
        self._packer.pack_1(code, row, self._blocks)
        self._set_count(max(len(self), row + 1))

    def _make_room_for(self, row: int) -> None:
        """Codes lie in blocks of several rows; FAISS doubles the table's memory when it is full."""
        if row < len(self._blocks) * self._packer.nvec:
            return
        blocks = len(self._blocks) + 1
        self._index.codes.resize(blocks * self._packer.block_size)
        memory = self._faiss.rev_swig_ptr(self._index.codes.get(), self._index.codes.size())
        self._blocks = memory.reshape(blocks, self._packer.block_size)
        self._blocks[-1] = 0

    def _set_count(self, rows: int) -> None:
        self._index.ntotal = rows
        self._index.ntotal2 = -(-rows // self._packer.nvec) * self._packer.nvec
