"""How much a picture of a person can tell: whether it may found an identity, and how far it counts beside others."""

from __future__ import annotations

import cv2
import numpy as np

from keyreid_stream.models.crops import box_regions
from keyreid_stream.structures import FloatArray, ImageArray

FULL_HEIGHT_PX = 96.0
"""A person this high loses nothing by being small; models see crops of 128 or 256 rows."""

LEAST_HEIGHT_PX = 16.0
"""Lower, nothing can be told."""

SHARP = 0.2
"""Variance of the Laplacian over that of the picture, at `ANALYSED_HEIGHT`: what an unblurred person has."""

ANALYSED_HEIGHT = 64
"""Rows at which sharpness is measured, so that it does not depend on how far away somebody is."""

SEEN_CONFIDENCE = 0.3
"""A keypoint is seen, as far as drawing and part weights ask."""

_FLAT = 50.0
"""Variance of grey levels added below the ratio: a picture of noise or of steps of one level is not sharp but empty."""

_COARSE_STEP = 3

_ANALYSED_WIDTH = 32

_BANDS = ((5, 6), (11, 12), (13, 14), (15, 16))
"""Shoulders, hips, knees, ankles. Of each the left or the right is enough: from the side no more is seen."""

_BAND_WORTH = np.array([0.25, 0.35, 0.25, 0.15], np.float32)
"""What each adds: clothes of trunk and legs tell most, a head nothing that lasts."""


def sighting_quality(image: ImageArray, boxes_xyxy: FloatArray, keypoints: FloatArray | None = None) -> FloatArray:
    """The quality of everyone in one frame.

    The product of four factors from 0 to 1: sharpness, height in pixels, how little others' boxes cover, and how
    complete the body is by its keypoints. A product, since one of them at 0 leaves nothing: a head alone, however sharp
    and large, has quality 0, and so never founds an identity.

    Args:
        image: (H, W, 3) uint8, RGB.
        boxes_xyxy: (N, 4) float32, pixels of the picture.
        keypoints: (N, 17, 3) float32, x, y and confidence; None where the detector finds none: bodies then count
            as complete.

    Returns:
        (N,) float32 from 0 to 1; 0 for a box that shows nothing.
    """
    boxes = np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)
    regions, shown = box_regions(boxes, image.shape[0], image.shape[1])
    quality = np.zeros(len(boxes), np.float32)
    rows = np.flatnonzero(shown)
    if len(rows):
        sharp = np.array([_sharpness(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in regions[rows]], np.float32)
        clipped = regions[rows].astype(np.float32)
        quality[rows] = sharp * _size(clipped) * _clearness(clipped)
        if keypoints is not None:
            quality[rows] *= _completeness(keypoints[rows], clipped)
    return quality


def _sharpness(region: ImageArray) -> float:
    """1 for a sharp person, near 0 for a smeared one."""
    # Never enlarged: rows that are made up would look like blur, and smallness is counted by itself.
    size = (min(_ANALYSED_WIDTH, region.shape[1]), min(ANALYSED_HEIGHT, region.shape[0]))
    small = cv2.resize(_green(region), size, interpolation=cv2.INTER_AREA)
    edges = cv2.Laplacian(small, cv2.CV_32F)
    contrast = float(small.var())
    return min(1.0, float(edges.var()) / (contrast + _FLAT) / SHARP)


def _green(region: ImageArray) -> FloatArray:
    """The green channel, most of what is grey; of somebody large averaged over whole squares first, which is fast."""
    step = min(region.shape[0] // ANALYSED_HEIGHT, region.shape[1] // _ANALYSED_WIDTH)
    green = region[..., 1]
    if step < _COARSE_STEP:
        return green.astype(np.float32)
    height, width = green.shape[0] // step, green.shape[1] // step
    whole = np.ascontiguousarray(green[: height * step, : width * step])
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _size(regions: FloatArray) -> FloatArray:
    """By the height of what is in the picture, from `LEAST_HEIGHT_PX` to `FULL_HEIGHT_PX`."""
    heights = regions[:, 3] - regions[:, 1]
    grown: FloatArray = np.clip((heights - LEAST_HEIGHT_PX) / (FULL_HEIGHT_PX - LEAST_HEIGHT_PX), 0, 1)
    return grown


def _clearness(regions: FloatArray) -> FloatArray:
    """1 less the share of each box that the worst other box covers.

    Whoever stands nearer ends lower in the picture, and only they hide others: a box that ends higher costs half.
    """
    low = np.maximum(regions[:, None, :2], regions[None, :, :2])
    high = np.minimum(regions[:, None, 2:], regions[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    np.fill_diagonal(shared, 0)
    area = np.prod(regions[:, 2:] - regions[:, :2], axis=1)
    weight = np.where(regions[None, :, 3] >= regions[:, None, 3], 1.0, 0.5)
    clear: FloatArray = 1 - (weight * shared / area[:, None]).max(axis=1)
    return np.clip(clear, 0, 1).astype(np.float32)


def _completeness(keypoints: FloatArray, regions: FloatArray) -> FloatArray:
    """How much of the body is seen, from shoulders to ankles: 1 for all of it, 0 for a head alone."""
    inside = ((keypoints[..., :2] >= regions[:, None, :2]) & (keypoints[..., :2] <= regions[:, None, 2:])).all(axis=2)
    seen = inside & (keypoints[..., 2] >= SEEN_CONFIDENCE)
    bands = np.stack([seen[:, band].any(axis=1) for band in _BANDS], axis=1)
    return np.asarray(bands @ _BAND_WORTH, np.float32)
