from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keyreid_stream.models.sighting_quality import sighting_quality

BOX = np.array([[100, 50, 160, 200]], np.float32)


def picture(seed: int = 0) -> np.ndarray:
    """Patches of 5 pixels with sharp edges, everywhere alike."""
    patches = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8)
    return patches.repeat(5, axis=0).repeat(5, axis=1)


def body(*bands: str, box: np.ndarray = BOX[0], confidence: float = 0.9) -> np.ndarray:
    """(1, 17, 3) with a head and these pairs of joints in the middle of the box."""
    rows = {"shoulders": (5, 6), "hips": (11, 12), "knees": (13, 14), "ankles": (15, 16)}
    keypoints = np.zeros((1, 17, 3), np.float32)
    for row in [0, 1, 2, 3, 4, *(row for band in bands for row in rows[band])]:
        keypoints[0, row] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, confidence]
    return keypoints


ALL = ("shoulders", "hips", "knees", "ankles")


def test_a_sharp_whole_large_person_alone_is_1() -> None:
    assert sighting_quality(picture(), BOX, body(*ALL)).tolist() == pytest.approx([1.0])
    assert sighting_quality(picture(), BOX).tolist() == [1.0]


def test_blur_lowers_it_step_by_step() -> None:
    blurred = [cv2.GaussianBlur(picture(), (0, 0), sigma) for sigma in (2, 4, 6, 8)]
    qualities = [float(sighting_quality(image, BOX)[0]) for image in blurred]

    assert qualities == sorted(qualities, reverse=True)
    assert qualities[-1] < 0.2


def test_a_plain_surface_is_nobody() -> None:
    noise = np.random.default_rng(0).integers(0, 2, (300, 400, 3), np.uint8)

    assert sighting_quality(np.full((300, 400, 3), 127, np.uint8) + noise, BOX)[0] < 0.2
    assert sighting_quality(np.full((300, 400, 3), 127, np.uint8), BOX)[0] == pytest.approx(0, abs=1e-6)


def test_sharpness_hardly_depends_on_brightness() -> None:
    blurred = cv2.GaussianBlur(picture(), (0, 0), 4)
    dark = (blurred.astype(float) * 0.6).astype(np.uint8)

    assert 0.3 < sighting_quality(blurred, BOX)[0] < 0.9
    assert sighting_quality(dark, BOX)[0] == pytest.approx(sighting_quality(blurred, BOX)[0], rel=0.2)


def test_sharpness_does_not_depend_on_size() -> None:
    blurred = cv2.GaussianBlur(picture(), (0, 0), 6)
    near = cv2.resize(blurred, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)

    assert sighting_quality(near, BOX * 4)[0] == pytest.approx(sighting_quality(blurred, BOX)[0], rel=0.15)


def test_a_head_alone_has_none() -> None:
    assert sighting_quality(picture(), BOX, body())[0] == 0


def test_more_of_the_body_is_more() -> None:
    qualities = [float(sighting_quality(picture(), BOX, body(*ALL[:count]))[0]) for count in range(5)]

    assert qualities == pytest.approx([0, 0.25, 0.6, 0.85, 1])


def test_one_side_of_the_body_is_enough() -> None:
    side = body(*ALL)
    side[0, ::2, 2] = 0

    assert sighting_quality(picture(), BOX, side)[0] == pytest.approx(1)


def test_joints_unsure_or_outside_the_box_are_not_seen() -> None:
    assert sighting_quality(picture(), BOX, body(*ALL, confidence=0.2))[0] == 0
    outside = body(*ALL)
    outside[..., 0] += 100
    assert sighting_quality(picture(), BOX, outside)[0] == 0


def test_who_is_covered_loses_what_is_covered() -> None:
    behind, before = [100, 50, 160, 200], [130, 60, 190, 210]
    qualities = sighting_quality(picture(), np.array([behind, before, [300, 50, 360, 200]], np.float32))

    # They share 30 x 140 pixels; the one whose box ends lower is in front and pays half.
    shared = 30 * 140 / (60 * 150)
    assert qualities.tolist() == pytest.approx([1 - shared, 1 - shared / 2, 1])


def test_a_box_that_shows_nothing_is_0() -> None:
    boxes = np.array([[np.nan] * 4, [500, 50, 560, 200], [160, 50, 100, 200], BOX[0]], np.float32)

    assert sighting_quality(picture(), boxes).tolist() == pytest.approx([0, 0, 0, 1])


def test_nobody_has_no_quality() -> None:
    empty = sighting_quality(picture(), np.zeros((0, 4), np.float32), np.zeros((0, 17, 3), np.float32))

    assert empty.shape == (0,)
    assert empty.dtype == np.float32


@given(
    arrays(np.float32, (5, 4), elements=st.floats(-1e4, 1e4, width=32) | st.just(np.float32(np.nan))),
    arrays(np.float32, (5, 17, 3), elements=st.floats(-100, 500, width=32)),
)
def test_any_boxes_give_shares_in_any_order(boxes: np.ndarray, keypoints: np.ndarray) -> None:
    image = picture()
    qualities = sighting_quality(image, boxes, keypoints)

    assert qualities.dtype == np.float32
    assert ((qualities >= 0) & (qualities <= 1)).all()
    assert sighting_quality(image, boxes[::-1], keypoints[::-1]) == pytest.approx(qualities[::-1])
