"""Truth as tracklets of crops, for training and measuring re-identification."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from keyreid_stream.structures import FloatArray, IntArray
from keyreid_stream.world.truth import Shot
from keyreid_stream.world.writers.camera_path import camera_path
from keyreid_stream.world.writers.whole_file import write_jpeg, write_text

SCHEMA = "keyreid.tracklet/1"

MAX_OCCLUSION = 0.7
"""Of people hidden by more, no crop is cut: it would mostly show somebody or something else."""

MIN_HEIGHT = 24
"""Pixels of the picture that a crop must be high."""

MAX_GAP_S = 1.0
"""A person who is not seen for longer starts a new tracklet."""


@dataclass
class _Tracklet:
    """A person's tracklet while it is written."""

    folder: Path
    number: int
    last_s: float
    frames: list[dict[str, Any]] = field(default_factory=list)


class CropWriter:
    """Writes `<person>/<camera>/<tracklet>/<frame>.jpg`, and `keypoints.json` beside the images of each tracklet.

    A crop is the whole person's box, cut at the picture's edge. `keypoints.json` holds `schema`, `person_id`,
    `camera_id`, `tracklet` and `frames`; of each frame `file`, `frame_index`, `timestamp_s`, `box_xyxy` in pixels of
    the frame, `occlusion`, and `keypoints`, 17 times x, y in pixels of the crop and visibility (0 outside, 1 occluded,
    2 visible).

    Args:
        folder: where people's folders go.
        max_occlusion: people hidden by a larger share give no crop.
        min_height: crops lower than so many pixels are left out.
        max_gap_s: who gave no crop for longer starts a new tracklet.
        quality: of the JPEG images, 1 to 100.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_occlusion: float = MAX_OCCLUSION,
        min_height: int = MIN_HEIGHT,
        max_gap_s: float = MAX_GAP_S,
        quality: int = 92,
    ) -> None:
        self._folder = folder
        self._max_occlusion = max_occlusion
        self._min_height = min_height
        self._max_gap_s = max_gap_s
        self._quality = quality
        self._open: dict[tuple[str, int], _Tracklet] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        for (camera_id, person_id), tracklet in self._open.items():
            _finish(camera_id, person_id, tracklet)
        self._open.clear()

    def write(self, shot: Shot) -> None:
        """Cut out the people of a shot."""
        truth = shot.truth
        boxes = _inside(truth.boxes_xyxy, *shot.frame.image.shape[:2])
        for row in np.flatnonzero((truth.occlusion <= self._max_occlusion) & (truth.visible_pixels > 0)):
            x1, y1, x2, y2 = boxes[row].tolist()
            if y2 - y1 >= self._min_height and x2 > x1:
                self._append(shot, int(row), (x1, y1, x2, y2))

    def _append(self, shot: Shot, row: int, box: tuple[int, int, int, int]) -> None:
        frame, truth = shot.frame, shot.truth
        tracklet = self._tracklet(frame.camera_id, int(truth.person_ids[row]), truth.time_s)
        x1, y1, x2, y2 = box
        file = f"{frame.frame_index:06d}.jpg"
        write_jpeg(tracklet.folder / file, np.ascontiguousarray(frame.image[y1:y2, x1:x2]), self._quality)
        keypoints = truth.keypoints[row] - np.array([x1, y1, 0], np.float32)
        tracklet.frames.append(
            {
                "file": file,
                "frame_index": frame.frame_index,
                "timestamp_s": round(frame.timestamp_s, 6),
                "box_xyxy": box,
                "occlusion": round(float(truth.occlusion[row]), 4),
                "keypoints": [[round(x, 2), round(y, 2), int(seen)] for x, y, seen in keypoints.tolist()],
            }
        )

    def _tracklet(self, camera_id: str, person_id: int, time_s: float) -> _Tracklet:
        """The person's open tracklet, or a new one after a gap."""
        tracklet = self._open.get((camera_id, person_id))
        if tracklet is not None and time_s - tracklet.last_s <= self._max_gap_s:
            tracklet.last_s = time_s
            return tracklet
        number = 1
        if tracklet is not None:
            _finish(camera_id, person_id, tracklet)
            number = tracklet.number + 1
        folder = camera_path(self._folder / f"{person_id:04d}", camera_id) / f"{number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        tracklet = self._open[camera_id, person_id] = _Tracklet(folder, number, time_s)
        return tracklet


def _inside(boxes: FloatArray, height: int, width: int) -> IntArray:
    """Boxes (K, 4) widened to whole pixels and cut at the picture's edge."""
    limits = np.array([width, height, width, height])
    whole = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1)
    inside: IntArray = np.clip(whole, 0, limits).astype(np.int64)
    return inside


def _finish(camera_id: str, person_id: int, tracklet: _Tracklet) -> None:
    content = {
        "schema": SCHEMA,
        "person_id": person_id,
        "camera_id": camera_id,
        "tracklet": tracklet.number,
        "frames": tracklet.frames,
    }
    write_text(tracklet.folder / "keypoints.json", json.dumps(content, indent=1) + "\n")
