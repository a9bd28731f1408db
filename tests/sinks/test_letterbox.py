from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.sinks.letterbox import letterboxed
from keyreid_stream.sinks.palette import DARK

WHITE = 255


def test_a_picture_that_fits_is_left_alone() -> None:
    image = np.full((4, 6, 3), WHITE, np.uint8)
    assert letterboxed(image, 4, 6) is image


def test_a_tall_picture_gets_bars_beside_it() -> None:
    boxed = letterboxed(np.full((40, 20, 3), WHITE, np.uint8), 20, 40)
    assert boxed.shape == (20, 40, 3)
    assert (boxed[:, :15] == DARK).all()
    assert (boxed[:, 15:25] == WHITE).all()
    assert (boxed[:, 25:] == DARK).all()


def test_a_wide_picture_gets_bars_above_and_below() -> None:
    boxed = letterboxed(np.full((10, 40, 3), WHITE, np.uint8), 40, 80)
    assert (boxed[:10] == DARK).all()
    assert (boxed[10:30] == WHITE).all()
    assert (boxed[30:] == DARK).all()


@given(*[st.integers(1, 300)] * 4)
def test_the_picture_touches_two_sides_and_keeps_its_shape(
    height: int, width: int, to_height: int, to_width: int
) -> None:
    boxed = letterboxed(np.full((height, width, 3), WHITE, np.uint8), to_height, to_width)
    assert boxed.shape == (to_height, to_width, 3)
    rows, columns = np.nonzero((boxed == WHITE).all(axis=2))
    inner_height, inner_width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert inner_height == to_height or inner_width == to_width
    scale = min(to_height / height, to_width / width)
    assert abs(inner_height - max(1, height * scale)) <= 1
    assert abs(inner_width - max(1, width * scale)) <= 1
