"""Tracklets and settled exemplars side by side, one by one and in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.gallery import Exemplar
from keyreid_stream.association.similarity import Signatures, prepared
from keyreid_stream.association.tracklets import Tracklet, TrackletBook
from keyreid_stream.structures import EmbeddingLayout, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Tracklets and settled exemplars, side by side.

    Attributes:
        signatures: n rows.
        rows: (n,) int64 place in the tracklet book, -1 for exemplars.
        identities: (n,) int64, 0 for undecided ones.
        cameras: (n,) int64, cameras' numbers.
        tracks: (n,) int64, equal for tracklets of one track; -1 for exemplars.
        numbers: (n,) int64, of a tracklet in its track.
        clips: (n,) float32.
        first_s, last_s: (n,) float64.
        first_places, last_places: (n, 2) float32 metres on the floor, NaN where unknown.
    """

    signatures: Signatures
    rows: IntArray
    identities: IntArray
    cameras: IntArray
    tracks: IntArray
    numbers: IntArray
    clips: FloatArray
    first_s: NDArray[np.float64]
    last_s: NDArray[np.float64]
    first_places: FloatArray
    last_places: FloatArray

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(
        cls, book: TrackletBook, tracklets: Sequence[Tracklet], settled: Sequence[tuple[int, Exemplar]] = ()
    ) -> Nodes:
        """Tracklets of the book first, then settled exemplars with their identities."""
        rows = np.array([one.row for one in tracklets], np.int64)
        own = Signatures(book.signatures.vectors[rows], book.signatures.visibility[rows])
        nowhere = (np.nan, np.nan)
        old = [exemplar for _, exemplar in settled]
        return cls(
            Signatures.joined([own, *(exemplar.signature for exemplar in old)]),
            np.concatenate([rows, np.full(len(old), -1)]),
            np.array([*(one.identity_id for one in tracklets), *(identity_id for identity_id, _ in settled)], np.int64),
            np.array([*(one.camera for one in tracklets), *(one.camera for one in old)], np.int64),
            np.array([*(one.track for one in tracklets), *(-1 for _ in old)], np.int64),
            np.array([*(one.number for one in tracklets), *(0 for _ in old)], np.int64),
            np.array([*(one.clips for one in tracklets), *(one.clips for one in old)], np.float32),
            np.array([*(one.first_s for one in tracklets), *(one.first_s for one in old)]),
            np.array([*(one.last_s for one in tracklets), *(one.last_s for one in old)]),
            np.array([*(one.first_place or nowhere for one in tracklets), *(nowhere for _ in old)], np.float32),
            np.array([*(one.last_place or nowhere for one in tracklets), *(nowhere for _ in old)], np.float32),
        )

    def select(self, which: IntArray | NDArray[np.bool_]) -> Nodes:
        """The given nodes, by index or mask, in that order."""
        return Nodes(
            Signatures(self.signatures.vectors[which], self.signatures.visibility[which]),
            self.rows[which],
            self.identities[which],
            self.cameras[which],
            self.tracks[which],
            self.numbers[which],
            self.clips[which],
            self.first_s[which],
            self.last_s[which],
            self.first_places[which],
            self.last_places[which],
        )


class Groups:
    """Nodes in groups, each taken for one person.

    Attributes:
        nodes: all of them, ordered by group.
        order: (n,) int64, where each of them was before it was put in order.
        sizes: (g,) int64, nodes of each group.
        clips: (g,) float32, of all its nodes.
    """

    def __init__(self, nodes: Nodes, groups: IntArray, layout: EmbeddingLayout | None, global_weight: float) -> None:
        """Put nodes in groups numbered from 0, none of them empty."""
        self.order: IntArray = np.argsort(groups, kind="stable")
        self.nodes = nodes.select(self.order)
        self.sizes: IntArray = np.bincount(groups)
        self._starts = np.cumsum([0, *self.sizes[:-1]])
        self._layout = layout
        self._global_weight = global_weight
        self.clips: FloatArray = np.add.reduceat(self.nodes.clips, self._starts)

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def signatures(self) -> Signatures:
        """(g rows): the mean of each group's clips."""
        if self._layout is None or len(self) == len(self.nodes):
            return self.nodes.signatures
        weights = self.nodes.clips[:, None] + np.float32(1e-3)
        vectors = np.add.reduceat(weights * self.nodes.signatures.vectors, self._starts)
        total = np.add.reduceat(weights, self._starts)
        shown = np.add.reduceat(weights * self.nodes.signatures.visibility, self._starts) / total
        return prepared(vectors, shown, self._layout, self._global_weight)

    def over_pairs(self, right: Groups, table: NDArray, ufunc: np.ufunc) -> NDArray:  # type: ignore[type-arg]
        """Reduce a table (n, m) over pairs of nodes to one (g, h) over pairs of groups."""
        if len(self) < len(self.nodes):
            table = ufunc.reduceat(table, self._starts, axis=0)
        if len(right) < len(right.nodes):
            table = ufunc.reduceat(table, right._starts, axis=1)
        return table

    def of_nodes(self, values: IntArray) -> IntArray:
        """Values (g,) of groups as values (n,) of nodes, in the order in which the nodes were given."""
        result = np.empty(len(self.nodes), values.dtype)
        result[self.order] = np.repeat(values, self.sizes)
        return result

    def main_identities(self) -> IntArray:
        """(g,): the identity of most clips of each group; a negative number of its own where undecided."""
        main = np.empty(len(self), np.int64)
        for group, start in enumerate(self._starts.tolist()):
            members = slice(start, start + int(self.sizes[group]))
            ids, places = np.unique(self.nodes.identities[members], return_inverse=True)
            best = int(ids[np.argmax(np.bincount(places, self.nodes.clips[members] + 1))])
            main[group] = best or -1 - group
        return main
