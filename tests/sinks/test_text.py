from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.sinks.palette import DARK, LIGHT
from keyreid_stream.sinks.text import Chip, Words

PLATE = (40, 200, 120)


def test_letters_are_as_high_as_asked() -> None:
    for height in (9, 14, 30, 60):
        image = np.zeros((200, 400, 3), np.uint8)
        Words("PH", height).draw(image, 10, 150, LIGHT)
        rows = np.flatnonzero(image.max(axis=(1, 2)) > 100)
        assert rows[-1] - rows[0] + 1 == pytest.approx(height, abs=max(2, 0.15 * height))
        assert rows[-1] == pytest.approx(150, abs=max(2, 0.1 * height))


def test_words_stay_within_their_width() -> None:
    image = np.zeros((50, 400, 3), np.uint8)
    words = Words("P12 #345", 14)
    words.draw(image, 10, 30, LIGHT)
    columns = np.flatnonzero(image.max(axis=(0, 2)))
    assert columns[0] >= 10
    assert columns[-1] < 10 + words.width
    assert columns[-1] > 10 + 0.8 * words.width


def test_a_chip_is_a_plate_with_letters() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    chip = Chip([Words("P1", 14), Words("#2", 9)], DARK, PLATE)
    chip.draw(image, 20, 30)
    plate = image[30 : 30 + chip.height, 20 : 20 + chip.width]
    assert (plate[0] == PLATE).all()
    assert (plate[:, -1] == PLATE).all()
    assert plate.min() < 60
    image[30 : 30 + chip.height, 20 : 20 + chip.width] = 0
    assert not image.any()


@pytest.mark.parametrize("corner", [(-50, -50), (290, 95), (10_000, 10_000)])
def test_a_chip_is_moved_into_the_picture(corner: tuple[int, int]) -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    chip = Chip([Words("P1", 14)], DARK, PLATE)
    chip.draw(image, *corner)
    rows, columns = np.nonzero(image.any(axis=2))
    assert np.ptp(rows) + 1 == chip.height
    assert np.ptp(columns) + 1 == chip.width


def test_a_chip_larger_than_its_picture_is_cut() -> None:
    image = np.zeros((5, 7, 3), np.uint8)
    Chip([Words("long words", 14)], LIGHT, PLATE).draw(image, 0, 0)
    assert (image == PLATE).all(axis=2).any()


def test_opacity_mixes_plate_and_picture() -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    Chip([Words(" ", 10)], LIGHT, (0, 0, 0), opacity=0.75).draw(image, 5, 5)
    assert (image[6, 6] == 50).all()
