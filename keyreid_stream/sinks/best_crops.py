"""The best picture of everybody from each camera. It keeps pictures of people: only for who asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, TypeAlias

import numpy as np

from keyreid_stream.models.sighting_quality import sighting_quality
from keyreid_stream.sinks.heads import heads_in, pixelated
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import CameraTick, FloatArray, ImageArray, Tick, TrackKey

_ASPECT = 0.5
"""Width of a crop in its height."""

_MARGIN = 0.06
"""Of a crop around its person, in the person's height."""

Heads: TypeAlias = Literal["blurred", "whole"]
"""Whether the heads in a crop, of its own person and of all others, are made unrecognisable."""


@dataclass(frozen=True, slots=True, eq=False)
class BestCrop:
    """A person as one camera saw them best.

    Attributes:
        image: (H, W, 3) uint8 RGB, twice as high as wide except at the picture's edge.
        timestamp_s: when, on the camera's clock.
        frame_index: of the frame that it is from.
        box_xyxy: the track's box in that frame, pixels.
        score: larger is better: pixels high, times the sighting's quality.
    """

    image: ImageArray
    timestamp_s: float
    frame_index: int
    box_xyxy: tuple[float, float, float, float]
    score: float


class BestCrops:
    """Chooses, and holds in memory, a crop of every track: large, and of the best `sighting_quality`.

    A track that was taken for several people in turn has one for each.
    """

    def __init__(self, heads: Heads = "whole") -> None:
        self._heads = heads
        self._best: dict[TrackKey, dict[int, BestCrop]] = {}

    def look(self, seen: CameraTick) -> None:
        """Look at one camera's tracks; those that the tracker only predicts are passed over."""
        image, boxes = seen.frame.image, seen.tracks.boxes_xyxy
        extended = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] - boxes[:, :2] >= 2).all(axis=1)
        heights = np.clip(boxes[:, 3], 0, image.shape[0]) - np.clip(boxes[:, 1], 0, image.shape[0])
        # The others are not worth a look: not even perfect quality would make them better.
        rows = [
            int(row)
            for row in np.flatnonzero(extended & (seen.tracks.detection_indices >= 0))
            if heights[row] > self._score(seen, int(row))
        ]
        if not rows:
            return
        quality = sighting_quality(image, seen.detections.boxes_xyxy, seen.detections.keypoints)
        for row in rows:
            score = float(heights[row] * quality[seen.tracks.detection_indices[row]])
            if score > self._score(seen, row):
                self._keep(seen, row, score)

    def pop(self, keys: Iterable[TrackKey]) -> list[tuple[TrackKey, BestCrop]]:
        """Hand over these tracks' crops, which are then no longer held."""
        return [(key, crop) for key in keys for crop in self._best.pop(key, {}).values()]

    def all(self) -> list[tuple[TrackKey, BestCrop]]:
        """Every crop that is held, by track."""
        return [(key, crop) for key, crops in sorted(self._best.items()) for crop in crops.values()]

    def _score(self, seen: CameraTick, row: int) -> float:
        """Of the best crop of a row's track; below all without one, since a poor picture is better than none."""
        crops = self._best.get(TrackKey(seen.frame.camera_id, int(seen.tracks.track_ids[row])), {})
        known = crops.get(int(seen.identity_ids[row]))
        return -1.0 if known is None else known.score

    def _keep(self, seen: CameraTick, row: int, score: float) -> None:
        frame, box = seen.frame, seen.tracks.boxes_xyxy[row]
        left, top, right, bottom = _crop_region(frame.image, box)
        crop = frame.image[top:bottom, left:right]
        if crop.size == 0:
            return
        if self._heads == "blurred":
            crop = pixelated(crop, heads_in(seen) - np.array([left, top, left, top], np.float32))
        else:
            crop = crop.copy()  # a view would keep the whole picture alive
        x1, y1, x2, y2 = (float(side) for side in box)
        kept = BestCrop(crop, frame.timestamp_s, frame.frame_index, (x1, y1, x2, y2), score)
        key = TrackKey(frame.camera_id, int(seen.tracks.track_ids[row]))
        self._best.setdefault(key, {})[int(seen.identity_ids[row])] = kept


class BestCropsSink:
    """Keeps, in memory, a crop of every track, and knows in the end whom it shows."""

    def __init__(self, heads: Heads = "whole") -> None:
        self._crops = BestCrops(heads)
        self._replay = IdentityReplay()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close; `by_identity` goes on to answer."""

    def write(self, tick: Tick) -> None:
        """Look at the tick's tracks.

        Raises:
            InputError: an event lacks what its kind needs.
        """
        for event in tick.events:
            self._replay.apply(event)
        for seen in tick.cameras:
            self._crops.look(seen)

    def by_identity(self) -> dict[int, dict[str, BestCrop]]:
        """By identity and camera, the best crop among all tracks that are this identity in the end."""
        best: dict[int, dict[str, BestCrop]] = {}
        for key, crop in self._crops.all():
            identity_id = self._replay.identity_at(key, crop.frame_index)
            if identity_id is None:
                continue
            of_identity = best.setdefault(identity_id, {})
            known = of_identity.get(key.camera_id)
            if known is None or crop.score > known.score:
                of_identity[key.camera_id] = crop
        return dict(sorted(best.items()))


def _crop_region(image: ImageArray, box: FloatArray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the box with a margin, in the crop's shape, as far as the picture goes."""
    centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    height = max(float(size[1]) * (1 + 2 * _MARGIN), float(size[0]) / _ASPECT)
    half = np.array([height * _ASPECT / 2, height / 2])
    limits = (image.shape[1], image.shape[0])
    left, top = np.clip(np.round(centre - half), 0, limits).astype(int).tolist()
    right, bottom = np.clip(np.round(centre + half), 0, limits).astype(int).tolist()
    return left, top, right, bottom
