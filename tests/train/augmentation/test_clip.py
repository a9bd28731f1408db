from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_train.augmentation.clip import augmented
from keyreid_train.augmentation.config import AugmentationConfig
from keyreid_train.augmentation.cover import GREY
from keyreid_train.data.structures import ClipSample

NOTHING = {
    "flip": 0, "shift": 0, "box": 0, "brightness": 0, "contrast": 0, "tint": 0, "blur": 0, "erase": 0, "paste": 0,
    "hide_covered": 0, "hide_keypoint": 0, "keypoint_noise": 0,
}  # fmt: skip
LEFT_ELBOW, RIGHT_ELBOW = 7, 8


def only(**changes: float) -> AugmentationConfig:
    return AugmentationConfig.model_validate(NOTHING | changes)


def a_clip(frames: int = 2) -> ClipSample:
    """Noise with a white marker at the left elbow, in pixel column 5, row 20."""
    images = np.random.default_rng(0).integers(0, 200, (frames, 40, 24, 3), np.uint8)
    images[:, 20, 5] = 255
    keypoints = np.zeros((frames, 17, 3), np.float32)
    keypoints[:, LEFT_ELBOW] = (5.5, 20.5, 0.9)
    return ClipSample(images, keypoints, np.zeros(frames, np.float32))


def test_nothing_is_changed_unless_asked_for() -> None:
    clip = a_clip()
    same = augmented(clip, only(), np.random.default_rng(0))
    for before, after in zip(clip, same, strict=True):
        np.testing.assert_array_equal(before, after)


@given(seed=st.integers(0, 1000), flip=st.sampled_from([0.0, 1.0]))
def test_keypoints_stay_on_their_pixels(seed: int, flip: float) -> None:
    clip = a_clip()
    changed = augmented(clip, only(flip=flip, shift=0.1), np.random.default_rng(seed))
    elbow = RIGHT_ELBOW if flip else LEFT_ELBOW
    for image, keypoints in zip(changed.images, changed.keypoints, strict=True):
        x, y, confidence = keypoints[elbow]
        assert confidence == np.float32(0.9)
        assert image[int(y), int(x)].tolist() == [255, 255, 255]
        assert (image == 255).all(axis=2).sum() == 1


def test_frames_are_moved_on_their_own_and_filled_with_grey() -> None:
    changed = augmented(a_clip(8), only(shift=0.1), np.random.default_rng(1))
    assert len({tuple(points[LEFT_ELBOW]) for points in changed.keypoints}) > 1
    assert (changed.images == GREY).all(axis=3).any()


@given(seed=st.integers(0, 1000))
def test_erased_frames_are_told(seed: int) -> None:
    clip = a_clip(4)
    changed = augmented(clip, only(erase=0.5, smallest=0.1), np.random.default_rng(seed))
    grey = (changed.images == GREY).all(axis=3).mean(axis=(1, 2))
    np.testing.assert_array_equal(changed.erased, grey > 0.05)
    assert (grey < 0.5).all()
    untouched = changed.erased == 0
    np.testing.assert_array_equal(changed.images[untouched], clip.images[untouched])


def test_light_changes_a_whole_clip_alike() -> None:
    clip = ClipSample(np.full((3, 4, 4, 3), 100, np.uint8), np.zeros((3, 17, 3), np.float32), np.zeros(3, np.float32))
    changed = augmented(clip, only(brightness=0.1, contrast=0.2, tint=0.1), np.random.default_rng(0)).images
    assert len({tuple(pixel) for pixel in changed.reshape(-1, 3)}) == 1
    assert changed[0, 0, 0].tolist() != [100, 100, 100]


def test_keypoints_may_be_lost_and_disturbed() -> None:
    clip = a_clip(50)
    lost = augmented(clip, only(hide_keypoint=0.5), np.random.default_rng(0)).keypoints[:, LEFT_ELBOW, 2]
    assert 10 < (lost == 0).sum() < 40
    noisy = augmented(clip, only(keypoint_noise=0.1), np.random.default_rng(0)).keypoints[:, LEFT_ELBOW, 0]
    assert noisy.std() == pytest.approx(2.4, rel=0.4)


def test_the_clip_that_was_given_is_left_as_it_is() -> None:
    clip, again = a_clip(), a_clip()
    augmented(clip, AugmentationConfig(erase=1), np.random.default_rng(0))
    for before, after in zip(again, clip, strict=True):
        np.testing.assert_array_equal(before, after)


@given(seed=st.integers(0, 1000))
def test_keypoints_follow_a_box_that_is_off(seed: int) -> None:
    images = np.full((1, 80, 40, 3), 30, np.uint8)
    images[0, 36:41, 18:23] = 230
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, LEFT_ELBOW] = (20.5, 38.5, 0.9)
    clip = ClipSample(images, keypoints, np.zeros(1, np.float32))
    changed = augmented(clip, only(box=0.05), np.random.default_rng(seed))
    brightness = np.where(changed.images[0, ..., 0] > 150, changed.images[0, ..., 0] - 150.0, 0)
    rows, columns = np.mgrid[:80, :40] + 0.5
    centre = [(brightness * columns).sum() / brightness.sum(), (brightness * rows).sum() / brightness.sum()]
    np.testing.assert_allclose(changed.keypoints[0, LEFT_ELBOW, :2], centre, atol=0.5)
    assert changed.keypoints[0, LEFT_ELBOW, 2] == np.float32(0.9)


def test_boxes_are_off_in_size_and_place() -> None:
    places = augmented(a_clip(200), only(box=0.05), np.random.default_rng(0)).keypoints[:, LEFT_ELBOW, :2]
    assert places.std(axis=0) == pytest.approx((0.05 * 24 * 0.8, 0.05 * 40 * 0.7), rel=0.4)


def test_blur_keeps_the_mean_and_takes_detail() -> None:
    clip = a_clip()
    changed = augmented(clip, only(blur=1, blur_radius=0.1), np.random.default_rng(0))
    assert changed.images.std() < 0.7 * clip.images.std()
    assert changed.images.mean() == pytest.approx(clip.images.mean(), rel=0.02)
    np.testing.assert_array_equal(changed.keypoints, clip.keypoints)


@given(seed=st.integers(0, 1000))
def test_somebody_else_covers_an_edge(seed: int) -> None:
    clip = a_clip()
    other = np.full((40, 24, 3), 255, np.uint8)
    changed = augmented(clip, only(smallest=0.2), np.random.default_rng(seed), other=other)
    assert changed.erased.tolist() == [1, 1]
    for before, after in zip(clip.images, changed.images, strict=True):
        covered = (after == 255).all(axis=2)
        assert 0.19 < covered.mean() < 0.36
        assert covered[-1].all() or covered[:, 0].all() or covered[:, -1].all()
        np.testing.assert_array_equal(after[~covered], before[~covered])


def test_covered_keypoints_are_lost_others_stay() -> None:
    clip = a_clip(40)
    other = np.full((40, 24, 3), 255, np.uint8)
    changed = augmented(clip, only(hide_covered=1), np.random.default_rng(0), other=other)
    covered = changed.images[:, 21, 5].min(axis=1) == 255  # one below the marker, which is white itself
    assert 0 < covered.sum() < 40
    np.testing.assert_array_equal(changed.keypoints[:, LEFT_ELBOW, 2] == 0, covered)
