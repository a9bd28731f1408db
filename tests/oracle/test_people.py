from __future__ import annotations

import numpy as np

from keyreid_stream.models.crops import make_crops
from keyreid_stream.oracle.people import true_people
from keyreid_stream.structures import CropSpec
from keyreid_stream.world.truth import OCCLUDED, OUTSIDE, VISIBLE
from tests.oracle.scripted import LEFT, RIGHT
from tests.world.staged import shot

WRIST, NOSE, RIGHT_ANKLE = 9, 0, 16


def test_boxes_are_those_of_the_pixels_that_show_a_person() -> None:
    people = true_people(shot(0, {4: (-20, 10, 20, 50), 9: RIGHT}).truth)
    assert people.person_ids.tolist() == [4, 9]
    assert people.boxes_xyxy.tolist() == [[0, 10, 20, 50], list(RIGHT)]


def test_people_who_show_too_little_are_left_out() -> None:
    truth = shot(0, {1: (0, 0, 10, 10), 2: (20, 0, 30, 9)}).truth  # 100 and 90 pixels
    assert true_people(truth, min_visible_pixels=100).person_ids.tolist() == [1]
    assert true_people(truth).person_ids.tolist() == [1, 2]
    hidden = shot(0, {1: LEFT}, occlusion=1.0).truth
    assert len(true_people(hidden).person_ids) == 0


def test_only_visible_keypoints_are_confident_and_they_lie_in_their_pixel() -> None:
    truth = shot(0, {1: LEFT}).truth
    assert truth.keypoints[0, [WRIST, NOSE, RIGHT_ANKLE], 2].tolist() == [VISIBLE, OCCLUDED, OUTSIDE]
    before = truth.keypoints.copy()
    (keypoints,) = true_people(truth).keypoints
    assert keypoints[[WRIST, NOSE, RIGHT_ANKLE], 2].tolist() == [1, 0, 0]
    # The truth's (15, 30) is the middle of pixel (15, 30), which covers 15 to 16 and 30 to 31.
    assert keypoints[WRIST, :2].tolist() == [15.5, 30.5]
    np.testing.assert_array_equal(truth.keypoints, before)


def test_the_model_sees_no_part_of_which_all_is_occluded() -> None:
    spec = CropSpec(height=32, width=16, grid_rows=4, grid_columns=2, parts=6)
    shown = shot(0, {1: LEFT})
    shown.truth.keypoints[0, :5, 2] = OCCLUDED  # the head
    people = true_people(shown.truth)
    weights = make_crops(shown.frame.image, people.boxes_xyxy, people.keypoints, spec).part_weights
    assert weights[0, 0].max() == 0
    assert (weights[0, 1:].max(axis=1) > 0).all()
