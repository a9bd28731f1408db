"""Heads are found where they are, and nothing of them is left but a few blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.sinks.heads import BLOCKS, head_regions, heads_in, pixelated
from tests.sinks.conftest import CameraTickMaker

COLOURS_AT_MOST = BLOCKS[0] * BLOCKS[1]


def noise(height: int = 200, width: int = 160) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)


def colours(region: np.ndarray) -> int:
    return len(np.unique(region.reshape(-1, 3), axis=0))


def steps(region: np.ndarray) -> tuple[int, int]:
    """Rows and columns at which anything changes."""
    down = (region[1:] != region[:-1]).any(axis=(1, 2)).sum()
    across = (region[:, 1:] != region[:, :-1]).any(axis=(0, 2)).sum()
    return int(down), int(across)


def person(nose: tuple[float, float] | None = None, shoulders: float | None = None) -> np.ndarray:
    keypoints = np.zeros((1, 17, 3), np.float32)
    if nose is not None:
        keypoints[0, 0] = (*nose, 0.9)
        keypoints[0, 3] = (nose[0] + 6, nose[1], 0.9)
    if shoulders is not None:
        keypoints[0, 5] = (50 + shoulders / 2, 60, 0.9)
        keypoints[0, 6] = (50 - shoulders / 2, 60, 0.9)
    return keypoints


BOX = np.array([[30, 20, 70, 120]], np.float32)


def test_without_keypoints_it_is_the_top_fifth_of_the_box() -> None:
    np.testing.assert_array_equal(head_regions(BOX, None), [[30, 20, 70, 40]])
    np.testing.assert_array_equal(head_regions(BOX, person()), [[30, 20, 70, 40]])


def test_of_a_wide_box_which_shows_little_more_than_a_head_it_is_more_and_never_more_than_the_box() -> None:
    boxes = np.array([[0, 0, 80, 80], [0, 0, 80, 20]], np.float32)
    np.testing.assert_array_equal(head_regions(boxes, None), [[0, 0, 80, 40], [0, 0, 80, 20]])


def test_with_keypoints_it_is_around_them_wherever_in_the_box_they_are() -> None:
    (region,) = head_regions(BOX, person(nose=(40, 90)))  # somebody who bends down
    left, top, right, bottom = region
    assert (left + right) / 2 == pytest.approx(43)
    assert (top + bottom) / 2 == pytest.approx(90)
    assert bottom - top == pytest.approx(18)  # 0.09 of 100 rows each way is more than 1.4 times 6


def test_of_somebody_upright_the_top_of_the_box_is_in_it_too() -> None:
    (region,) = head_regions(BOX, person(nose=(64, 30)))  # one ear, seen from behind
    left, top, right, bottom = region
    assert (left, bottom) == (30, 40)
    assert top <= 21
    assert right >= 73


def test_shoulders_say_how_large_a_head_is_whose_keypoints_lie_close_together() -> None:
    (region,) = head_regions(BOX, person(nose=(50, 90), shoulders=60))
    assert region[3] - region[1] == pytest.approx(48)


def test_a_keypoint_that_is_not_seen_or_not_finite_counts_for_nothing() -> None:
    keypoints = person(nose=(40, 90))
    keypoints[0, 0] = (np.nan, 5, 0.9)
    keypoints[0, 3, 2] = 0.29
    np.testing.assert_array_equal(head_regions(BOX, keypoints), [[30, 20, 70, 40]])


def test_heads_of_everybody_are_found_also_of_those_who_are_only_predicted(camera_tick: CameraTickMaker) -> None:
    rows = [(1, 0, (30, 20, 70, 120), 0.9), (2, 0, (100, 50, 120, 100), 0.9)]
    detected, predicted = camera_tick("cam", 0, rows), camera_tick("cam", 0, rows, predicted=True)
    assert len(heads_in(detected)) == 2
    assert len(heads_in(predicted)) == 4  # the detections, which the tracks do not have, and the tracks
    np.testing.assert_array_equal(heads_in(predicted)[2:], [[30, 20, 70, 40], [100, 50, 120, 60]])


@settings(max_examples=60, deadline=None)
@given(
    corner=st.tuples(st.floats(-60, 150), st.floats(-60, 190)),
    size=st.tuples(st.floats(0.2, 180), st.floats(0.2, 220)),
)
def test_a_region_keeps_no_detail_and_all_else_is_untouched(
    corner: tuple[float, float], size: tuple[float, float]
) -> None:
    image = noise()
    region = np.array([*corner, corner[0] + size[0], corner[1] + size[1]], np.float32)
    covered = pixelated(image, region[None])
    left, top = np.clip(np.floor(region[:2]), 0, (160, 200)).astype(int)
    right, bottom = np.clip(np.ceil(region[2:]), 0, (160, 200)).astype(int)
    inside = np.zeros(image.shape[:2], np.bool_)
    inside[top:bottom, left:right] = True
    np.testing.assert_array_equal(covered[~inside], image[~inside])
    if left < right and top < bottom:
        head = covered[top:bottom, left:right]
        assert colours(head) <= COLOURS_AT_MOST
        down, across = steps(head)
        assert down < BLOCKS[0]
        assert across < BLOCKS[1]
    np.testing.assert_array_equal(image, noise())


def test_two_heads_that_overlap_are_both_covered() -> None:
    regions = np.array([[20, 20, 60, 60], [40, 30, 90, 70]], np.float32)
    covered = pixelated(noise(), regions)
    assert colours(covered[20:60, 20:40]) <= COLOURS_AT_MOST
    assert colours(covered[30:70, 40:90]) <= COLOURS_AT_MOST


def test_what_is_not_finite_covers_nothing() -> None:
    np.testing.assert_array_equal(pixelated(noise(), np.array([[np.nan, 0, 10, 10]], np.float32)), noise())
