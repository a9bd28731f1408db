"""Heads in pictures, made unrecognisable."""

from __future__ import annotations

import cv2
import numpy as np

from keyreid_stream.models.parts import PART_KEYPOINTS, PART_NAMES
from keyreid_stream.models.sighting_quality import SEEN_CONFIDENCE
from keyreid_stream.structures import CameraTick, FloatArray, ImageArray

BLOCKS = (4, 3)
"""A head is left with so many blocks, in height and in width."""

_HEAD = list(PART_KEYPOINTS[PART_NAMES.index("head")])
_SHOULDERS = (5, 6)

_OF_HEAD_KEYPOINTS = 1.4
"""Half a head, hair and chin included, in the largest distance between two of its keypoints, seen from any side."""

_OF_SHOULDERS = 0.4
"""The same in the distance between the shoulders."""

_OF_HEIGHT = 0.09
"""The same in the height of a standing person."""

_TOP = 0.2
"""Share of a standing person's height that holds the head with room to spare."""

_TOP_IN_WIDTHS = 0.5
"""The same in widths: of whom little more than head and shoulders is seen, a fifth would be the hair."""

_UPRIGHT = 0.3
"""The head of somebody upright is in this share of the box, from the top."""


def heads_in(seen: CameraTick) -> FloatArray:
    """Where heads are in a camera's picture, (n, 4) pixels: of everyone detected, and of tracks that are predicted."""
    found = seen.detections
    predicted = seen.tracks.boxes_xyxy[seen.tracks.detection_indices < 0]
    return np.concatenate([head_regions(found.boxes_xyxy, found.keypoints), head_regions(predicted, None)])


def head_regions(boxes_xyxy: FloatArray, keypoints: FloatArray | None) -> FloatArray:
    """The region of everyone's head, rather too large than too small.

    Args:
        boxes_xyxy: (N, 4) float32, pixels.
        keypoints: (N, 17, 3) float32, x, y and confidence; None where there are none.

    Returns:
        (N, 4) float32, pixels: around the keypoints of the head where any is seen, and the top of the box unless they
            are far below it: of a head from behind, one ear is seen, at its side.
    """
    regions = _tops(boxes_xyxy)
    if keypoints is None:
        return regions
    for row, (box, points) in enumerate(zip(boxes_xyxy, keypoints, strict=True)):
        seen = (points[:, 2] >= SEEN_CONFIDENCE) & np.isfinite(points).all(axis=1)
        head = points[_HEAD][seen[_HEAD], :2]
        if len(head):
            shoulders = points[list(_SHOULDERS), :2] if seen[list(_SHOULDERS)].all() else None
            around = _around(head, shoulders, float(box[3] - box[1]))
            is_upright = (around[1] + around[3]) / 2 < box[1] + _UPRIGHT * (box[3] - box[1])
            regions[row] = _both(around, regions[row]) if is_upright else around
    return regions


def pixelated(image: ImageArray, regions: FloatArray) -> ImageArray:
    """A copy in which each region shows no more than `BLOCKS` blocks of one colour; all else stays.

    Args:
        image: (H, W, 3) uint8.
        regions: (n, 4), pixels of the image; what lies outside is left out, and so is what is not finite.
    """
    covered = image.copy()
    height, width = image.shape[:2]
    for region in regions:
        if not np.isfinite(region).all():
            continue
        left, top = np.clip(np.floor(region[:2]), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(region[2:]), 0, (width, height)).astype(int)
        if left >= right or top >= bottom:
            continue
        head = covered[top:bottom, left:right]
        blocks = (min(BLOCKS[1], right - left), min(BLOCKS[0], bottom - top))
        coarse = cv2.resize(head, blocks, interpolation=cv2.INTER_AREA)
        covered[top:bottom, left:right] = cv2.resize(coarse, head.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return covered


def _tops(boxes: FloatArray) -> FloatArray:
    regions = boxes.astype(np.float32).reshape(-1, 4)
    widths, heights = regions[:, 2] - regions[:, 0], regions[:, 3] - regions[:, 1]
    tops = np.minimum(np.maximum(_TOP * heights, _TOP_IN_WIDTHS * widths), heights)
    return np.stack([regions[:, 0], regions[:, 1], regions[:, 2], regions[:, 1] + tops], axis=1)


def _around(head: FloatArray, shoulders: FloatArray | None, height: float) -> FloatArray:
    """A region around the keypoints (n, 2) of a head, of a person whose box has this height."""
    spread = np.linalg.norm(head[:, None] - head, axis=2).max()
    half = max(_OF_HEAD_KEYPOINTS * float(spread), _OF_HEIGHT * height)
    if shoulders is not None:
        half = max(half, _OF_SHOULDERS * float(np.linalg.norm(shoulders[0] - shoulders[1])))
    middle = (head.min(axis=0) + head.max(axis=0)) / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def _both(first: FloatArray, second: FloatArray) -> FloatArray:
    """The smallest region that holds two."""
    return np.concatenate([np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])])
