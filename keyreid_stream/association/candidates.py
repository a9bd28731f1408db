"""Who, of everyone a gallery knows, is most like somebody: an index names candidates, exact comparison ranks them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.index import CandidateIndex
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.structures import FloatArray, IntArray

SHORTLIST = 256
"""Identities compared exactly for every query; a gallery of no more is compared exactly as a whole."""

_QUERIES_AT_ONCE = 8
"""Queries share one comparison with everyone on any of their lists; more of them would make it large."""


class CandidateSearch:
    """What every identity of a gallery looks like, and the ones most like a query.

    The index holds one vector an identity, the mean of its exemplars; ranks are by the closest exemplar.
    """

    def __init__(self, global_weight: float) -> None:
        self._global_weight = global_weight
        self._exemplars: dict[int, tuple[Exemplar, ...]] = {}
        self._looks: dict[int, Signatures] = {}
        self._index: CandidateIndex | None = None
        self._everyone: tuple[IntArray, Signatures, IntArray] | None = None  # ready to compare, while they are few

    def ids(self) -> frozenset[int]:
        """Everyone held."""
        return frozenset(self._looks)

    def put(self, identity_id: int, exemplars: Sequence[Exemplar]) -> None:
        """Hold these exemplars in place of an identity's earlier ones; with none, forget it."""
        given = tuple(exemplars)
        if given == self._exemplars.get(identity_id, ()):
            return
        self._everyone = None
        if not given:
            del self._exemplars[identity_id], self._looks[identity_id]
            if self._index is not None:
                self._index.remove(identity_id)
            return
        # One exemplar, as most have, is not copied.
        looks = given[0].signature if len(given) == 1 else Signatures.joined([one.signature for one in given])
        if self._index is None:
            self._index = CandidateIndex(looks.vectors.shape[1])
        self._exemplars[identity_id], self._looks[identity_id] = given, looks
        self._index.put(identity_id, looks.vectors.mean(axis=0, keepdims=True))

    def nearest(self, queries: Signatures, count: int) -> tuple[IntArray, FloatArray]:
        """The identities most like each query, closest first.

        Args:
            queries: n of them.
            count: how many identities for each, at most `SHORTLIST`.

        Returns:
            (n, m) identity ids and (n, m) similarities to their closest exemplar, m being `count` or all there are.
        """
        count = min(count, SHORTLIST, len(self._looks))
        identity_ids = np.zeros((len(queries), count), np.int64)
        similarities = np.zeros((len(queries), count), np.float32)
        for start in range(0, len(queries) if count else 0, _QUERIES_AT_ONCE):
            some = slice(start, start + _QUERIES_AT_ONCE)
            asked = Signatures(queries.vectors[some], queries.visibility[some])
            listed, looks, starts = self._listed(asked)
            close = np.maximum.reduceat(similarity(asked, looks, self._global_weight), starts, axis=1)
            best = np.argsort(-close, axis=1, kind="stable")[:, :count]
            identity_ids[some] = listed[best]
            similarities[some] = np.take_along_axis(close, best, axis=1)
        return identity_ids, similarities

    def _listed(self, queries: Signatures) -> tuple[IntArray, Signatures, IntArray]:
        """Everyone on the queries' lists, ascending; all their looks, and where each one's begin."""
        if self._index is not None and len(self._looks) > SHORTLIST:
            listed: IntArray = np.unique(self._index.candidates(queries.vectors, SHORTLIST))
            return self._looks_of(listed[listed > 0])
        if self._everyone is None:
            self._everyone = self._looks_of(np.array(sorted(self._looks), np.int64))
        return self._everyone

    def _looks_of(self, identity_ids: IntArray) -> tuple[IntArray, Signatures, IntArray]:
        looks = [self._looks[identity_id] for identity_id in identity_ids.tolist()]
        starts: IntArray = np.cumsum([0, *(len(one) for one in looks[:-1])], dtype=np.int64)
        return identity_ids, Signatures.joined(looks), starts
