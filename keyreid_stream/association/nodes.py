"""Tracklets and settled exemplars side by side, one by one and in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from keyreid_stream.association.similarity import Signatures, prepared
from keyreid_stream.association.tracklets import TrackletBook
from keyreid_stream.structures import EmbeddingLayout, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """An identity's settled exemplars, at least one, in the terms of a run.

    Attributes:
        identity_id: whose they are.
        signatures: e rows.
        cameras: (e,) int64, cameras' numbers.
        clips: (e,) float32.
        first_s, last_s: (e,) float64 when each was seen, on the run's clock; below 0 in an earlier run.
    """

    identity_id: int
    signatures: Signatures
    cameras: IntArray
    clips: FloatArray
    first_s: NDArray[np.float64]
    last_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cameras)


@dataclass(frozen=True, eq=False)
class Nodes:
    """Tracklets and settled exemplars, side by side: good until the book takes new clips.

    Attributes:
        seen: the book's signatures, of all its rows.
        settled: the exemplars.
        rows: (n,) int64 place in the tracklet book, -1 for exemplars.
        identities: (n,) int64, 0 for undecided ones.
        cameras: (n,) int64, cameras' numbers.
        tracks: (n,) int64, equal for tracklets of one track; -1 for exemplars.
        numbers: (n,) int64, of a tracklet in its track.
        clips: (n,) float32.
        first_s, last_s: (n,) float64.
        first_places, last_places: (n, 2) float32 metres on the floor, NaN where unknown.
    """

    seen: Signatures
    settled: Sequence[Settled]
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
    def of(cls, book: TrackletBook, rows: IntArray, settled: Sequence[Settled] = ()) -> Nodes:
        """Rows of the tracklet book first, then settled exemplars with their identities."""
        columns, count = book.columns, sum(map(len, settled))
        owners = np.repeat(np.array([one.identity_id for one in settled], np.int64), [len(one) for one in settled])
        nobodys, nowhere = np.full(count, -1), np.full((count, 2), np.nan, np.float32)
        return cls(
            book.signatures,
            settled,
            np.concatenate([rows, nobodys]),
            np.concatenate([columns.identities[rows], owners]),
            np.concatenate([columns.cameras[rows], *(one.cameras for one in settled)]),
            np.concatenate([columns.tracks[rows], nobodys]),
            np.concatenate([columns.numbers[rows], np.zeros(count, np.int64)]),
            np.concatenate([columns.clips[rows], *(one.clips for one in settled)]),
            np.concatenate([columns.first_s[rows], *(one.first_s for one in settled)]),
            np.concatenate([columns.last_s[rows], *(one.last_s for one in settled)]),
            np.concatenate([columns.first_places[rows], nowhere]),
            np.concatenate([columns.last_places[rows], nowhere]),
        )

    @cached_property
    def signatures(self) -> Signatures:
        """(n rows), copied."""
        own = self.seen.of(self.rows[self.rows >= 0])
        return Signatures.joined([own, *(one.signatures for one in self.settled)])

    def weighted_sums(self, weights: FloatArray, group_of: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
        """Weighted (n,) sums of vectors (count, E) and of visibilities (count, P), by the group (n,) of each node.

        The book's rows are read in place: there are hundreds in a tick, and copying them costs more than adding them.
        """
        own = len(self.rows) - sum(map(len, self.settled))
        membership = _membership(group_of[:own], self.rows[:own], weights[:own], (count, len(self.seen)))
        vectors, visibility = membership @ self.seen.vectors, membership @ self.seen.visibility
        if self.settled:
            settled = Signatures.joined([one.signatures for one in self.settled])
            rows = np.arange(len(settled))
            membership = _membership(group_of[own:], rows, weights[own:], (count, len(settled)))
            vectors += membership @ settled.vectors
            visibility += membership @ settled.visibility
        return vectors, visibility


class Groups:
    """Nodes in groups, each taken for one person.

    Attributes:
        nodes: all of them.
        group_of: (n,) int64, the group of each node.
        sizes: (g,) float32, nodes of each group.
        clips: (g,) float32, of all its nodes.
    """

    def __init__(self, nodes: Nodes, group_of: IntArray, layout: EmbeddingLayout | None, global_weight: float) -> None:
        """Put nodes in groups numbered from 0, none of them empty."""
        self.nodes = nodes
        self.group_of = group_of
        count = int(group_of.max(initial=-1)) + 1
        self.sizes: FloatArray = np.bincount(group_of, minlength=count).astype(np.float32)
        self.clips: FloatArray = np.bincount(group_of, nodes.clips, minlength=count).astype(np.float32)
        self._layout = layout
        self._global_weight = global_weight

    @classmethod
    def singles(cls, nodes: Nodes, layout: EmbeddingLayout | None, global_weight: float) -> Groups:
        """Every node a group of its own."""
        return cls(nodes, np.arange(len(nodes)), layout, global_weight)

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def signatures(self) -> Signatures:
        """(g rows): the mean of each group's clips."""
        if self._layout is None or len(self) == len(self.nodes):
            return self.nodes.signatures.of(np.argsort(self.group_of))
        weights = self.nodes.clips + np.float32(1e-3)
        vectors, shown = self.nodes.weighted_sums(weights, self.group_of, len(self))
        shown /= np.bincount(self.group_of, weights)[:, None].astype(np.float32)
        return prepared(vectors, shown, self._layout, self._global_weight)

    def cameras(self, count: int) -> FloatArray:
        """(g, count): how many nodes of each group are of each camera."""
        table = np.zeros((len(self), count), np.float32)
        np.add.at(table, (self.group_of, self.nodes.cameras), 1)
        return table

    def sums(self, right: Groups, table: NDArray[np.float32] | NDArray[np.bool_]) -> FloatArray:
        """Sums over pairs of nodes (n, m) as sums over pairs of groups (g, h)."""
        return right._summed(self._summed(table.astype(np.float32, copy=False)).T).T

    def _summed(self, table: FloatArray) -> FloatArray:
        """Sums (g, k) of rows of nodes (n, k)."""
        if self._membership is None:
            return table
        found: FloatArray = self._membership @ table
        return found

    @cached_property
    def _membership(self) -> csr_array | None:
        """(g, n): 1 where a node is in a group; None if every node is a group of its own, in order."""
        everyone = np.arange(len(self.nodes))
        if np.array_equal(self.group_of, everyone):
            return None
        ones = np.ones(len(everyone), np.float32)
        return _membership(self.group_of, everyone, ones, (len(self), len(everyone)))

    def main_identities(self) -> IntArray:
        """(g,): the identity of most clips of each group; a negative number of its own where undecided."""
        known, columns = np.unique(self.nodes.identities, return_inverse=True)
        votes = np.zeros((len(self), len(known)), np.float32)
        np.add.at(votes, (self.group_of, columns), self.nodes.clips + 1)
        main: IntArray = known[np.argmax(votes, axis=1)]
        return np.where(main > 0, main, -1 - np.arange(len(self)))


def _membership(group_of: IntArray, columns: IntArray, weights: FloatArray, shape: tuple[int, int]) -> csr_array:
    """A sparse array that holds weights (n,) at the groups (n,) and columns (n,) that they are of."""
    order = np.argsort(group_of, kind="stable")
    ends = np.cumsum(np.bincount(group_of, minlength=shape[0]))
    starts = np.concatenate([[0], ends]).astype(np.int32)
    return csr_array((weights[order], columns[order].astype(np.int32), starts), shape=shape)
