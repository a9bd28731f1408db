"""What hides a part of a person: a grey rectangle, or a piece of somebody else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_train.augmentation.config import AugmentationConfig

GREY = 128
"""Neutral fill: close to 0 once normalised."""

_ASPECTS = (0.3, 3.3)
"""Height over width of erased rectangles."""


class Region(NamedTuple):
    """A rectangle of a crop, pixels; it ends before `bottom` and `right`."""

    top: int
    left: int
    bottom: int
    right: int

    def holds(self, keypoints: FloatArray) -> NDArray[np.bool_]:
        """Which keypoints (K, 3) lie in it (K,)."""
        x, y = keypoints[:, 0], keypoints[:, 1]
        return (x >= self.left) & (x < self.right) & (y >= self.top) & (y < self.bottom)

    def part_of(self, image: ImageArray) -> ImageArray:
        """The view of these pixels."""
        return image[self.top : self.bottom, self.left : self.right]


def erased_region(image: ImageArray, config: AugmentationConfig, generator: np.random.Generator) -> Region | None:
    """Perhaps fill a rectangle with grey, in place; None if not."""
    if generator.random() >= config.erase:
        return None
    height, width = image.shape[:2]
    area = _share(config, generator) * height * width
    aspect = np.exp(generator.uniform(*np.log(_ASPECTS)))
    rows = int(np.clip(round(np.sqrt(area * aspect)), 1, height))
    columns = int(np.clip(round(np.sqrt(area / aspect)), 1, width))
    top, left = (int(place) for place in generator.integers(0, (height - rows + 1, width - columns + 1)))
    region = Region(top, left, top + rows, left + columns)
    region.part_of(image)[:] = GREY
    return region


def pasted_region(
    image: ImageArray, other: ImageArray | None, config: AugmentationConfig, generator: np.random.Generator
) -> Region | None:
    """Let somebody else, who stands to the side or in front, cover an edge, in place; None where there is nobody."""
    if other is None:
        return None
    height, width = image.shape[:2]
    share = _share(config, generator)
    across, down = max(1, round(share * width)), max(1, round(share * height))
    side = int(generator.integers(3))
    if side == 2:
        region = Region(height - down, 0, height, width)
        piece = other[:down]  # head and shoulders of someone closer to the camera
    else:
        left = 0 if side == 0 else width - across
        region = Region(0, left, height, left + across)
        middle = (width - across) // 2
        piece = other[:, middle : middle + across]
    region.part_of(image)[:] = piece
    return region


def _share(config: AugmentationConfig, generator: np.random.Generator) -> float:
    return float(generator.uniform(config.smallest, max(config.smallest, config.largest)))
