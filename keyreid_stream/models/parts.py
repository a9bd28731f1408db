"""Keypoints to body parts: how much each patch of a crop belongs to each part (method section 5).

Coordinates are continuous crop pixels, x to the right, y down: pixel i covers [i, i + 1), so a crop spans [0, width] by
[0, height] and the keypoint (x, y) lies in the pixel (floor x, floor y). That pixel is where its Gaussian is centred
(rounding a keypoint to a pixel always means this), which makes the peak exactly 1.

A keypoint counts if its confidence is above `MINIMUM_CONFIDENCE` and it lies in the crop, edges included. All others,
also NaN and infinite ones, contribute nothing: a limb whose end is outside the crop has no visible tail.

Letters: N crops, K keypoints (17), P parts, H, W crop pixels, R, C grid rows and columns, M = R · C patches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import ConfigError
from keyreid_stream.structures import COCO_KEYPOINTS, CropSpec, FloatArray, IntArray

PART_NAMES = ("head", "torso", "left_arm", "right_arm", "left_leg", "right_leg")

PART_KEYPOINTS = ((0, 1, 2, 3, 4), (5, 6, 11, 12), (7, 9), (8, 10), (13, 15), (14, 16))
"""COCO keypoints of each part, in the order of `PART_NAMES`."""

MIRRORED_KEYPOINTS = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Which keypoint takes each keypoint's place in a mirror."""

MINIMUM_CONFIDENCE = 0.1
"""Keypoints must be more confident than this to count."""


def part_weights(keypoints: FloatArray | None, count: int, spec: CropSpec) -> FloatArray:
    """Patch weights of `count` crops, in the weighting that the model was trained with.

    Args:
        keypoints: (N, 17, 3) float32, x, y in crop pixels and confidence; None where the detector has none, and then
            every part sees the whole body.
        count: N.
        spec: the crops.

    Returns:
        (N, P, M) float32; in [0, 1] for `soft`, in [-1, 1] for `signed`, all 1 without keypoints.

    Raises:
        ConfigError: `spec` has more parts than there are, or a grid that does not divide the crop.
        ValueError: keypoints of another shape than (N, 17, 3).
    """
    if keypoints is None:
        _check_spec(spec)
        return np.ones((count, spec.parts, spec.patches), np.float32)
    if len(keypoints) != count:
        raise ValueError(f"keypoints must be of {count} people, got {len(keypoints)}")
    return soft_part_weights(keypoints, spec) if spec.weighting == "soft" else signed_part_weights(keypoints, spec)


def soft_part_weights(keypoints: FloatArray, spec: CropSpec) -> FloatArray:
    """Soft attention: how strongly a patch shows a part; all zero for a part that is not seen (method section 4).

    A keypoint's truncated Gaussian is separable, so its mean over a patch is the product of two window means and no
    heatmap is made. A part takes the maximum of its keypoints' patch means. For one visible keypoint that is the patch
    mean of the part's heatmap; for several it is at most that mean (which counts all of them where a patch shows more
    than one), and at least its n-th part for n keypoints.

    Args:
        keypoints: (N, 17, 3) float32, x, y in crop pixels and confidence.
        spec: the crops.

    Returns:
        (N, P, M) float32 in [0, 1], patches row-major.

    Raises:
        ConfigError: `spec` has more parts than there are, or a grid that does not divide the crop.
        ValueError: keypoints of another shape than (N, 17, 3).
    """
    _check_spec(spec)
    visible, columns_NK, rows_NK = _locate(keypoints, spec.height, spec.width)
    row_means_HR = _gaussians(spec.height, spec.width).reshape(spec.height, spec.grid_rows, -1).mean(axis=2)
    column_means_WC = _gaussians(spec.width, spec.width).reshape(spec.width, spec.grid_columns, -1).mean(axis=2)
    row_means_NKR = row_means_HR[rows_NK] * visible[..., None]
    means_NKRC = row_means_NKR[..., :, None] * column_means_WC[columns_NK][..., None, :]
    parts = [means_NKRC[:, list(part)].max(axis=1) for part in PART_KEYPOINTS[: spec.parts]]
    return np.stack(parts, axis=1).reshape(len(keypoints), spec.parts, spec.patches)


def signed_part_weights(keypoints: FloatArray, spec: CropSpec) -> FloatArray:
    """The published model's weights: each heatmap mapped from [0, 1] to [-1, 1], averaged per patch.

    Background, and every patch of a part that is not seen, weighs -1 (method sections 1 and 3). The published min-max
    scaling before that changes nothing: a part that is seen peaks at exactly 1 and leaves pixels at 0.

    Args:
        keypoints: (N, 17, 3) float32, x, y in crop pixels and confidence.
        spec: the crops.

    Returns:
        (N, P, M) float32 in [-1, 1], patches row-major.

    Raises:
        ConfigError: `spec` has more parts than there are, or a grid that does not divide the crop.
        ValueError: keypoints of another shape than (N, 17, 3).
    """
    _check_spec(spec)
    weights = np.empty((len(keypoints), spec.parts, spec.patches), np.float32)
    for crop, one in enumerate(keypoints):  # one crop's heatmaps at a time: 100 crops' would take 80 MB
        heatmaps = part_heatmaps(one[None], spec.height, spec.width)[0, : spec.parts]
        weights[crop] = _patch_means(2 * heatmaps - 1, spec)
    return weights


def part_heatmaps(keypoints: FloatArray, height: int, width: int) -> FloatArray:
    """Where the body parts are: the maximum of the Gaussians of each part's keypoints.

    Radius int(width / 11) and σ = (2 · radius + 1) / 4 pixels, peak 1, cut off outside the square of ±radius pixels
    around the keypoint's pixel.

    Args:
        keypoints: (N, 17, 3) float32, x, y in crop pixels and confidence.
        height: of the crop, pixels.
        width: of the crop, pixels.

    Returns:
        (N, 6, height, width) float32 in [0, 1].

    Raises:
        ValueError: keypoints of another shape than (N, 17, 3).
    """
    visible, columns_NK, rows_NK = _locate(keypoints, height, width)
    vertical_NKH = _gaussians(height, width)[rows_NK] * visible[..., None]
    horizontal_NKW = _gaussians(width, width)[columns_NK]
    heatmaps = np.zeros((len(keypoints), len(PART_KEYPOINTS), height, width), np.float32)
    for part, members in enumerate(PART_KEYPOINTS):
        for member in members:
            gaussian_NHW = vertical_NKH[:, member, :, None] * horizontal_NKW[:, member, None, :]
            np.maximum(heatmaps[:, part], gaussian_NHW, out=heatmaps[:, part])
    return heatmaps


def flip_keypoints(keypoints: FloatArray, width: int) -> FloatArray:
    """Mirror keypoints left to right, as a horizontal flip of their crop does.

    A mirrored left hand is a right hand: keypoints change places, so left and right part weights swap as well.

    Args:
        keypoints: (N, 17, 3) float32, x, y in crop pixels and confidence.
        width: of the crop, pixels.

    Returns:
        (N, 17, 3) float32, a new array.
    """
    mirrored = keypoints[:, list(MIRRORED_KEYPOINTS)]
    mirrored[..., 0] = width - mirrored[..., 0]
    return mirrored


def _check_spec(spec: CropSpec) -> None:
    if not 1 <= spec.parts <= len(PART_NAMES):
        raise ConfigError(f"a model of {spec.parts} parts is not possible; use 1 to {len(PART_NAMES)} parts")
    if spec.height % spec.grid_rows or spec.width % spec.grid_columns:
        raise ConfigError(
            f"a crop of {spec.height}x{spec.width} pixels cannot be cut into {spec.grid_rows}x{spec.grid_columns} "
            "equal patches; use a crop size that the grid divides"
        )


def _locate(keypoints: FloatArray, height: int, width: int) -> tuple[NDArray[np.bool_], IntArray, IntArray]:
    """Which keypoints count (N, K), and the pixel column and row of each (0 where it does not count)."""
    if keypoints.ndim != 3 or keypoints.shape[1:] != (COCO_KEYPOINTS, 3):
        raise ValueError(f"keypoints must have shape (any, {COCO_KEYPOINTS}, 3), got {keypoints.shape}")
    x, y, confidence = np.moveaxis(keypoints, 2, 0)
    visible = (confidence > MINIMUM_CONFIDENCE) & np.isfinite(confidence)
    visible &= (x >= 0) & (x <= width) & (y >= 0) & (y <= height)  # false for NaN
    # The right and bottom edges belong to the last pixel: detectors clip keypoints to the picture, onto its edge.
    columns = np.minimum(np.where(visible, x, 0), width - 1).astype(np.int64)
    rows = np.minimum(np.where(visible, y, 0), height - 1).astype(np.int64)
    return visible, columns, rows


def _gaussians(length: int, width: int) -> FloatArray:
    """(length, length): row i is the one-dimensional Gaussian around pixel i, zero beyond the radius."""
    radius = int(width / 11)
    sigma = (2 * radius + 1) / 4
    pixels = np.arange(length)
    profile: FloatArray = np.exp(-(pixels**2) / (2 * sigma**2)).astype(np.float32)
    profile[radius + 1 :] = 0
    around: FloatArray = profile[np.abs(pixels[:, None] - pixels)]
    return around


def _patch_means(heatmaps: FloatArray, spec: CropSpec) -> FloatArray:
    """(P, H, W) to (P, M): the mean over each patch."""
    grid = heatmaps.reshape(len(heatmaps), spec.grid_rows, spec.height // spec.grid_rows, spec.grid_columns, -1)
    means: FloatArray = grid.mean(axis=(2, 4)).reshape(len(heatmaps), spec.patches)
    return means
