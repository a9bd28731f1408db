"""Scores of tracklets in several ways of comparing, and what hides a half of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.evaluation.reid import RetrievalScore
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.structures import Crops, CropSpec, FloatArray
from keyreid_train.retrieval import EmbeddedTracklets, camera_to_camera
from keyreid_train.validation import PreparedTracklets

HALVES = ("upper", "lower")


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


def score_rows(
    entries: str,
    queries: EmbeddedTracklets,
    gallery: EmbeddedTracklets,
    global_weights: Sequence[float | None],
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
    crops = tuple(half_hidden(own, model.crop_spec, half) for own in prepared.crops)
    return PreparedTracklets(prepared.tracklets, crops)


def half_hidden(crops: Crops, spec: CropSpec, half: str) -> Crops:
    """The same crops with black pixels, and no part weights, in one half: `upper` or `lower`."""
    nothing = 0.0 if spec.weighting == "soft" else -1.0
    pixels, rows = spec.height // 2, spec.grid_rows // 2
    images = crops.images.copy()
    images[:, slice(None, pixels) if half == "upper" else slice(pixels, None)] = 0
    weights: FloatArray = crops.part_weights.reshape(len(crops), spec.parts, spec.grid_rows, spec.grid_columns).copy()
    weights[:, :, slice(None, rows) if half == "upper" else slice(rows, None)] = nothing
    return Crops(images, np.ascontiguousarray(weights.reshape(crops.part_weights.shape)))
