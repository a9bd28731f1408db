"""Scores of an embedder on the tests of a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keyreid_stream.evaluation.reid import (
    Entries,
    Reranking,
    SearchOptions,
    SearchResult,
    Similarity,
    camera_to_camera,
    published_cameras,
    search,
)
from keyreid_stream.evaluation.reid.entries import check_finite
from keyreid_stream.evaluation.reid.pairs import joined
from keyreid_stream.evaluation.reid.record import MISTAKEN_RULE, Row, row_of
from keyreid_train.data.structures import Tracklet
from keyreid_train.embedders.interface import ClipEmbedder, Half
from keyreid_train.embedders.tracklets import ClipPlan, TrackletEmbeddings, embed_all
from keyreid_train.pair_similarities import pair_similarities
from keyreid_train.searches import Search

PUBLISHED_EVALUATOR = "mars"
"""The data set on which the published evaluator's mistake shows (method section 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class ReidEvaluation:
    """What came out.

    Attributes:
        rows: the figures, a row for each way of comparing; on MARS also by the published code's wrong rule.
        results: of each similarity and split: what every query found.
        tracklets: how many were embedded.
    """

    rows: tuple[Row, ...]
    results: dict[tuple[str, str], SearchResult]
    tracklets: int


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How to score.

    Attributes:
        plan: which clips of a tracklet.
        similarities: ways of comparing, a row each; empty for all that fit the embeddings.
        hidden: black out this half of the queries.
        reranking: None for none.
        device: where similarities are computed.
        closest: how many entries to note for each query.
    """

    plan: ClipPlan
    similarities: tuple[Similarity, ...] = ()
    hidden: Half | None = None
    reranking: Reranking | None = None
    device: str = "cpu"
    closest: int = 0


def evaluate(
    embedder: ClipEmbedder,
    searches: Sequence[Search],
    options: EvaluationOptions,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> ReidEvaluation:
    """Embed all tracklets once, and search every test in every way.

    Args:
        embedder: the network.
        searches: of one data set.
        options: how.
        progress: is told how many clips are embedded, of how many.

    Raises:
        InputError: an image cannot be read, embeddings are not finite, no query has anything to find, or nobody can be
            confused.
    """
    everyone = {one.name: one for of in searches for one in of.tracklets}
    places = {name: place for place, name in enumerate(everyone)}
    found = embed_all(embedder, list(everyone.values()), options.plan, progress=progress)
    asked = found if options.hidden is None else _with_hidden(embedder, everyone, searches, found, options, progress)
    check_finite(found.vectors)
    check_finite(asked.vectors)
    ways = options.similarities or _fitting(found)
    results: dict[tuple[str, str], SearchResult] = {}
    rows = []
    for way in ways:
        how = SearchOptions(way, options.reranking, options.device, options.closest, pairs=True)
        by_split = {of.name: _searched(of, found, asked, places, how) for of in searches}
        names = {of.name: _query_names(of, by_split[of.name]) for of in searches}
        pairs = joined([result.pairs for result in by_split.values() if result.pairs is not None])
        rows.append(row_of(way.name, by_split, names, similarities=pair_similarities(pairs, way)))
        results |= {(way.name, name): result for name, result in by_split.items()}
        for of in searches:
            if of.name == PUBLISHED_EVALUATOR:
                plain = replace(how, pairs=False)
                wrong = {of.name: _searched(of, found, asked, places, plain, published=True)}
                names = {of.name: _query_names(of, wrong[of.name])}
                rows.append(row_of(way.name, wrong, names, MISTAKEN_RULE))
    return ReidEvaluation(tuple(rows), results, len(everyone))


def _fitting(found: TrackletEmbeddings) -> tuple[Similarity, ...]:
    whole = (Similarity("cosine"),)
    return (*whole, Similarity("global"), Similarity("visible")) if found.layout.parts else whole


def _with_hidden(
    embedder: ClipEmbedder,
    everyone: dict[str, Tracklet],
    searches: Sequence[Search],
    found: TrackletEmbeddings,
    options: EvaluationOptions,
    progress: Callable[[int, int], None] | None,
) -> TrackletEmbeddings:
    """The same embeddings, but those of queries are of half black images."""
    asked = {
        of.tracklets[place].name
        for of in searches
        for place in (range(len(of.tracklets)) if of.queries is None else of.queries.tolist())
    }
    chosen = [place for place, name in enumerate(everyone) if name in asked]
    tracklets = list(everyone.values())
    hidden = embed_all(
        embedder, [tracklets[place] for place in chosen], options.plan, hidden=options.hidden, progress=progress
    )
    vectors, visibility = found.vectors.copy(), found.visibility.copy()
    vectors[chosen], visibility[chosen] = hidden.vectors, hidden.visibility
    return replace(found, vectors=vectors, visibility=visibility)


def _searched(
    of: Search,
    found: TrackletEmbeddings,
    asked: TrackletEmbeddings,
    places: dict[str, int],
    how: SearchOptions,
    *,
    published: bool = False,
) -> SearchResult:
    gallery = _entries(of, found, places)
    queries = gallery if asked is found else _entries(of, asked, places)
    if of.queries is None or of.gallery is None:
        return camera_to_camera(gallery, how, queries=queries, names=of.camera_names)
    queries, gallery = queries.select(of.queries), gallery.select(of.gallery)
    if published:
        images = np.array([len(one) for one in of.tracklets], np.int64)
        queries = replace(queries, mistaken_cameras=published_cameras(queries.cameras, images[of.queries]))
        gallery = replace(gallery, mistaken_cameras=published_cameras(gallery.cameras, images[of.gallery]))
    result = search(queries, gallery, how)
    part = replace(result.parts[0], queries=of.queries, gallery=of.gallery)
    return SearchResult((part,))


def _entries(of: Search, found: TrackletEmbeddings, places: dict[str, int]) -> Entries:
    parts = found.layout.parts > 0
    return Entries(
        found.vectors,
        np.array([places[one.name] for one in of.tracklets], np.int64),
        of.people,
        of.cameras,
        found.visibility if parts else None,
        found.layout if parts else None,
    )


def _query_names(of: Search, result: SearchResult) -> list[list[str]]:
    return [[of.tracklets[place].name for place in part.queries] for part in result.parts]
