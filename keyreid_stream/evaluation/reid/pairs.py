"""How alike pairs from two cameras are, the same person's and different people's, counted in narrow bins.

Letters: Q queries, G gallery entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.evaluation.reid.entries import DISTRACTOR, JUNK, Entries
from keyreid_stream.evaluation.reid.similarity import Similarity
from keyreid_stream.structures import FloatArray, IntArray

BINS = 4000
"""Of a cosine's range, each 0.0005 wide: what is read from the counts is exact to that."""

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Pairs of a query and a gallery entry of another camera, by their similarity.

    Distractors are different from everybody; junk is not counted.

    Attributes:
        low, high: ends of the range that the bins divide evenly.
        same: (BINS,) pairs of one person.
        different: (BINS,) pairs of two.
        candidates: among how many people a query is looked for, in the direction that has most.
    """

    low: float
    high: float
    same: IntArray
    different: IntArray
    candidates: int

    @property
    def edges(self) -> NDArray[np.float64]:
        """(BINS + 1,): where the bins begin and end."""
        return np.linspace(self.low, self.high, BINS + 1)

    def different_moments(self) -> tuple[int, float, float]:
        """Count, sum and sum of squares of the similarities of different people."""
        edges = self.edges
        middles = (edges[:-1] + edges[1:]) / 2
        total = float((self.different * middles).sum())
        return int(self.different.sum()), total, float((self.different * middles**2).sum())

    def shares_at(self, threshold: float) -> tuple[float, float]:
        """Shares that a threshold gets wrong: different people at or above it, and one person's pairs below it."""
        # A threshold within a bin counts as the nearest edge.
        edge = int(np.clip(round((threshold - self.low) / (self.high - self.low) * BINS), 0, BINS))
        false = self.different[edge:].sum() / max(int(self.different.sum()), 1)
        return float(false), float(self.same[:edge].sum() / max(int(self.same.sum()), 1))

    def equal_error(self) -> float:
        """The threshold at which both shares are closest to each other; the middle, where several are."""
        false = 1 - np.r_[0, np.cumsum(self.different)] / max(int(self.different.sum()), 1)
        missed = np.r_[0, np.cumsum(self.same)] / max(int(self.same.sum()), 1)
        gaps = np.abs(false - missed)
        best = np.flatnonzero(gaps <= gaps.min() + 1e-12)
        return float(self.edges[[best[0], best[-1]]].mean())


def joined(counts: Sequence[PairCounts]) -> PairCounts:
    """Pairs of several directions or splits together.

    Raises:
        ValueError: there are none, or their bins differ.
    """
    if len({(one.low, one.high) for one in counts}) != 1:
        raise ValueError("counts that are joined must be at least one, over one range")
    return PairCounts(
        counts[0].low,
        counts[0].high,
        np.sum([one.same for one in counts], axis=0),
        np.sum([one.different for one in counts], axis=0),
        max(one.candidates for one in counts),
    )


def similarity_range(sides: Iterable[Entries], how: Similarity) -> tuple[float, float]:
    """Between which numbers all similarities lie."""
    if how.kind != "euclidean":
        return -1.0, 1.0
    longest = 0.0
    for side in sides:
        for first in range(0, len(side.vectors), 1024):
            rows = side.vectors[first : first + 1024]
            longest = max(longest, float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0))))
    return -((2 * longest) ** 2) or -1.0, 0.0


class PairCounter:
    """Counts similarities on their way to the ranking."""

    def __init__(self, queries: Entries, gallery: Entries, limits: tuple[float, float]) -> None:
        """Count none yet.

        Args:
            queries: what is looked for.
            gallery: where.
            limits: as `similarity_range` gave them.
        """
        self._queries, self._gallery = queries, gallery
        self._low, self._high = limits
        self._counts = np.zeros((3, BINS), np.int64)

    def passing(self, blocks: Iterable[tuple[slice, FloatArray]]) -> Iterator[tuple[slice, FloatArray]]:
        """The same blocks of similarities (some queries, G), each counted before it is handed on."""
        for place, similarities in blocks:
            for first in range(0, len(similarities), _ROWS_AT_ONCE):
                some = slice(first, first + _ROWS_AT_ONCE)
                self._add(np.arange(place.start, place.stop)[some], similarities[some])
            yield place, similarities

    def counts(self) -> PairCounts:
        """What was counted."""
        same, different, _ = self._counts
        people = self._gallery.people
        return PairCounts(self._low, self._high, same, different, len(np.unique(people[people > DISTRACTOR])))

    def _add(self, queries: IntArray, similarities: FloatArray) -> None:
        asked, found = self._queries.people[queries][:, None], self._gallery.people[None]
        left_out = (asked == JUNK) | (found == JUNK)
        left_out |= self._queries.cameras[queries][:, None] == self._gallery.cameras[None]
        kind = np.where((asked == found) & (asked > DISTRACTOR), 0, 1)
        # Two distractors may be one person, and a distractor is no query.
        kind[left_out | (asked <= DISTRACTOR)] = 2
        scaled = (similarities - self._low) * (BINS / (self._high - self._low))
        places = np.clip(scaled, 0, BINS - 1).astype(np.int64)
        self._counts += np.bincount((kind * BINS + places).ravel(), minlength=3 * BINS).reshape(3, BINS)
