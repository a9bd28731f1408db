"""A picture of any shape in a frame of a given one."""

from __future__ import annotations

import cv2
import numpy as np

from keyreid_stream.sinks.palette import DARK
from keyreid_stream.structures import ImageArray


def resized(image: ImageArray, height: int, width: int) -> ImageArray:
    """The (H, W, 3) image with (height, width) pixels, smoothly enlarged or reduced."""
    reducing = height < image.shape[0]
    result: ImageArray = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if reducing else cv2.INTER_LINEAR
    )
    return result


def letterboxed(image: ImageArray, height: int, width: int) -> ImageArray:
    """The whole image, as large as it fits into (height, width), centred on a dark ground."""
    if image.shape[:2] == (height, width):
        return image
    scale = min(height / image.shape[0], width / image.shape[1])
    inner_height, inner_width = (max(1, round(length * scale)) for length in image.shape[:2])
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    boxed = np.full((height, width, 3), DARK, np.uint8)
    boxed[top : top + inner_height, left : left + inner_width] = resized(image, inner_height, inner_width)
    return boxed
