"""Where each BoxMOT tracker keeps the appearance of its tracks, and how a clip's embedding gets there.

After an update a track's appearance is replaced by the global part of its clip; the next match then compares
detections with the clip instead of with a running mean of single crops. The match blends the frame's own appearance
in again, so writing once lasts one frame. Vectors have length 1, as the trackers' own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from keyreid_stream.structures import FloatArray

Writer: TypeAlias = Callable[[Any, Any, FloatArray], None]
"""(BoxMOT tracker, one of its live tracks, unit vector (D,)) -> None"""


def fits_appearance(tracker: Any, embedding: FloatArray) -> bool:
    """Whether an embedding is as wide as the appearance that a tracker has matched by so far."""
    return embedding.shape == (tracker.last_emb_size,)


def write_smooth_feature(_tracker: Any, track: Any, vector: FloatArray) -> None:
    """BoT-SORT: the running mean is all that is matched by; its list of past features is never read."""
    track.smooth_feat = vector
    track.features.clear()


def write_feature_bank(_tracker: Any, track: Any, vector: FloatArray) -> None:
    """Hybrid-SORT: the running mean, and the long-term bank whose mean is matched by as well."""
    track.smooth_feat = vector
    track.features.clear()
    track.features.append(vector)


def write_gallery(tracker: Any, track: Any, vector: FloatArray) -> None:
    """StrongSORT: the running mean, and the gallery of the track that detections are measured against."""
    track.features = [vector]
    tracker.metric.samples[track.id] = [vector]


def write_embedding(_tracker: Any, track: Any, vector: FloatArray) -> None:
    """Deep OC-SORT, BoostTrack, OccluBoost: one running mean."""
    track.emb = vector
