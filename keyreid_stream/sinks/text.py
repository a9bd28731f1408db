"""Small text on pictures, anti-aliased and always readable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from keyreid_stream.sinks.palette import Colour
from keyreid_stream.structures import ImageArray

_FONT = cv2.FONT_HERSHEY_DUPLEX
_FINER = 4
"""Letters are drawn this much larger and then reduced: OpenCV's own small letters have no room for their strokes."""

_STROKE = 0.13
"""Of a letter, in its height."""

_DESCENT = 0.4
"""Of a letter below the baseline, in its height."""

_PADDING = 0.4
"""Of a plate around its words, in heights of its tallest letters."""


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text of one size.

    Attributes:
        text: ASCII; the font has nothing else and shows `?` instead.
        height: of a capital letter, pixels.
    """

    text: str
    height: float

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        (width, _), _ = cv2.getTextSize(self.text, _FONT, self._scale, self._stroke)
        return math.ceil(float(width) / _FINER)

    def draw(self, image: ImageArray, left: int, baseline: int, ink: Colour) -> None:
        """Write on the image, the first letter's lower left corner at (left, baseline)."""
        drop = math.ceil(_DESCENT * self.height)
        top = max(0, baseline - math.ceil(self.height) - 1)
        ground = image[top : baseline + drop, left : left + self.width]
        if ground.size == 0:
            return
        height, width = ground.shape[:2]
        letters = np.zeros((height * _FINER, width * _FINER), np.uint8)
        origin = (0, (baseline - top) * _FINER)
        cv2.putText(letters, self.text, origin, _FONT, self._scale, 255, self._stroke, cv2.LINE_AA)
        cover = cv2.resize(letters, (width, height), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
        ground[:] = np.rint(ground + cover * (np.array(ink, np.float32) - ground)).astype(np.uint8)

    @property
    def _scale(self) -> float:
        return float(cv2.getFontScaleFromHeight(_FONT, round(_FINER * self.height), self._stroke))

    @property
    def _stroke(self) -> int:
        return max(1, round(_FINER * self.height * _STROKE))


@dataclass(frozen=True, slots=True)
class Chip:
    """Words side by side on a filled plate.

    Attributes:
        words: from left to right.
        ink, background: colours of letters and plate.
        opacity: of the plate, 0 to 1.
    """

    words: Sequence[Words]
    ink: Colour
    background: Colour
    opacity: float = 1.0

    @property
    def height(self) -> int:
        """Of the plate, pixels."""
        return round(max(piece.height for piece in self.words)) + 2 * self._padding

    @property
    def width(self) -> int:
        """Of the plate, pixels."""
        return sum(piece.width + self._padding for piece in self.words) + self._padding

    def draw(self, image: ImageArray, left: int, top: int) -> None:
        """Draw on the image, the plate's upper left corner at (left, top), moved as far as needed to be seen whole."""
        left = max(0, min(left, image.shape[1] - self.width))
        top = max(0, min(top, image.shape[0] - self.height))
        plate = image[top : top + self.height, left : left + self.width]
        ground = np.full_like(plate, self.background)
        plate[:] = cv2.addWeighted(plate, 1 - self.opacity, ground, self.opacity, 0)
        left += self._padding
        for piece in self.words:
            piece.draw(image, left, top + self.height - self._padding, self.ink)
            left += piece.width + self._padding

    @property
    def _padding(self) -> int:
        return max(2, round(_PADDING * max(piece.height for piece in self.words)))
