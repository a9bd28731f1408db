"""People and their keypoints by any Ultralytics model that finds people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keyreid_stream.pose.config import PoseConfig
from keyreid_stream.pose.weights import open_weights
from keyreid_stream.structures import Detections, Frame, ImageArray

_log = logging.getLogger("keyreid_stream.pose")


class UltralyticsPose:
    """A `PoseDetector` on Ultralytics YOLO: pose models, and detectors and segmenters with the class person.

    Frames of one size go through the network in one call, whatever their cameras. Frames of another size get a call of
    their own: in one call they would all be padded to a square, which moves boxes by a pixel or two (so that a frame's
    result would depend on its neighbours) and costs half as much again.

    Args:
        config: weights and settings.

    Raises:
        WeightsError: the weights are missing, damaged, or of a model that does not find people.
        MissingExtraError: the weights need a package that is not installed.
        ConfigError: there is no such device.
    """

    def __init__(self, config: PoseConfig) -> None:
        self._config = config
        self._model = open_weights(config)
        if not self._model.finds_keypoints:
            _log.warning("no keypoints: whole-body weights (%s only finds boxes)", config.weights)

    @property
    def weights(self) -> Path:
        """The file or folder of its weights."""
        return self._config.weights.expanduser()

    @property
    def finds_keypoints(self) -> bool:
        """Whether detections have keypoints."""
        return self._model.finds_keypoints

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The people of each frame, most confident first, then from left to right.

        Boxes lie within the frame; keypoints may have any confidence, also 0.
        """
        found: dict[int, Detections] = {}
        for rows in _rows_by_size(frames):
            results = self._model.predict([_bgr(frames[row].image) for row in rows])
            for row, result in zip(rows, results, strict=True):
                found[row] = self._people(result, frames[row].image)
        return [found[row] for row in range(len(frames))]

    def _people(self, result: Any, image: ImageArray) -> Detections:
        """One picture's Ultralytics `Results` as detections."""
        boxes = result.boxes.data.cpu().numpy().astype(np.float32)  # (n, 6): x1, y1, x2, y2, confidence, class
        keypoints = result.keypoints.data.cpu().numpy().astype(np.float32) if self._model.finds_keypoints else None
        height, width = image.shape[:2]
        boxes_xyxy = np.clip(boxes[:, :4], 0, np.array([width, height, width, height], np.float32))
        people = Detections(boxes_xyxy, boxes[:, 4], keypoints)
        x1, y1, x2, y2 = boxes_xyxy.T
        wanted = np.flatnonzero((x2 > x1) & (y2 > y1) & (y2 - y1 >= self._config.minimum_height))
        order = wanted[np.lexsort((x1[wanted], -people.confidence[wanted]))]
        return people.select(order[: self._config.max_people])


def _rows_by_size(frames: Sequence[Frame]) -> Iterable[list[int]]:
    """The rows of the frames of each picture size."""
    rows_by_size: dict[tuple[int, ...], list[int]] = {}
    for row, frame in enumerate(frames):
        rows_by_size.setdefault(frame.image.shape, []).append(row)
    return rows_by_size.values()


def _bgr(image: ImageArray) -> ImageArray:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
