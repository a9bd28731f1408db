"""How well embeddings find the same person in another camera: CMC and mAP.

Letters: Q queries, G gallery entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.similarity import signatures, similarity
from keyreid_stream.errors import InputError
from keyreid_stream.structures import ClipEmbedding, FloatArray, IntArray


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
class EmbeddedTracklets:
    """Tracklets and their embeddings, which are means over clips or single images.

    Attributes:
        embeddings: one per entry.
        person_ids: who each shows.
        camera_ids: where.
    """

    embeddings: Sequence[ClipEmbedding]
    person_ids: tuple[str, ...]
    camera_ids: tuple[str, ...]


def score_retrieval(similarities: FloatArray, query_ids: IntArray, gallery_ids: IntArray) -> RetrievalScore:
    """Rank a gallery for every query.

    Entries of equal similarity take the order that is worst for the score, so that an embedding that says nothing
    scores nothing.

    Args:
        similarities: (Q, G), larger is closer.
        query_ids: (Q,) whose each query is.
        gallery_ids: (G,) whose each entry is.

    Raises:
        InputError: no query has anything to find.
    """
    right_QG = query_ids[:, None] == gallery_ids[None, :]
    answered = right_QG.any(axis=1)
    if not answered.any():
        raise InputError("no person is in both the queries and the gallery; give people who are seen by two cameras")
    right_QG, similarities = right_QG[answered], similarities[answered]
    order_QG = np.lexsort((right_QG, -similarities), axis=1)
    ranked_QG = np.take_along_axis(right_QG, order_QG, axis=1)
    first = ranked_QG.argmax(axis=1)
    return RetrievalScore(
        rank1=float((first < 1).mean()),
        rank5=float((first < 5).mean()),
        rank10=float((first < 10).mean()),
        mean_average_precision=float(_average_precisions(ranked_QG).mean()),
        queries=len(ranked_QG),
    )


def cosine_similarity(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    """Cosines of all pairs, (Q, E) and (G, E) to (Q, G)."""
    cosines: FloatArray = _unit(queries) @ _unit(gallery).T
    return cosines


def camera_to_camera(
    tracklets: EmbeddedTracklets, *, queries: EmbeddedTracklets | None = None, global_weight: float | None = None
) -> RetrievalScore:
    """Every camera's entries searched in every other camera, all directions averaged with equal weight.

    Args:
        tracklets: all entries of all cameras.
        queries: the same entries as they are when they are searched; None for `tracklets` themselves.
        global_weight: compare visible parts only, with this share for the global part (as association does); None for
            the cosine of whole embeddings.

    Raises:
        InputError: no person is seen by two cameras.
    """
    cameras = np.array(tracklets.camera_ids)
    people = np.unique(np.array(tracklets.person_ids), return_inverse=True)[1]
    scores = []
    for one, other in permutations(sorted(set(tracklets.camera_ids)), 2):
        here, there = np.flatnonzero(cameras == one), np.flatnonzero(cameras == other)
        if not np.isin(people[here], people[there]).any():
            continue
        asked = [(queries or tracklets).embeddings[int(place)] for place in here]
        searched = [tracklets.embeddings[int(place)] for place in there]
        scores.append(score_retrieval(_similarities(asked, searched, global_weight), people[here], people[there]))
    if not scores:
        raise InputError("no person is seen by two cameras, so there is nothing to search; give more cameras")
    return RetrievalScore(
        rank1=fmean(score.rank1 for score in scores),
        rank5=fmean(score.rank5 for score in scores),
        rank10=fmean(score.rank10 for score in scores),
        mean_average_precision=fmean(score.mean_average_precision for score in scores),
        queries=sum(score.queries for score in scores),
    )


def _similarities(
    asked: Sequence[ClipEmbedding], searched: Sequence[ClipEmbedding], global_weight: float | None
) -> FloatArray:
    if global_weight is None:
        return cosine_similarity(np.stack([one.vector for one in asked]), np.stack([one.vector for one in searched]))
    return similarity(signatures(asked, global_weight), signatures(searched, global_weight), global_weight)


def _average_precisions(ranked_QG: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(Q,): the mean, over a query's right entries, of the share of right entries up to there."""
    found = ranked_QG.cumsum(axis=1)
    precision = found / np.arange(1, ranked_QG.shape[1] + 1)
    averages: NDArray[np.float64] = (precision * ranked_QG).sum(axis=1) / found[:, -1]
    return averages


def _unit(rows: FloatArray) -> FloatArray:
    unit: FloatArray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return unit
