"""Not every sighting deserves an embedding: which of a frame's people have to be looked at, and which are known.

Where one detection lies where one track must be by its motion, and nobody else is near, the tracker needs no appearance
to match the two, and one more crop of the same person a tenth of a second later tells nothing new. The track's own
appearance stands in for the detection's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import Detections, FloatArray, IntArray, Tracks

FITS_FROM = 0.5
"""Overlap (IoU) of a detection with where its track must be by its motion."""

NEAR_FROM = 0.3
"""Overlap from which another detection, or another track, contests a sighting."""

BETTER_BY = 0.15
"""A sighting whose quality is so much above that of the last encoded crop is encoded."""

AT_FIRST = 4
"""What the associator wants to have seen before it decides on a track (`association.min_observations`)."""

LOST_AFTER_S = 1.0
"""Whoever was not seen for longer is somebody new until their picture says otherwise, also where frames are rare."""

NOBODY = 0
"""No track stands in: the sighting is to be encoded. Track ids begin at 1."""

_STILL: FloatArray = np.zeros(4, np.float32)


@dataclass(slots=True)
class _Followed:
    """What is held of a live track: its last place, its motion in pixels a second, and its newest encoded crop."""

    box: FloatArray
    velocity: FloatArray
    seen_s: float
    appearance: FloatArray
    quality: float
    encoded: int = 1
    since: int = 0


class EncodingPlan:
    """One camera's plan.

    Args:
        every: of a track that nothing is unsure about, every how many sightings one is encoded; 1: all.
        at_first: a track's first so many sightings are encoded in any case, since its identity hangs on them.
    """

    def __init__(self, every: int, at_first: int = AT_FIRST) -> None:
        self._every = every
        self._at_first = at_first
        self._followed: dict[int, _Followed] = {}
        self._last_s = -math.inf
        self._epoch: int | None = None

    def choose(self, timestamp_s: float, detections: Detections, quality: FloatArray, *, epoch: int = 0) -> IntArray:
        """Whose appearance stands in for each detection's.

        Only tracks that were seen in the frame before, and a moment ago, stand in: one that the tracker has lost and
        not given up must not lend its appearance to a newcomer.

        Args:
            timestamp_s: of the frame.
            detections: its N people.
            quality: (N,) how much their pictures can tell, 0 to 1.
            epoch: the frame's; with a new one, all tracks are over.

        Returns:
            (N,) int64: a track's id, or `NOBODY` where the detection is to be encoded.
        """
        if epoch != self._epoch:
            self._followed.clear()
            self._epoch = epoch
        stand_ins: IntArray = np.full(len(detections), NOBODY, np.int64)
        if self._every == 1 or not len(detections) or not self._followed:
            return stand_ins
        track_ids = np.fromiter(self._followed, np.int64)
        overlaps = _overlaps(self._expected(timestamp_s), detections.boxes_xyxy)
        others = _overlaps(detections.boxes_xyxy, detections.boxes_xyxy)
        np.fill_diagonal(others, 0)
        alone = (overlaps >= NEAR_FROM).sum(axis=0) == 1
        fits = overlaps.max(axis=0) >= FITS_FROM
        best = overlaps.argmax(axis=0)
        wanted_once = (overlaps >= NEAR_FROM).sum(axis=1)[best] == 1
        for row in np.flatnonzero(alone & fits & wanted_once & (others.max(axis=0) < NEAR_FROM)):
            track_id = int(track_ids[best[row]])
            track = self._followed[track_id]
            in_sight = track.seen_s >= self._last_s and timestamp_s - track.seen_s <= LOST_AFTER_S
            if in_sight and not self._is_due(track, float(quality[row])):
                stand_ins[row] = track_id
        return stand_ins

    def appearance(self, track_id: int) -> FloatArray:
        """(D,) what stands in for a sighting of this track."""
        return self._followed[track_id].appearance

    def follow(
        self,
        timestamp_s: float,
        shown: Tracks,
        detections: Detections,
        encoded: NDArray[np.bool_],
        appearance: FloatArray,
        quality: FloatArray,
    ) -> None:
        """Learn what the tracker made of the frame.

        Args:
            timestamp_s: of the frame.
            shown: its tracks.
            detections: its N people.
            encoded: (N,) which of them were encoded.
            appearance: (N, D) what the tracker was given.
            quality: (N,) as in `choose`.
        """
        if self._every == 1:
            return
        for track_id, row in zip(shown.track_ids.tolist(), shown.detection_indices.tolist(), strict=True):
            if row >= 0:
                box = detections.boxes_xyxy[row]
                seen = _Followed(box, _STILL, timestamp_s, appearance[row], float(quality[row]))
                self._note(track_id, seen, encoded=bool(encoded[row]))
        self.forget(shown.ended)
        self._last_s = timestamp_s

    def forget(self, track_ids: Iterable[int]) -> None:
        """Tracks have ended."""
        for track_id in track_ids:
            self._followed.pop(track_id, None)

    def _note(self, track_id: int, seen: _Followed, *, encoded: bool) -> None:
        known = self._followed.get(track_id)
        if known is None:
            if encoded:
                self._followed[track_id] = seen
            return
        passed_s = seen.seen_s - known.seen_s
        if passed_s > 0:
            known.velocity = ((seen.box - known.box) / passed_s).astype(np.float32)
        known.box, known.seen_s = seen.box, seen.seen_s
        if encoded:
            known.appearance, known.quality = seen.appearance, seen.quality
            known.encoded += 1
            known.since = 0
        else:
            known.since += 1

    def _is_due(self, track: _Followed, quality: float) -> bool:
        if track.encoded < self._at_first or track.since + 1 >= self._every:
            return True
        return quality > track.quality + BETTER_BY

    def _expected(self, timestamp_s: float) -> FloatArray:
        """(K, 4) where the tracks must be now."""
        return np.stack([one.box + one.velocity * (timestamp_s - one.seen_s) for one in self._followed.values()])


def _overlaps(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """(K, N) intersection over union of every pair; 0 for boxes without area."""
    top_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    bottom_right = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    areas, other_areas = (np.clip(of[:, 2:] - of[:, :2], 0, None).prod(axis=1) for of in (boxes, others))
    union = areas[:, None] + other_areas[None, :] - shared
    overlaps: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlaps
