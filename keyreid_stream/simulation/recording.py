"""A recording: the evidence that a pipeline with true detections would give its associator, tick by tick."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.simulation.embeddings import ClipRows
from keyreid_stream.simulation.sightings import HEIGHT, Sightings
from keyreid_stream.simulation.tracks import MAX_UNSEEN_S, SimulatedTracks
from keyreid_stream.structures import ClipEmbedding, IntArray, TrackEvidence, TrackKey

FRAMES_PER_CLIP = 4
"""At 5 frames a second the 0.8 s that the pipeline's 8 crops take at 10."""

FIRST_CLIP = 2
"""Crops of a track's first, short clip, as `tracking.ClipConfig` has it."""

_FULL_HEIGHT = HEIGHT * 0.27
"""People this high, 96 pixels in the ready scenes' pictures, lose no quality by being small."""

_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class RecordedTick:
    """One tick: what `Associator.update` is called with, and the rows of the sightings behind the evidence."""

    timestamp_s: float
    evidence: tuple[TrackEvidence, ...]
    ended: tuple[TrackKey, ...]
    rows: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording with its truth, by sighting.

    Attributes:
        ticks: in order.
        keys: N keys of the tracks.
        frame_index: (N,) int64.
        time_s: (N,) float64.
        person_id: (N,) int64, whom each sighting shows.
    """

    ticks: tuple[RecordedTick, ...]
    keys: tuple[TrackKey, ...]
    frame_index: IntArray
    time_s: NDArray[np.float64]
    person_id: IntArray

    def __len__(self) -> int:
        return len(self.person_id)


def clips_of(sightings: Sightings, tracks: SimulatedTracks) -> ClipRows:
    """When the pipeline would embed which crops: at a track's second, when its clip is full, then every full clip."""
    crops: defaultdict[tuple[int, int], deque[int]] = defaultdict(lambda: deque(maxlen=FRAMES_PER_CLIP))
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    last, rows = [], []
    for row, key in enumerate(zip(sightings.camera.tolist(), tracks.track_id.tolist(), strict=True)):
        crops[key].append(row)
        counts[key] += 1
        if counts[key] == FIRST_CLIP or counts[key] % FRAMES_PER_CLIP == 0:
            last.append(row)
            rows.append([*crops[key], *[-1] * (FRAMES_PER_CLIP - len(crops[key]))])
    return ClipRows(np.array(last, np.int64), np.array(rows, np.int64).reshape(-1, FRAMES_PER_CLIP))


def record(
    sightings: Sightings,
    tracks: SimulatedTracks,
    clips: ClipRows,
    embeddings: Sequence[ClipEmbedding],
    *,
    floor_error_m: float | None = None,
    seed: int = 0,
) -> Recording:
    """Put everything together as the pipeline does.

    Args:
        sightings: the table.
        tracks: of its rows.
        clips: of `clips_of`.
        embeddings: one per clip.
        floor_error_m: standard deviation of places on the floor, each way; None for cameras without calibration.
        seed: of the errors of places.
    """
    names = sightings.camera_ids
    keys = tuple(
        TrackKey(names[camera], track)
        for camera, track in zip(sightings.camera.tolist(), tracks.track_id.tolist(), strict=True)
    )
    evidence = _evidence(sightings, keys, clips, embeddings, _places(sightings, floor_error_m, seed))
    starts = np.searchsorted(sightings.time_s, sightings.frame_times_s)
    ticks = []
    last_s: dict[TrackKey, float] = {}
    for time_s, first, last in zip(
        sightings.frame_times_s.tolist(), starts.tolist(), [*starts[1:].tolist(), len(sightings)], strict=True
    ):
        last_s |= dict.fromkeys(keys[first:last], time_s)
        ended = [key for key, seen_s in last_s.items() if time_s - seen_s > MAX_UNSEEN_S + _ROUNDING_S]
        for key in ended:
            del last_s[key]
        ticks.append(RecordedTick(time_s, tuple(evidence[first:last]), tuple(sorted(ended)), np.arange(first, last)))
    return Recording(tuple(ticks), keys, sightings.frame_index, sightings.time_s, sightings.person_id)


def _places(sightings: Sightings, error_m: float | None, seed: int) -> list[tuple[float, float] | None]:
    if error_m is None:
        return [None] * len(sightings)
    errors = np.random.default_rng(seed).normal(0, 1, sightings.floor_xy.shape)
    return [(x, y) for x, y in (sightings.floor_xy + error_m * errors).tolist()]


def _evidence(
    sightings: Sightings,
    keys: Sequence[TrackKey],
    clips: ClipRows,
    embeddings: Sequence[ClipEmbedding],
    places: Sequence[tuple[float, float] | None],
) -> list[TrackEvidence]:
    by_row = dict(zip(clips.last.tolist(), embeddings, strict=True))
    heights = sightings.boxes_xyxy[:, 3] - sightings.boxes_xyxy[:, 1]
    quality = (sightings.quality * np.minimum(heights / _FULL_HEIGHT, 1)).tolist()
    seen: defaultdict[TrackKey, int] = defaultdict(int)
    found = []
    for row, key in enumerate(keys):
        seen[key] += 1
        found.append(
            TrackEvidence(
                key,
                float(sightings.time_s[row]),
                int(sightings.frame_index[row]),
                sightings.boxes_xyxy[row],
                seen[key],
                by_row.get(row),
                quality[row],
                places[row],
            )
        )
    return found
