"""What is searched and found: embeddings of tracklets, and whose they are.

Letters: N entries, E numbers of an embedding, P parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.structures import EmbeddingLayout, FloatArray, IntArray

JUNK = -1
"""Person of entries that show nobody in particular: nobody looks for them, and they are never found."""

DISTRACTOR = 0
"""Person of entries that nobody looks for; found, they are wrong."""

_ROWS_CHECKED_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Queries, or a gallery.

    Several `Entries` may share one matrix: 12,000 embeddings of 19,200 numbers are not copied to be searched twice.

    Attributes:
        vectors: (at least N, E) float32, not normalised.
        rows: (N,) which row of `vectors` and `visibility` each entry is.
        people: (N,) whose each is, from 1; `DISTRACTOR` or `JUNK`.
        cameras: (N,) where each was seen.
        visibility: (as vectors, P) float32 in [0, 1], how far each shows each part; None where there are no parts.
        layout: where the parts are; None where there are none.
        mistaken_cameras: (N,) cameras by which finds are removed instead, to repeat an evaluator's mistake; None: the
            true ones.
    """

    vectors: FloatArray
    rows: IntArray
    people: IntArray
    cameras: IntArray
    visibility: FloatArray | None = None
    layout: EmbeddingLayout | None = None
    mistaken_cameras: IntArray | None = None

    def __post_init__(self) -> None:
        if not len(self.rows) == len(self.people) == len(self.cameras):
            raise ValueError(
                f"entries need a row, a person and a camera each, got {len(self.rows)}, {len(self.people)} and "
                f"{len(self.cameras)}"
            )
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32:
            raise ValueError(f"vectors must be (N, E) float32, got {self.vectors.shape} {self.vectors.dtype}")
        if self.layout is not None and self.layout.size != self.vectors.shape[1]:
            raise ValueError(f"vectors have {self.vectors.shape[1]} numbers, their layout {self.layout.size}")

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(
        cls,
        vectors: FloatArray,
        people: IntArray,
        cameras: IntArray,
        visibility: FloatArray | None = None,
        layout: EmbeddingLayout | None = None,
    ) -> Entries:
        """One entry for each row of a matrix.

        Raises:
            InputError: an embedding holds NaN or infinity.
        """
        check_finite(vectors)
        return cls(vectors, np.arange(len(vectors), dtype=np.int64), people, cameras, visibility, layout)

    @property
    def removal_cameras(self) -> IntArray:
        """(N,): cameras by which finds of the query's own camera are removed."""
        return self.cameras if self.mistaken_cameras is None else self.mistaken_cameras

    def select(self, places: IntArray) -> Entries:
        """Some of the entries; the matrix is shared."""
        mistaken = None if self.mistaken_cameras is None else self.mistaken_cameras[places]
        return replace(
            self,
            rows=self.rows[places],
            people=self.people[places],
            cameras=self.cameras[places],
            mistaken_cameras=mistaken,
        )


def check_finite(vectors: FloatArray) -> None:
    """Refuse embeddings that no similarity can be told of.

    Raises:
        InputError: one holds NaN or infinity.
    """
    bad = 0
    for first in range(0, len(vectors), _ROWS_CHECKED_AT_ONCE):
        bad += int((~np.isfinite(vectors[first : first + _ROWS_CHECKED_AT_ONCE]).all(axis=1)).sum())
    if bad:
        raise InputError(
            f"{bad} of {len(vectors)} embeddings hold NaN or infinity; check the weights and the precision they run in"
        )
