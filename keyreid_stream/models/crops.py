"""People cut out of frames: boxes and keypoints to the pictures and part weights that a model wants to see."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.models.parts import part_weights
from keyreid_stream.structures import Crops, CropSpec, Detections, FloatArray, Frame, ImageArray, IntArray


def crop_frames(frames: Sequence[Frame], detections: Sequence[Detections], spec: CropSpec) -> Crops:
    """Everyone in these frames, frame by frame in the order given, so that one model call encodes all cameras.

    Args:
        frames: pictures, of any cameras and sizes.
        detections: the people of each frame.
        spec: the crops that the model wants.

    Returns:
        N crops, N being the detections of all frames together.

    Raises:
        ValueError: another number of detections than of frames.
    """
    return join_crops(
        [
            make_crops(frame.image, found.boxes_xyxy, found.keypoints, spec)
            for frame, found in zip(frames, detections, strict=True)
        ],
        spec,
    )


def join_crops(crops: Sequence[Crops], spec: CropSpec) -> Crops:
    """All these crops in order, as one batch; an empty one of this kind if there are none."""
    return Crops(
        np.concatenate([_no_images(0, spec), *(one.images for one in crops)]),
        np.concatenate([part_weights(None, 0, spec), *(one.part_weights for one in crops)]),
    )


def make_crops(image: ImageArray, boxes_xyxy: FloatArray, keypoints: FloatArray | None, spec: CropSpec) -> Crops:
    """Cut people out of one frame.

    A box is clipped to the picture and widened to whole pixels, and that region is resized to the crop size without
    keeping its aspect (method section 4: resize to 256x128). Keypoints go through exactly the same mapping. A box that
    shows nothing (empty, outside the picture, or NaN) gives a black crop whose weights are those of a person
    with no visible part: 0 for soft weighting, -1 for signed.

    Args:
        image: (H, W, 3) uint8, RGB.
        boxes_xyxy: (N, 4) float32, pixels of the picture; pixel i covers [i, i + 1).
        keypoints: (N, 17, 3) float32, x, y in pixels of the picture and confidence; None for whole-body weights.
        spec: the crops that the model wants.

    Returns:
        N crops.

    Raises:
        ConfigError: `spec` is not possible.
        ValueError: keypoints of another number of people than boxes.
    """
    regions, shown = box_regions(boxes_xyxy, image.shape[0], image.shape[1])
    images = _no_images(len(regions), spec)
    for crop in np.flatnonzero(shown):
        x1, y1, x2, y2 = regions[crop]
        images[crop] = _resize(image[y1:y2, x1:x2], spec)
    if keypoints is not None:
        keypoints = _to_crop_pixels(keypoints, regions, spec)
    weights = part_weights(keypoints, len(regions), spec)
    weights[~shown] = 0 if spec.weighting == "soft" else -1
    return Crops(images, weights)


def _no_images(count: int, spec: CropSpec) -> ImageArray:
    return np.zeros((count, spec.height, spec.width, 3), np.uint8)


def box_regions(boxes_xyxy: FloatArray, height: int, width: int) -> tuple[IntArray, NDArray[np.bool_]]:
    """Boxes (N, 4) as whole pixels inside a picture of this size, and which of them show any of it (N,).

    The region of a box that shows nothing is one pixel, so that later arithmetic stays finite.
    """
    clipped = np.clip(boxes_xyxy, 0, np.array([width, height, width, height], np.float32))
    x1, y1, x2, y2 = clipped.T
    shown = (x1 < x2) & (y1 < y2)  # false for NaN
    clipped = np.where(shown[:, None], clipped, np.array([0, 0, 1, 1], np.float32))
    outward = np.concatenate([np.floor(clipped[:, :2]), np.ceil(clipped[:, 2:])], axis=1)
    return outward.astype(np.int64), shown


def _resize(region: ImageArray, spec: CropSpec) -> ImageArray:
    """Resize to the crop size: bicubic, as in the published recipe, but by area averaging along a side that shrinks.

    OpenCV's bicubic reads 4x4 pixels however much it shrinks, so a person close to the camera would turn into a grid of
    stray samples (the recipe's own bicubic widens its filter to prevent that, as area averaging does). Both keep pixel
    edges in place, and a step that changes nothing is a copy.
    """
    height, width = min(region.shape[0], spec.height), min(region.shape[1], spec.width)
    shrunk = cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (spec.width, spec.height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _to_crop_pixels(keypoints: FloatArray, regions: IntArray, spec: CropSpec) -> FloatArray:
    """Keypoints (N, 17, 3) from pixels of the picture to pixels of each region's crop."""
    origin = regions[:, None, :2].astype(np.float32)
    scale = np.array([spec.width, spec.height], np.float32) / (regions[:, None, 2:] - regions[:, None, :2])
    crop_keypoints = keypoints.copy()
    with np.errstate(over="ignore"):  # a wild coordinate may become infinite, which is outside every crop
        crop_keypoints[..., :2] = (keypoints[..., :2] - origin) * scale
    return crop_keypoints
