"""Crops: where things land, what a box that shows nothing becomes, and how frames are joined."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.models.crops import crop_frames, join_crops, make_crops
from keyreid_stream.models.parts import soft_part_weights
from keyreid_stream.structures import CropSpec, Detections, FloatArray, Frame, ImageArray

SPEC = CropSpec(height=64, width=32, grid_rows=8, grid_columns=4, parts=6)
SIGNED = CropSpec(height=64, width=32, grid_rows=8, grid_columns=4, parts=6, weighting="signed")


def boxes(*rows: tuple[float, float, float, float]) -> FloatArray:
    return np.array(rows, np.float32).reshape(-1, 4)


def keypoints_at(x: float, y: float, count: int = 1) -> FloatArray:
    keypoints = np.zeros((count, 17, 3), np.float32)
    keypoints[:, 0] = x, y, 0.9
    return keypoints


def gradient(height: int = 100, width: int = 120) -> ImageArray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 2, columns * 2, (rows + columns) % 256], axis=-1).astype(np.uint8)


def test_a_box_of_crop_size_is_cut_out_unchanged() -> None:
    image = gradient()
    crops = make_crops(image, boxes((10, 20, 42, 84)), None, SPEC)
    np.testing.assert_array_equal(crops.images[0], image[20:84, 10:42])


def test_a_fractional_box_is_widened_to_whole_pixels() -> None:
    image = gradient()
    crops = make_crops(image, boxes((10.4, 20.9, 41.2, 83.1)), None, SPEC)
    np.testing.assert_array_equal(crops.images[0], image[20:84, 10:42])


def test_a_box_over_the_edge_is_clipped_to_the_picture() -> None:
    image = gradient()
    inside, over = make_crops(image, boxes((0, 0, 32, 64), (-20, -5, 32, 64)), None, SPEC).images
    np.testing.assert_array_equal(over, inside)


@given(
    left=st.integers(0, 60),
    top=st.integers(0, 40),
    width=st.integers(8, 110),
    height=st.integers(16, 140),
    across=st.floats(0.1, 0.9),
    down=st.floats(0.1, 0.9),
)
@settings(max_examples=60, deadline=None)
def test_a_dot_lands_where_its_keypoint_says(
    left: int, top: int, width: int, height: int, across: float, down: float
) -> None:
    """A dot three pixels wide is drawn at a keypoint; its centre of mass in the crop is the keypoint in the crop."""
    image = np.zeros((200, 200, 3), np.uint8)
    column, row = left + int(across * width), top + int(down * height)
    column, row = np.clip(column, left + 1, left + width - 2), np.clip(row, top + 1, top + height - 2)
    image[row - 1 : row + 2, column - 1 : column + 2] = 255
    crop = make_crops(image, boxes((left, top, left + width, top + height)), None, SPEC).images[0, ..., 0]
    rows, columns = np.mgrid[: SPEC.height, : SPEC.width] + 0.5  # centres of pixels
    mass = crop.astype(float)
    landed_x, landed_y = (mass * columns).sum() / mass.sum(), (mass * rows).sum() / mass.sum()
    expected_x, expected_y = (column + 0.5 - left) * 32 / width, (row + 0.5 - top) * 64 / height
    assert landed_x == pytest.approx(expected_x, abs=0.15)
    assert landed_y == pytest.approx(expected_y, abs=0.15)


def test_part_weights_use_the_mapping_of_the_picture() -> None:
    crops = make_crops(gradient(), boxes((10.2, 20, 73.5, 52)), keypoints_at(41.6, 36.3), SPEC)
    mapped = keypoints_at((41.6 - 10) * 32 / 64, (36.3 - 20) * 64 / 32)  # the region is 10..74 by 20..52
    np.testing.assert_allclose(crops.part_weights, soft_part_weights(mapped, SPEC), atol=1e-6)


def test_a_keypoint_outside_its_box_contributes_nothing() -> None:
    assert not make_crops(gradient(), boxes((10, 20, 42, 84)), keypoints_at(60, 30), SPEC).part_weights.any()


@pytest.mark.parametrize(
    "nothing",
    [
        (20, 20, 20, 60),
        (40, 20, 30, 60),
        (20, 60, 40, 60),
        (-50, 10, -10, 60),
        (121, 10, 150, 60),
        (20, 100, 40, 160),
        (math.nan, 10, 40, 60),
        (10, 10, math.nan, math.nan),
    ],
)
@pytest.mark.parametrize("keypoints", [None, keypoints_at(25, 30, count=2)])
@pytest.mark.parametrize(("spec", "unseen"), [(SPEC, 0), (SIGNED, -1)])
def test_a_box_that_shows_nothing_is_black_and_has_no_visible_part(
    nothing: tuple[float, float, float, float], keypoints: FloatArray | None, spec: CropSpec, unseen: int
) -> None:
    crops = make_crops(gradient(), boxes(nothing, (10, 20, 42, 84)), keypoints, spec)
    assert not crops.images[0].any()
    assert (crops.part_weights[0] == unseen).all()
    assert crops.images[1].any(), "its neighbour is not affected"
    assert (crops.part_weights[1] > unseen).any()


def test_an_endless_box_is_the_whole_picture() -> None:
    image = gradient(64, 32)
    crops = make_crops(image, boxes((-math.inf, -math.inf, math.inf, math.inf)), None, SPEC)
    np.testing.assert_array_equal(crops.images[0], image)


def test_wild_keypoints_do_not_reach_the_weights() -> None:
    keypoints = keypoints_at(25, 30)
    keypoints[0, 1:] = [[math.nan, 0, 1]] * 8 + [[3e38, -math.inf, 1]] * 8
    crops = make_crops(gradient(), boxes((10, 20, 18, 28)), keypoints, SPEC)
    assert np.isfinite(crops.part_weights).all()


def test_shrinking_a_fine_pattern_averages_it() -> None:
    """One-pixel stripes have a mean of 127.5; sampling without a filter would give bands of black and white."""
    image = np.zeros((70 * 4, 35 * 4, 3), np.uint8)
    image[:, ::2] = 255
    crop = make_crops(image, boxes((0, 0, 35 * 4, 70 * 4)), None, SPEC).images[0].astype(float)
    assert abs(crop.mean() - 127.5) < 1
    assert crop.std() < 20


def test_enlarging_keeps_a_flat_colour() -> None:
    image = np.full((100, 120, 3), (200, 30, 90), np.uint8)
    assert (make_crops(image, boxes((10, 10, 22, 30)), None, SPEC).images == (200, 30, 90)).all()


def test_nobody_gives_no_crops() -> None:
    for keypoints in (None, np.zeros((0, 17, 3), np.float32)):
        crops = make_crops(gradient(), boxes(), keypoints, SPEC)
        assert crops.images.shape == (0, 64, 32, 3)
        assert crops.part_weights.shape == (0, 6, 32)


def test_frames_are_joined_in_order() -> None:
    frames = [Frame(camera, 0, 0.0, gradient(*size)) for camera, size in [("a", (100, 120)), ("b", (90, 70))]]
    found = [
        Detections(boxes((10, 20, 42, 84), (0, 0, 32, 64)), np.ones(2, np.float32)),
        Detections(boxes((5, 5, 37, 69)), np.ones(1, np.float32), keypoints_at(20, 30)),
    ]
    crops = crop_frames(frames, found, SPEC)
    assert len(crops) == 3
    np.testing.assert_array_equal(crops.images[1], frames[0].image[:64, :32])
    np.testing.assert_array_equal(crops.images[2], frames[1].image[5:69, 5:37])
    assert (crops.part_weights[:2] == 1).all(), "no keypoints in the first frame"
    assert 0 < crops.part_weights[2].max() < 1


def test_no_frames_give_no_crops() -> None:
    crops = crop_frames([], [], SPEC)
    assert len(join_crops([crops, crops], SPEC)) == 0
    assert crops.images.shape == (0, 64, 32, 3)
    assert crops.part_weights.shape == (0, 6, 32)


def test_detections_of_another_number_of_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        crop_frames([Frame("a", 0, 0.0, gradient())], [], SPEC)
