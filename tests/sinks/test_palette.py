from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest

from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.sinks.palette import DARK, LIGHT, PART_COLOURS, UNDECIDED, Colour, identity_colour


def lab(colour: Colour) -> np.ndarray:
    pixel = np.array([[colour]], np.float32) / 255
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0])


def contrast(one: Colour, other: Colour) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""

    def luminance(colour: Colour) -> float:
        share = np.array(colour) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_a_colour_is_stable() -> None:
    assert [identity_colour(1), identity_colour(2)] == [identity_colour(1), identity_colour(2)]
    assert all(0 <= channel <= 255 for number in range(1, 500) for channel in identity_colour(number))


def test_no_identity_is_grey() -> None:
    assert identity_colour(0) == identity_colour(-1) == UNDECIDED
    assert max(UNDECIDED) - min(UNDECIDED) < 10


def test_the_first_twelve_identities_are_told_apart_at_a_glance() -> None:
    """A distance of 20 in CIE Lab is far above the 2.3 that is just noticeable."""
    colours = [lab(identity_colour(number)) for number in range(13)]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(colours, 2)) > 20


def test_neighbours_are_far_apart() -> None:
    distances = [
        float(np.linalg.norm(lab(identity_colour(number)) - lab(identity_colour(number + step))))
        for number in range(1, 200)
        for step in (1, 2, 3)
    ]
    assert min(distances) > 25


@pytest.mark.parametrize("number", range(40))
def test_labels_can_be_read(number: int) -> None:
    assert contrast(DARK, identity_colour(number)) > 4.5


def test_parts_are_told_apart() -> None:
    assert len(PART_COLOURS) == len(PART_NAMES)
    assert min(float(np.linalg.norm(lab(a) - lab(b))) for a, b in combinations(PART_COLOURS, 2)) > 30
    assert contrast(DARK, LIGHT) > 10
