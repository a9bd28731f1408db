"""k-reciprocal re-ranking without a matrix of all pairs.

Zhong, Zheng, Cao and Li: Re-ranking Person Re-identification with k-reciprocal Encoding, CVPR 2017.

Letters: N all entries (queries first, then the gallery), Q queries, G gallery entries, K neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse

from keyreid_stream.errors import ConfigError
from keyreid_stream.evaluation.reid.entries import Entries
from keyreid_stream.evaluation.reid.similarity import BLOCK_ROWS, Similarity, similarity_blocks
from keyreid_stream.structures import FloatArray, IntArray

_ENOUGH = 2 / 3
"""Share of a neighbour's own reciprocal neighbours that must be known for the others to be taken in (section 3.2)."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """Settings, with the paper's values.

    Attributes:
        k1: neighbours whose reciprocity is asked for.
        k2: neighbours over which encodings are averaged.
        original_share: of the original distance in the final one (lambda).
    """

    k1: int = 20
    k2: int = 6
    original_share: float = 0.3

    def __post_init__(self) -> None:
        if self.k1 < 1 or self.k2 < 1 or not 0 <= self.original_share <= 1:
            raise ConfigError(
                f"re-ranking has k1 {self.k1}, k2 {self.k2} and share {self.original_share}; give whole numbers from 1 "
                "and a share from 0 to 1"
            )


def reranked_blocks(
    queries: Entries,
    gallery: Entries,
    how: Similarity,
    settings: Reranking,
    *,
    device: torch.device | str = "cpu",
    rows: int = BLOCK_ROWS,
) -> Iterator[tuple[slice, FloatArray]]:
    """Minus the final distances of some queries, (at most `rows`, G), after each other.

    All pairs of entries are compared twice, block by block; only neighbours and encodings, of which an entry has a few
    dozens, are kept: 8 N k1 bytes and the like.

    Args:
        queries: what is looked for.
        gallery: where; two matrices are joined, one that both share is not copied.
        how: original similarity.
        settings: of the re-ranking.
        device: where products are computed.
        rows: at once.

    Raises:
        InputError: the embeddings do not fit.
    """
    everything = _joined(queries, gallery)
    near, farthest = _neighbours(everything, how, settings.k1 + 1, device, rows)
    encodings = _averaged(_encodings(everything, near, farthest, how, settings, device, rows), near, settings.k2)
    asked, searched = encodings[: len(queries)].tocsr(), encodings[len(queries) :].tocsc()
    for place, similarities in similarity_blocks(queries, gallery, how, device=device, rows=rows):
        distances = _distances(similarities, how) / farthest[place, None]
        mixed = np.empty_like(distances)
        for row, query in enumerate(range(place.start, place.stop)):
            jaccard = 1 - _overlap(asked, searched, query)
            mixed[row] = (1 - settings.original_share) * jaccard + settings.original_share * distances[row]
        yield place, -mixed


def _joined(queries: Entries, gallery: Entries) -> Entries:
    """Queries, then the gallery; matrices are joined only where there are two."""
    people, cameras = np.r_[queries.people, gallery.people], np.r_[queries.cameras, gallery.cameras]
    if queries.vectors is gallery.vectors:
        whole = replace(queries, mistaken_cameras=None)
        return replace(whole, rows=np.r_[queries.rows, gallery.rows], people=people, cameras=cameras)
    shown = None
    if queries.visibility is not None and gallery.visibility is not None:
        shown = np.concatenate([queries.visibility[queries.rows], gallery.visibility[gallery.rows]])
    vectors = np.concatenate([queries.vectors[queries.rows], gallery.vectors[gallery.rows]])
    return Entries(vectors, np.arange(len(vectors)), people, cameras, shown, queries.layout)


def _distances(similarities: FloatArray, how: Similarity) -> FloatArray:
    """Squared Euclidean distances; for cosines, those of unit vectors."""
    distances: FloatArray = -similarities if how.kind == "euclidean" else 2 - 2 * similarities
    return np.maximum(distances, np.float32(0))


def _neighbours(
    entries: Entries, how: Similarity, count: int, device: torch.device | str, rows: int
) -> tuple[IntArray, FloatArray]:
    """(N, K) the closest entries of each, itself first, and (N,) the distance of the farthest."""
    count = min(count, len(entries))
    near = np.empty((len(entries), count), np.int64)
    farthest = np.empty(len(entries), np.float32)
    for place, similarities in similarity_blocks(entries, entries, how, device=device, rows=rows):
        distances = _distances(similarities, how)
        # Whatever rounding says, nothing is closer to an entry than itself.
        distances[np.arange(len(distances)), np.arange(place.start, place.stop)] = -1
        some = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(distances, some, axis=1), axis=1, kind="stable")
        near[place] = np.take_along_axis(some, order, axis=1)
        farthest[place] = np.maximum(distances.max(axis=1), np.float32(1e-12))
    return near, farthest


def _reciprocal(near: IntArray, count: int) -> list[IntArray]:
    """Of each entry, those of its `count` nearest (and itself) that have it among theirs."""
    nearest = near[:, : count + 1]
    mutual = (nearest[nearest] == np.arange(len(near))[:, None, None]).any(axis=2)
    return [own[kept] for own, kept in zip(nearest, mutual, strict=True)]


def _expanded(near: IntArray, k1: int) -> list[IntArray]:
    """Reciprocal neighbours, and those of such neighbours that share most of theirs."""
    whole, half = _reciprocal(near, k1), _reciprocal(near, round(k1 / 2))
    expanded = []
    for own in whole:
        known = set(own.tolist())
        taken = [own]
        for candidate in own:
            others = half[candidate]
            if len(known.intersection(others.tolist())) > _ENOUGH * len(others):
                taken.append(others)
        expanded.append(np.unique(np.concatenate(taken)))
    return expanded


def _encodings(
    entries: Entries,
    near: IntArray,
    farthest: FloatArray,
    how: Similarity,
    settings: Reranking,
    device: torch.device | str,
    rows: int,
) -> sparse.csr_matrix:
    """(N, N): of each entry, Gaussian weights of its expanded reciprocal neighbours, which sum to 1."""
    members = _expanded(near, settings.k1)
    weights: list[FloatArray] = []
    for place, similarities in similarity_blocks(entries, entries, how, device=device, rows=rows):
        distances = _distances(similarities, how)
        for row, entry in enumerate(range(place.start, place.stop)):
            own = np.exp(-distances[row, members[entry]] / farthest[entry])
            weights.append(own / own.sum())
    ends = np.r_[0, np.cumsum([len(own) for own in members])]
    shape = (len(entries), len(entries))
    return sparse.csr_matrix((np.concatenate(weights), np.concatenate(members), ends), shape=shape)


def _averaged(encodings: sparse.csr_matrix, near: IntArray, k2: int) -> sparse.csr_matrix:
    """Local query expansion: the mean over each entry's nearest, itself among them."""
    if k2 == 1:
        return encodings
    nearest = near[:, :k2]
    count = nearest.shape[1]
    ends = np.arange(0, nearest.size + 1, count)
    share = np.full(nearest.size, 1 / count, np.float32)
    return sparse.csr_matrix((share, nearest.ravel(), ends), shape=encodings.shape) @ encodings


def _overlap(asked: sparse.csr_matrix, searched: sparse.csc_matrix, query: int) -> FloatArray:
    """(G,): sum of minima over sum of maxima of a query's encoding and each gallery entry's; both sum to 1."""
    shared = np.zeros(searched.shape[0], np.float32)
    own = slice(asked.indptr[query], asked.indptr[query + 1])
    for column, weight in zip(asked.indices[own], asked.data[own], strict=True):
        others = slice(searched.indptr[column], searched.indptr[column + 1])
        shared[searched.indices[others]] += np.minimum(weight, searched.data[others])
    overlap: FloatArray = shared / (2 - shared)
    return overlap
