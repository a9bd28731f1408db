"""The best picture of everybody from each camera. It keeps pictures of people: only for who asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.sinks.letterbox import resized
from keyreid_stream.structures import CameraTick, FloatArray, ImageArray, Tick, TrackKey

_ASPECT = 0.5
"""Width of a crop in its height."""

_MARGIN = 0.06
"""Of a crop around its person, in the person's height."""

_JUDGED_SIZE = (128, 64)
"""Height and width at which sharpness is measured, so that large crops are not sharper for their size."""

_FAIR_SHARPNESS = 400.0
"""Variance of the Laplacian at which a crop is half as good as a perfectly sharp one."""

_CUT = 0.4
"""What a person is worth whose box touches the picture's edge: something of them is outside."""

_EDGE_PX = 2.0
_MIN_KEYPOINT_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class BestCrop:
    """A person as one camera saw them best.

    Attributes:
        image: (H, W, 3) uint8 RGB, twice as high as wide except at the picture's edge.
        timestamp_s: when, on the camera's clock.
        frame_index: of the frame that it is from.
        box_xyxy: the track's box in that frame, pixels.
        score: larger is better: pixels high, reduced for blur and for what is hidden or cut off.
    """

    image: ImageArray
    timestamp_s: float
    frame_index: int
    box_xyxy: tuple[float, float, float, float]
    score: float


class BestCropsSink:
    """Keeps, in memory, a crop of every track: the largest, sharpest and least hidden.

    A track that was taken for several people in turn has one for each.
    """

    def __init__(self) -> None:
        self._best: dict[tuple[TrackKey, int], BestCrop] = {}
        self._replay = IdentityReplay()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close; `by_identity` goes on to answer."""

    def write(self, tick: Tick) -> None:
        """Look at the tick's tracks; those that the tracker only predicts are passed over.

        Raises:
            InputError: an event lacks what its kind needs.
        """
        for event in tick.events:
            self._replay.apply(event)
        for seen in tick.cameras:
            self._look(seen)

    def by_identity(self) -> dict[int, dict[str, BestCrop]]:
        """By identity and camera, the best crop among all tracks that are this identity in the end."""
        best: dict[int, dict[str, BestCrop]] = {}
        for (key, _), crop in sorted(self._best.items(), key=lambda item: item[0]):
            identity_id = self._replay.identity_at(key, crop.frame_index)
            if identity_id is None:
                continue
            of_identity = best.setdefault(identity_id, {})
            known = of_identity.get(key.camera_id)
            if known is None or crop.score > known.score:
                of_identity[key.camera_id] = crop
        return dict(sorted(best.items()))

    def _look(self, seen: CameraTick) -> None:
        image, boxes = seen.frame.image, seen.tracks.boxes_xyxy
        whole = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] - boxes[:, :2] >= 2).all(axis=1)
        for row in np.flatnonzero(whole & (seen.tracks.detection_indices >= 0)):
            key = TrackKey(seen.frame.camera_id, int(seen.tracks.track_ids[row])), int(seen.identity_ids[row])
            bound = _at_most(boxes, int(row), seen)
            known = self._best.get(key)
            if known is not None and bound <= known.score:
                continue  # not even if it were perfectly sharp
            crop = _cut_out(image, boxes[row])
            if crop.size == 0:
                continue
            score = bound * _sharpness(crop)
            if known is None or score > known.score:
                x1, y1, x2, y2 = (float(side) for side in boxes[row])
                # A copy: a view would keep the whole picture alive.
                self._best[key] = BestCrop(
                    crop.copy(), seen.frame.timestamp_s, seen.frame.frame_index, (x1, y1, x2, y2), score
                )


def _at_most(boxes: FloatArray, row: int, seen: CameraTick) -> float:
    """The score that this box would have if it were perfectly sharp: its height, less for what is hidden or cut."""
    height, width = seen.frame.image.shape[:2]
    x1, y1, x2, y2 = boxes[row]
    inside_px = max(0.0, float(min(y2, height) - max(y1, 0)))
    cut = x1 < _EDGE_PX or y1 < _EDGE_PX or x2 > width - _EDGE_PX or y2 > height - _EDGE_PX
    return inside_px * (_CUT if cut else 1.0) * (1 - _overlapped(boxes, row)) ** 2 * _shown_share(seen, row)


def _overlapped(boxes: FloatArray, row: int) -> float:
    """The largest share of the box, 0 to 1, that any other box covers."""
    corner = np.maximum(boxes[:, :2], boxes[row, :2])
    sides = np.minimum(boxes[:, 2:], boxes[row, 2:]) - corner
    area = float(np.prod(boxes[row, 2:] - boxes[row, :2]))
    shares = np.prod(np.maximum(sides, 0), axis=1) / area
    shares[row] = 0
    return float(min(1.0, np.nan_to_num(shares).max()))


def _shown_share(seen: CameraTick, row: int) -> float:
    """0.5 to 1: more, the more keypoints are seen; 1 where the detector gives none."""
    if seen.detections.keypoints is None:
        return 1.0
    confidence = seen.detections.keypoints[seen.tracks.detection_indices[row], :, 2]
    return 0.5 + 0.5 * float((confidence >= _MIN_KEYPOINT_CONFIDENCE).mean())


def _cut_out(image: ImageArray, box: FloatArray) -> ImageArray:
    """The box with a margin, widened or heightened to the crop's shape, as far as the picture goes."""
    centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    height = max(float(size[1]) * (1 + 2 * _MARGIN), float(size[0]) / _ASPECT)
    half = np.array([height * _ASPECT / 2, height / 2])
    limits = (image.shape[1], image.shape[0])
    left, top = np.clip(np.round(centre - half), 0, limits).astype(int)
    right, bottom = np.clip(np.round(centre + half), 0, limits).astype(int)
    return image[top:bottom, left:right]


def _sharpness(crop: ImageArray) -> float:
    """0 to 1: how much fine structure a crop has."""
    grey = cv2.cvtColor(resized(crop, *_JUDGED_SIZE), cv2.COLOR_RGB2GRAY)
    variance = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return variance / (variance + _FAIR_SHARPNESS)
