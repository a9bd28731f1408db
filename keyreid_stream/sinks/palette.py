"""The colours of pictures: one per identity, one per body part. RGB."""

from __future__ import annotations

import math
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

UNDECIDED: Colour = (158, 158, 164)
"""Tracks without an identity."""

DARK: Colour = (18, 18, 22)
LIGHT: Colour = (245, 245, 247)
NOTICE: Colour = (255, 196, 61)

PART_COLOURS: tuple[Colour, ...] = (
    (255, 221, 87),  # head
    (240, 240, 245),  # torso
    (64, 224, 208),  # left arm
    (255, 128, 96),  # right arm
    (72, 149, 255),  # left leg
    (236, 96, 200),  # right leg
)
"""One colour per body part, in the order of `models.parts.PART_NAMES`: the left side is cool, the right side warm."""

_GOLDEN_ANGLE = math.tau * (3 - math.sqrt(5)) / 2
"""Steps of this angle never come back to an old hue and always land in the widest gap."""

_SHADES = ((0.74, 0.16), (0.62, 0.17), (0.84, 0.13))
"""Lightness and chroma, taken in turn, so that hues that do come near each other differ in shade; light enough for dark
letters on all of them."""


def identity_colour(identity_id: int) -> Colour:
    """The colour of an identity: the same in every picture and run, and far from its neighbours'; grey for 0."""
    if identity_id <= 0:
        return UNDECIDED
    lightness, chroma = _SHADES[identity_id % len(_SHADES)]
    return _from_oklch(lightness, chroma, identity_id * _GOLDEN_ANGLE)


def _from_oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """From OKLCh, in which equal distances look equal, to sRGB (B. Ottosson, "A perceptual color space", 2020)."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _encoded(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _encoded(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _encoded(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def _encoded(linear: float) -> int:
    linear = min(max(linear, 0.0), 1.0)
    return round(255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055))
