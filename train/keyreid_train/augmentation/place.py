"""Where a person is in a crop: moved boxes, as detectors give them. Keypoints go along."""

from __future__ import annotations

import cv2
import numpy as np

from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_train.augmentation.config import AugmentationConfig
from keyreid_train.augmentation.cover import GREY


def reboxed(
    image: ImageArray, keypoints: FloatArray, config: AugmentationConfig, generator: np.random.Generator
) -> tuple[ImageArray, FloatArray]:
    """Cut the crop (H, W, 3) out again by a box whose edges are off; what is outside the old crop is grey.

    Returns:
        The new crop of the same size, and its keypoints (17, 3).
    """
    if not config.box:
        return image, keypoints
    height, width = image.shape[:2]
    # Beyond two standard deviations is no box of the same person any more.
    off = config.box * np.clip(generator.standard_normal(4), -2, 2) * (width, height, width, height)
    left, top = off[:2]
    scale_x, scale_y = width / (width + off[2] - left), height / (height + off[3] - top)
    # OpenCV counts from pixels' centres, boxes from their edges.
    places = np.array([[scale_x, 0, (0.5 - left) * scale_x - 0.5], [0, scale_y, (0.5 - top) * scale_y - 0.5]])
    cut = cv2.warpAffine(
        image, places, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(GREY,) * 3
    )
    points = keypoints.copy()
    points[:, :2] = (keypoints[:, :2] - np.array([left, top])) * np.array([scale_x, scale_y])
    return np.asarray(cut, np.uint8), points


def moved(
    image: ImageArray, keypoints: FloatArray, config: AugmentationConfig, generator: np.random.Generator
) -> tuple[ImageArray, FloatArray]:
    """Move a picture by whole pixels; what comes in from outside is grey.

    Returns:
        A new picture, and its keypoints (17, 3).
    """
    height, width = image.shape[:2]
    reach = round(config.shift * height)
    down, right = (int(pixels) for pixels in generator.integers(-reach, reach + 1, 2))
    shifted = np.full_like(image, GREY)
    source = image[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    shifted[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = source
    return shifted, keypoints + np.array([right, down, 0], np.float32)
