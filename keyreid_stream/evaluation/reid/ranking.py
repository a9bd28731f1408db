"""CMC and average precision of queries, from their similarities to a gallery.

Letters: Q queries, V queries with something to find, G gallery entries, K closest entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid.entries import DISTRACTOR, JUNK, Entries
from keyreid_stream.structures import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class RetrievalScore:
    """Figures of a retrieval, as fractions.

    Attributes:
        rank1, rank5, rank10: share of the queries with a right entry among the first 1, 5, 10.
        mean_average_precision: mAP, over the queries.
        queries: how many had something to find.
    """

    rank1: float
    rank5: float
    rank10: float
    mean_average_precision: float
    queries: int


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What every query found.

    Attributes:
        asked: Q, how many queries there were.
        places: (V,) which of them have something to find.
        average_precisions: (V,) float64.
        first_ranks: (V,) entries before the first right one.
        same_camera: right entries of the queries' own cameras that counted; 0 under any correct rule.
        closest: (V, K) places in the gallery, closest first; -1 where fewer are left.
    """

    asked: int
    places: IntArray
    average_precisions: NDArray[np.float64]
    first_ranks: IntArray
    same_camera: int
    closest: IntArray

    def rank(self, count: int) -> float:
        """Share of queries with a right entry among the first `count`."""
        return float((self.first_ranks < count).mean())

    def cmc(self, ranks: int) -> NDArray[np.float64]:
        """(ranks,): the same for the first 1, 2, ... entries."""
        shares: NDArray[np.float64] = (self.first_ranks[None] <= np.arange(ranks)[:, None]).mean(axis=1)
        return shares

    @property
    def score(self) -> RetrievalScore:
        """The figures."""
        return RetrievalScore(
            rank1=self.rank(1),
            rank5=self.rank(5),
            rank10=self.rank(10),
            mean_average_precision=float(self.average_precisions.mean()),
            queries=len(self.places),
        )


def rank_gallery(
    blocks: Iterable[tuple[slice, FloatArray]],
    queries: Entries,
    gallery: Entries,
    *,
    closest: int = 0,
) -> Ranking:
    """Rank a gallery for every query.

    Entries of the query's person in the query's camera are removed for that query, junk for all. Entries of equal
    similarity take the order that is worst for the score, so that an embedding that says nothing scores nothing.
    Queries with nothing left to find are not counted.

    Args:
        blocks: similarities (some queries, G), all queries in order.
        queries: whose each query is, and where it was seen.
        gallery: the same of each entry.
        closest: K, how many entries to note for every query, for pictures of rankings.

    Raises:
        InputError: no query has anything to find.
    """
    findings = _Findings(queries, gallery, min(closest, len(gallery)))
    for place, similarities in blocks:
        for row, query in zip(similarities, range(place.start, place.stop), strict=True):
            findings.add(query, row)
    return findings.ranking()


class _Findings:
    """Grows query by query."""

    def __init__(self, queries: Entries, gallery: Entries, closest: int) -> None:
        self._queries, self._gallery, self._closest = queries, gallery, closest
        self._junk = gallery.people == JUNK
        self._places: list[int] = []
        self._precisions: list[float] = []
        self._firsts: list[int] = []
        self._tops: list[IntArray] = []
        self._same_camera = 0

    def add(self, query: int, similarities: FloatArray) -> None:
        person = self._queries.people[query]
        same = self._gallery.people == person
        right = same & (self._gallery.removal_cameras != self._queries.removal_cameras[query])
        if person in (JUNK, DISTRACTOR) or not right.any():
            return
        wrong = np.sort(similarities[~(same | self._junk)])
        found = np.sort(similarities[right])[::-1]
        before = len(wrong) - np.searchsorted(wrong, found, side="left")
        count = np.arange(1, len(found) + 1)
        self._places.append(query)
        self._precisions.append(float((count / (count + before)).mean()))
        self._firsts.append(int(before[0]))
        self._same_camera += int((right & (self._gallery.cameras == self._queries.cameras[query])).sum())
        if self._closest:
            left = np.flatnonzero(~self._junk & (right | ~same))
            order = np.lexsort((right[left], -similarities[left]))[: self._closest]
            top = np.full(self._closest, -1, np.int64)
            top[: len(order)] = left[order]
            self._tops.append(top)

    def ranking(self) -> Ranking:
        if not self._places:
            raise InputError(
                "no query has anything to find: none of their people is in the gallery in another camera; give people "
                "who are seen by two cameras"
            )
        tops = np.stack(self._tops) if self._closest else np.zeros((len(self._places), 0), np.int64)
        return Ranking(
            asked=len(self._queries),
            places=np.array(self._places, np.int64),
            average_precisions=np.array(self._precisions),
            first_ranks=np.array(self._firsts, np.int64),
            same_camera=self._same_camera,
            closest=tops,
        )
