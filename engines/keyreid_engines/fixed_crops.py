"""The same drawn people everywhere and always: what an engine is checked on."""

from __future__ import annotations

import numpy as np

from keyreid_stream.models.parts import part_weights
from keyreid_stream.structures import COCO_KEYPOINTS, Crops, CropSpec, FloatArray, ImageArray

POSE = np.array(
    [
        *((0.50, 0.10), (0.53, 0.08), (0.47, 0.08), (0.57, 0.10), (0.43, 0.10)),  # nose, eyes, ears
        *((0.68, 0.22), (0.32, 0.22), (0.74, 0.36), (0.26, 0.36), (0.76, 0.50), (0.24, 0.50)),  # arms
        *((0.61, 0.52), (0.39, 0.52), (0.61, 0.73), (0.39, 0.73), (0.61, 0.94), (0.39, 0.94)),  # legs
    ],
    np.float32,
)
"""Where a standing person's keypoints are: shares of a crop's width and height."""

BLOCKS = ((0.04, 0.17, 0.42, 0.58), (0.17, 0.53, 0.30, 0.70), (0.53, 0.97, 0.34, 0.66))
"""Head, upper and lower body: top, bottom, left and right as shares of a crop."""

HIDDEN_SHARE = 0.15


def fixed_crops(spec: CropSpec, count: int) -> Crops:
    """Draw people: every one with colours, noise and hidden keypoints of their own.

    Args:
        spec: the crops.
        count: N; the first ones of a larger number are the same.
    """
    images = np.stack([_image(spec, index) for index in range(count)])
    keypoints = np.stack([_keypoints(spec, index) for index in range(count)])
    return Crops(images, part_weights(keypoints, count, spec))


def _image(spec: CropSpec, index: int) -> ImageArray:
    draw = np.random.default_rng([2, index])
    rows, columns = np.linspace(0, 1, spec.height)[:, None, None], np.linspace(0, 1, spec.width)[None, :, None]
    picture = draw.uniform(40, 215, 3) + 50 * draw.uniform(-1, 1, 3) * rows + 50 * draw.uniform(-1, 1, 3) * columns
    for top, bottom, left, right in BLOCKS:
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        picture = np.where(inside, draw.uniform(0, 255, 3) + 30 * np.sin(draw.uniform(20, 90) * rows), picture)
    noisy = picture + draw.normal(0, 12, picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _keypoints(spec: CropSpec, index: int) -> FloatArray:
    draw = np.random.default_rng([3, index])
    places = POSE * (spec.width, spec.height) + draw.normal(0, 0.02, POSE.shape) * (spec.width, spec.height)
    seen = draw.uniform(size=(COCO_KEYPOINTS, 1)) > HIDDEN_SHARE
    return np.concatenate([places, 0.9 * seen], axis=1).astype(np.float32)
