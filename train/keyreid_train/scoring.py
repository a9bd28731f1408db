"""Scores of finished weights under fixed protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.weights import ScoredFigures
from keyreid_stream.structures import Crops, FloatArray
from keyreid_train.data.structures import TrackletSet
from keyreid_train.retrieval import EmbeddedTracklets, RetrievalScore, camera_to_camera
from keyreid_train.validation import PreparedTracklets, embed_tracklets, prepare

HALVES = ("upper", "lower")

_GLOBAL_WEIGHTS: tuple[float | None, ...] = (None, 1.0, 0.75, 0.5)
"""Cosine of whole embeddings, global part alone, and two shares of the global part among the visible ones."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One row of the table.

    Attributes:
        entries: what is searched and found: means over a tracklet's images, over its clips, or its first image.
        similarity: how entries are compared.
        score: the figures, as fractions.
    """

    entries: str
    similarity: str
    score: RetrievalScore


def score_tracklets(model: KeyReID, tracklets: TrackletSet, *, hidden: str | None = None) -> list[ScoreRow]:
    """Search every camera's entries in every other camera, in all the ways there are.

    Args:
        model: the network.
        tracklets: people seen by two cameras or more.
        hidden: black out the upper or lower half of the queries (not of the gallery).

    Raises:
        ConfigError: there is no such half.
        InputError: an image cannot be read, or nobody is seen by two cameras.
    """
    if hidden is not None and hidden not in HALVES:
        raise ConfigError(f"there is no {hidden!r} half to hide; choose from: {', '.join(HALVES)}")
    whole = prepare(tracklets, model.crop_spec)
    asked = whole if hidden is None else without_half(whole, model, hidden)
    frames = model.config.frames
    ways = {
        "tracklet, mean over images": (whole, asked, 1),
        f"tracklet, mean over clips of {frames}": (whole, asked, frames),
        "first image": (whole.first_images(), asked.first_images(), 1),
    }
    rows: list[ScoreRow] = []
    for entries, (gallery, queries, length) in ways.items():
        found = embed_tracklets(model, gallery, frames=length)
        searched = found if hidden is None else embed_tracklets(model, queries, frames=length)
        rows += score_rows(entries, searched, found)
    return rows


def scored_figures(
    rows: Sequence[ScoreRow], data: str, *, keypoints: bool, hidden: str | None = None
) -> list[ScoredFigures]:
    """The rows as figures for a model card.

    Args:
        rows: of `score_tracklets`.
        data: the name of the data set.
        keypoints: whether parts were placed by keypoints.
        hidden: the half of the queries that was black.
    """
    circumstances = ["camera to camera, all directions averaged"]
    if not keypoints:
        circumstances.append("no keypoints")
    if hidden is not None:
        circumstances.append(f"{hidden} half of queries hidden")
    return [
        ScoredFigures(
            data=data,
            protocol="; ".join([row.entries, row.similarity, *circumstances]),
            values={
                "rank1": row.score.rank1,
                "rank5": row.score.rank5,
                "mAP": row.score.mean_average_precision,
                "queries": row.score.queries,
            },
        )
        for row in rows
    ]


def score_rows(
    entries: str,
    queries: EmbeddedTracklets,
    gallery: EmbeddedTracklets,
    global_weights: Sequence[float | None] = _GLOBAL_WEIGHTS,
) -> list[ScoreRow]:
    """The figures of one kind of entries, compared in several ways.

    Args:
        entries: the name of the kind.
        queries: the entries as they are when they are searched.
        gallery: the same entries as they are when they are found.
        global_weights: a way each: None for the cosine of whole embeddings, else the global part's share among the
            visible ones.

    Raises:
        InputError: no person is seen by two cameras.
    """
    return [
        ScoreRow(entries, similarity_name(weight), camera_to_camera(gallery, queries=queries, global_weight=weight))
        for weight in global_weights
    ]


def similarity_name(global_weight: float | None) -> str:
    """What a way of comparing is called in tables."""
    if global_weight is None:
        return "cosine of all"
    return "global part alone" if global_weight == 1 else f"visible parts, global {global_weight:g}"


def without_half(prepared: PreparedTracklets, model: KeyReID, half: str) -> PreparedTracklets:
    """Black pixels, and no part weights, in one half of every crop.

    Args:
        prepared: the tracklets.
        model: whose crops they are.
        half: `upper` or `lower`.
    """
    spec = model.crop_spec
    nothing = 0.0 if spec.weighting == "soft" else -1.0
    pixels, rows = spec.height // 2, spec.grid_rows // 2
    hidden_pixels = slice(None, pixels) if half == "upper" else slice(pixels, None)
    hidden_rows = slice(None, rows) if half == "upper" else slice(rows, None)
    crops = []
    for own in prepared.crops:
        images = own.images.copy()
        images[:, hidden_pixels] = 0
        weights: FloatArray = own.part_weights.reshape(len(own), spec.parts, spec.grid_rows, spec.grid_columns).copy()
        weights[:, :, hidden_rows] = nothing
        crops.append(Crops(images, np.ascontiguousarray(weights.reshape(own.part_weights.shape))))
    return PreparedTracklets(prepared.tracklets, tuple(crops))
