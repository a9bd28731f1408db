"""What BoxMOT trackers pile up over days and never read again: dropped after every update, with the same results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Upkeep: TypeAlias = Callable[[Any, Mapping[int, Any]], None]
"""(BoxMOT tracker, its live tracks by BoxMOT id) -> None"""


def drop_features(tracker: Any, live: Mapping[int, Any]) -> None:
    """BoT-SORT: 50 past features a track, and hundreds of tracks that ended, each with all embeddings of a frame."""
    for track in live.values():
        track.features.clear()
    drop_removed(tracker, live)


def drop_removed(tracker: Any, live: Mapping[int, Any]) -> None:
    """ByteTrack: every track that ever ended; only those matter that came back, to be removed again."""
    removed = tracker.removed_stracks
    kept = [track for track in removed if track.id in live]
    removed.clear()
    removed.extend(kept)


def drop_observations(_tracker: Any, live: Mapping[int, Any]) -> None:
    """OC-SORT, Deep OC-SORT: all boxes of a track; speeds look back `delta_t` frames, or at the newest box."""
    for track in live.values():
        observations = track.observations
        for age in list(observations)[: -(track.delta_t + 1)]:
            del observations[age]


def drop_gap_rows(tracker: Any, _live: Mapping[int, Any]) -> None:
    """OccluBoost: boxes interpolated over gaps, meant for files written after the run."""
    tracker._gta_gap_entries.clear()
