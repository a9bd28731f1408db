"""Whole protocols: queries against a gallery, or every camera against every other one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from statistics import fmean

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid.entries import Entries
from keyreid_stream.evaluation.reid.pairs import PairCounter, PairCounts, joined, similarity_range
from keyreid_stream.evaluation.reid.ranking import Ranking, RetrievalScore, rank_gallery
from keyreid_stream.evaluation.reid.reranking import Reranking, reranked_blocks
from keyreid_stream.evaluation.reid.similarity import Similarity, similarity_blocks
from keyreid_stream.structures import FloatArray, IntArray

PUBLISHED_CLIP, PUBLISHED_CLIPS = 4, 41
"""Frames of a clip and clips of a tracklet that the published evaluator looks at."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search.

    Attributes:
        similarity: how entries are compared.
        reranking: k-reciprocal re-ranking; None for none.
        device: where products are computed.
        closest: how many entries to note for every query.
        pairs: also count pairs by their similarity.
    """

    similarity: Similarity = field(default_factory=Similarity)
    reranking: Reranking | None = None
    device: str = "cpu"
    closest: int = 0
    pairs: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SearchPart:
    """One direction of a search.

    Attributes:
        name: such as `query > gallery`, or the two cameras.
        queries: (Q,) which of the asked entries these are.
        gallery: (G,) which of the searched entries these are.
        ranking: what was found.
        pairs: pairs across cameras by their similarity, before any re-ranking; None where they were not asked for.
    """

    name: str
    queries: IntArray
    gallery: IntArray
    ranking: Ranking
    pairs: PairCounts | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """All directions of a search; figures are means over directions of equal weight."""

    parts: tuple[SearchPart, ...]

    @property
    def score(self) -> RetrievalScore:
        """The figures."""
        return mean_score([part.ranking.score for part in self.parts])

    @property
    def pairs(self) -> PairCounts | None:
        """Pairs of all directions together; None where they were not asked for."""
        counted = [part.pairs for part in self.parts if part.pairs is not None]
        return joined(counted) if counted else None

    def cmc(self, ranks: int) -> FloatArray:
        """(ranks,): share of queries with a right entry among the first 1, 2, ..."""
        curve: FloatArray = np.mean([part.ranking.cmc(ranks) for part in self.parts], axis=0).astype(np.float32)
        return curve


def mean_score(scores: Sequence[RetrievalScore]) -> RetrievalScore:
    """Means of the figures, and the sum of the queries."""
    return RetrievalScore(
        rank1=fmean(score.rank1 for score in scores),
        rank5=fmean(score.rank5 for score in scores),
        rank10=fmean(score.rank10 for score in scores),
        mean_average_precision=fmean(score.mean_average_precision for score in scores),
        queries=sum(score.queries for score in scores),
    )


def search(queries: Entries, gallery: Entries, options: SearchOptions | None = None) -> SearchResult:
    """Look for every query in the gallery, other cameras than its own.

    Args:
        queries: what is looked for.
        gallery: where.
        options: how; the defaults where not given.

    Raises:
        InputError: no query has anything to find, or the embeddings do not fit.
    """
    options = options or SearchOptions()
    return SearchResult((_one_way(queries, gallery, options, _limits((queries, gallery), options)),))


def camera_to_camera(
    entries: Entries,
    options: SearchOptions | None = None,
    *,
    queries: Entries | None = None,
    names: Sequence[str] | None = None,
) -> SearchResult:
    """Look for every camera's entries in every other camera; all directions have equal weight.

    Args:
        entries: of all cameras.
        options: how; the defaults where not given.
        queries: the same entries as they are when they are looked for; None for `entries` themselves.
        names: of the cameras, by number; the numbers where not given.

    Raises:
        InputError: no person is seen by two cameras, or the embeddings do not fit.
    """
    options = options or SearchOptions()
    asked = entries if queries is None else queries
    limits = _limits((asked, entries), options)
    if not np.array_equal(asked.cameras, entries.cameras) or not np.array_equal(asked.people, entries.people):
        raise ValueError("the queries must be the entries themselves, of the same people and cameras")
    parts = []
    for one, other in permutations(np.unique(entries.cameras).tolist(), 2):
        here, there = np.flatnonzero(entries.cameras == one), np.flatnonzero(entries.cameras == other)
        shared = np.intersect1d(entries.people[here], entries.people[there])
        if not (shared > 0).any():
            continue
        found = _one_way(asked.select(here), entries.select(there), options, limits)
        title = f"{one} > {other}" if names is None else f"{names[one]} > {names[other]}"
        parts.append(replace(found, name=title, queries=here, gallery=there))
    if not parts:
        raise InputError("no person is seen by two cameras, so there is nothing to search; give more cameras")
    return SearchResult(tuple(parts))


def published_cameras(cameras: IntArray, images: IntArray) -> IntArray:
    """Cameras as the published evaluator mistakes them: one for each *frame* looked at, read as one for each tracklet.

    It looks at clips of 4 consecutive frames, the last one filled up, at most 41 clips of a tracklet. On MARS this
    removes the wrong pairs: 1,518 queries count instead of 1,840, and 4,660 finds in the query's own camera.

    Args:
        cameras: (N,) of tracklets.
        images: (N,) how many each has.

    Returns:
        (N,) cameras.
    """
    looked_at = np.minimum(-(-images // PUBLISHED_CLIP), PUBLISHED_CLIPS) * PUBLISHED_CLIP
    mistaken: IntArray = np.repeat(cameras, looked_at)[: len(cameras)]
    return mistaken


def _limits(sides: tuple[Entries, Entries], options: SearchOptions) -> tuple[float, float] | None:
    """What pairs are counted between; None where they are not."""
    return similarity_range(sides, options.similarity) if options.pairs else None


def _one_way(
    queries: Entries, gallery: Entries, options: SearchOptions, limits: tuple[float, float] | None
) -> SearchPart:
    blocks, counter = _blocks(queries, gallery, options), None
    if limits is not None:
        counter = PairCounter(queries, gallery, limits)
        if options.reranking is None:
            blocks = counter.passing(blocks)
        else:
            plain = similarity_blocks(queries, gallery, options.similarity, device=options.device)
            for _ in counter.passing(plain):
                pass
    ranking = rank_gallery(blocks, queries, gallery, closest=options.closest)
    counts = None if counter is None else counter.counts()
    return SearchPart("query > gallery", np.arange(len(queries)), np.arange(len(gallery)), ranking, counts)


def _blocks(queries: Entries, gallery: Entries, options: SearchOptions) -> Iterator[tuple[slice, FloatArray]]:
    if options.reranking is not None:
        return reranked_blocks(queries, gallery, options.similarity, options.reranking, device=options.device)
    return similarity_blocks(queries, gallery, options.similarity, device=options.device)
