"""Keypoints to part weights: hand-worked cases, a pixel-by-pixel oracle, and properties."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.parts import (
    MIRRORED_KEYPOINTS,
    PART_KEYPOINTS,
    PART_NAMES,
    flip_keypoints,
    part_heatmaps,
    part_weights,
    signed_part_weights,
    soft_part_weights,
)
from keyreid_stream.structures import CropSpec, FloatArray

SPEC = CropSpec(height=64, width=44, grid_rows=8, grid_columns=4, parts=6)  # radius 4, patches of 8x11 pixels
SIGNED = CropSpec(height=64, width=44, grid_rows=8, grid_columns=4, parts=6, weighting="signed")
HEAD, TORSO, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = range(6)
LEFT_WRIST, RIGHT_WRIST, LEFT_ANKLE = 9, 10, 15


def nobody(count: int = 1) -> FloatArray:
    return np.zeros((count, 17, 3), np.float32)


def person(**where: tuple[float, float]) -> FloatArray:
    """One person with these COCO keypoints, `k9=(x, y)`, and no others."""
    keypoints = nobody()
    for name, (x, y) in where.items():
        keypoints[0, int(name[1:])] = x, y, 0.9
    return keypoints


def oracle_heatmaps(keypoints: FloatArray, height: int, width: int) -> NDArray[np.float64]:
    """Section 5 read literally, one pixel at a time."""
    radius = int(width / 11)
    sigma = (2 * radius + 1) / 4
    maps = np.zeros((len(keypoints), 6, height, width))
    for n, one in enumerate(keypoints):
        for part, members in enumerate(PART_KEYPOINTS):
            for x, y, confidence in (one[member].tolist() for member in members):
                sure = np.float32(confidence) > np.float32(0.1) and math.isfinite(confidence)
                if not (sure and 0 <= x <= width and 0 <= y <= height):
                    continue
                column, row = min(int(x), width - 1), min(int(y), height - 1)
                for i in range(max(0, row - radius), min(height, row + radius + 1)):
                    for j in range(max(0, column - radius), min(width, column + radius + 1)):
                        value = math.exp(-((i - row) ** 2 + (j - column) ** 2) / (2 * sigma**2))
                        maps[n, part, i, j] = max(maps[n, part, i, j], value)
    return maps


def patch_means(maps: NDArray[Any], spec: CropSpec) -> NDArray[Any]:
    rows, columns = spec.height // spec.grid_rows, spec.width // spec.grid_columns
    means = [
        maps[..., r * rows : (r + 1) * rows, c * columns : (c + 1) * columns].mean(axis=(-2, -1))
        for r in range(spec.grid_rows)
        for c in range(spec.grid_columns)
    ]
    return np.stack(means, axis=-1)


coordinates = st.one_of(
    st.floats(-20, 90, width=32), st.sampled_from([0.0, 44.0, 64.0, math.nan, math.inf, -math.inf, 3e38])
)
confidences = st.one_of(st.floats(0, 1, width=32), st.sampled_from([math.nan, math.inf, -1.0, 0.1]))
people = hnp.arrays(np.float32, (2, 17), elements=coordinates).flatmap(
    lambda x: st.tuples(
        st.just(x),
        hnp.arrays(np.float32, (2, 17), elements=coordinates),
        hnp.arrays(np.float32, (2, 17), elements=confidences),
    ).map(lambda columns: np.stack(columns, axis=-1))
)


def test_every_coco_keypoint_belongs_to_exactly_one_part() -> None:
    assert sorted(sum(PART_KEYPOINTS, ())) == list(range(17))
    assert len(PART_NAMES) == len(PART_KEYPOINTS) == 6


def test_a_keypoint_peaks_at_one_in_its_pixel_and_is_cut_off_at_the_radius() -> None:
    heatmap = part_heatmaps(person(k9=(20.7, 30.2)), 64, 44)[0, LEFT_ARM]
    assert heatmap[30, 20] == 1
    assert heatmap[30, 24] == pytest.approx(math.exp(-16 / (2 * 2.25**2)))  # radius 4, sigma 9/4
    assert heatmap[30, 25] == heatmap[30, 15] == heatmap[35, 20] == heatmap[25, 20] == 0
    assert heatmap[34, 24] > 0, "the window is a square, not a disc"
    assert np.count_nonzero(heatmap) == 81


def test_a_keypoint_lights_its_own_part_only() -> None:
    lit = soft_part_weights(person(k9=(20, 30), k15=(10, 50)), SPEC).max(axis=2)[0]
    assert set(np.flatnonzero(lit)) == {LEFT_ARM, LEFT_LEG}


def test_a_keypoint_inside_one_patch_weighs_the_mean_of_its_window_there_and_nothing_elsewhere() -> None:
    spec = CropSpec(height=64, width=44, grid_rows=2, grid_columns=2, parts=6)
    weights = soft_part_weights(person(k10=(33, 10)), spec)[0, RIGHT_ARM]
    window_sum = sum(math.exp(-(step**2) / (2 * 2.25**2)) for step in range(-4, 5))
    assert weights.tolist() == pytest.approx([0, window_sum**2 / (32 * 22), 0, 0])


@given(people)
@settings(max_examples=25, deadline=None)
def test_heatmaps_equal_the_pixel_by_pixel_oracle(keypoints: FloatArray) -> None:
    np.testing.assert_allclose(part_heatmaps(keypoints, 64, 44), oracle_heatmaps(keypoints, 64, 44), atol=1e-6)


@given(people)
@settings(max_examples=50, deadline=None)
def test_signed_weights_are_patch_means_of_the_scaled_heatmaps(keypoints: FloatArray) -> None:
    maps = oracle_heatmaps(keypoints, 64, 44)  # peak 1 and background 0, or all 0: min-max scaling changes nothing
    np.testing.assert_allclose(signed_part_weights(keypoints, SIGNED), patch_means(2 * maps - 1, SIGNED), atol=1e-6)


def min_max_scaled_weights(heatmaps: FloatArray, spec: CropSpec) -> FloatArray:
    """The published recipe to the letter: each heatmap min-max scaled, a constant one 0, then (x - 0.5) / 0.5."""
    low = heatmaps.min(axis=(2, 3), keepdims=True)
    spread = heatmaps.max(axis=(2, 3), keepdims=True) - low
    scaled = (heatmaps - low) / np.where(spread > 0, spread, 1)
    rows, columns = spec.height // spec.grid_rows, spec.width // spec.grid_columns
    grid = ((scaled - 0.5) / 0.5).reshape(*scaled.shape[:2], spec.grid_rows, rows, spec.grid_columns, columns)
    return np.asarray(grid.mean(axis=(3, 5)).reshape(*scaled.shape[:2], spec.patches), np.float32)


@given(people, st.sampled_from([(64, 44, 8, 4), (16, 16, 2, 2), (16, 55, 2, 5), (256, 128, 16, 8)]))
@settings(max_examples=30, deadline=None)
def test_leaving_out_the_min_max_scaling_changes_no_bit(keypoints: FloatArray, size: tuple[int, int, int, int]) -> None:
    height, width, rows, columns = size
    spec = CropSpec(height, width, rows, columns, parts=6, weighting="signed")
    published = [min_max_scaled_weights(part_heatmaps(one[None], height, width), spec)[0] for one in keypoints]
    np.testing.assert_array_equal(signed_part_weights(keypoints, spec), published)


@given(people)
@settings(max_examples=50, deadline=None)
def test_soft_weights_lie_between_the_mean_of_the_heatmap_and_its_share_per_keypoint(keypoints: FloatArray) -> None:
    soft = soft_part_weights(keypoints, SPEC)
    means = patch_means(oracle_heatmaps(keypoints, 64, 44), SPEC)
    keypoints_per_part = np.array([len(part) for part in PART_KEYPOINTS])[None, :, None]
    assert (soft <= means + 1e-6).all()
    assert (soft >= means / keypoints_per_part - 1e-6).all()


@given(people, st.sampled_from([(9, 10), (0, 5), (15, 16)]))
@settings(max_examples=25, deadline=None)
def test_soft_weights_equal_the_mean_of_the_heatmap_where_a_part_shows_one_keypoint(
    keypoints: FloatArray, kept: tuple[int, ...]
) -> None:
    alone = nobody(2)
    alone[:, list(kept)] = keypoints[:, list(kept)]
    means = patch_means(oracle_heatmaps(alone, 64, 44), SPEC)
    np.testing.assert_allclose(soft_part_weights(alone, SPEC), means, atol=1e-6)


def test_two_keypoints_in_one_patch_weigh_less_than_the_mean_of_their_heatmap() -> None:
    both = person(k13=(5, 12), k15=(5, 20))
    spec = CropSpec(height=64, width=44, grid_rows=2, grid_columns=2, parts=6)
    soft, mean = soft_part_weights(both, spec)[0, LEFT_LEG, 0], patch_means(part_heatmaps(both, 64, 44), spec)
    assert soft < mean[0, LEFT_LEG, 0] < 2 * soft


@given(people)
@settings(max_examples=100, deadline=None)
def test_weights_are_finite_and_in_range_whatever_the_keypoints(keypoints: FloatArray) -> None:
    soft, signed = soft_part_weights(keypoints, SPEC), signed_part_weights(keypoints, SIGNED)
    assert soft.dtype == signed.dtype == np.float32
    assert soft.shape == signed.shape == (2, 6, 32)
    assert ((soft >= 0) & (soft <= 1)).all()
    assert ((signed >= -1) & (signed <= 1)).all()


@pytest.mark.parametrize(
    "keypoint",
    [
        (20, 30, 0.1),
        (20, 30, 0.0),
        (20, 30, math.nan),
        (20, 30, math.inf),
        (math.nan, 30, 0.9),
        (20, math.inf, 0.9),
        (-0.5, 30, 0.9),
        (44.5, 30, 0.9),
        (20, -0.5, 0.9),
        (20, 64.5, 0.9),
    ],
)
def test_an_unsure_absent_or_outside_keypoint_contributes_nothing(keypoint: tuple[float, float, float]) -> None:
    keypoints = nobody()
    keypoints[0, LEFT_WRIST] = keypoint
    assert not soft_part_weights(keypoints, SPEC).any()
    assert (signed_part_weights(keypoints, SIGNED) == -1).all()


def test_a_keypoint_on_the_far_edge_belongs_to_the_last_pixel() -> None:
    assert part_heatmaps(person(k15=(44, 64)), 64, 44)[0, LEFT_LEG, 63, 43] == 1


def test_confidence_just_above_the_threshold_counts_in_full() -> None:
    keypoints = person(k9=(20, 30))
    keypoints[0, LEFT_WRIST, 2] = 0.11
    assert part_heatmaps(keypoints, 64, 44).max() == 1


def test_mirroring_twice_changes_nothing() -> None:
    keypoints = np.random.default_rng(0).uniform(0, 44, (3, 17, 3)).astype(np.float32)
    np.testing.assert_allclose(flip_keypoints(flip_keypoints(keypoints, 44), 44), keypoints, atol=1e-5)
    assert [MIRRORED_KEYPOINTS[other] for other in MIRRORED_KEYPOINTS] == list(range(17))


def test_mirroring_turns_a_left_wrist_into_a_right_wrist_on_the_other_side() -> None:
    mirrored = flip_keypoints(person(k9=(10, 30)), 44)
    assert mirrored[0, RIGHT_WRIST].tolist() == pytest.approx([34, 30, 0.9])
    assert mirrored[0, LEFT_WRIST, 2] == 0


@given(people)
@settings(max_examples=50, deadline=None)
def test_mirroring_keypoints_mirrors_the_weights_and_swaps_left_and_right(keypoints: FloatArray) -> None:
    # Off the pixels' edges: a point exactly between two pixels belongs to the right one, in a mirror too.
    keypoints[..., 0] = np.floor(keypoints[..., 0]) + 0.25
    swapped = [HEAD, TORSO, RIGHT_ARM, LEFT_ARM, RIGHT_LEG, LEFT_LEG]
    weights = soft_part_weights(keypoints, SPEC).reshape(2, 6, 8, 4)
    mirrored = soft_part_weights(flip_keypoints(keypoints, 44), SPEC).reshape(2, 6, 8, 4)
    np.testing.assert_allclose(mirrored, weights[:, swapped, :, ::-1], atol=1e-6)


def test_without_keypoints_every_part_sees_the_whole_body() -> None:
    for spec in (SPEC, SIGNED):
        weights = part_weights(None, 3, spec)
        assert weights.shape == (3, 6, 32)
        assert (weights == 1).all()


def test_the_weighting_of_the_crops_decides() -> None:
    keypoints = person(k9=(20, 30))
    np.testing.assert_array_equal(part_weights(keypoints, 1, SPEC), soft_part_weights(keypoints, SPEC))
    np.testing.assert_array_equal(part_weights(keypoints, 1, SIGNED), signed_part_weights(keypoints, SIGNED))


def test_nobody_gives_no_rows() -> None:
    for spec in (SPEC, SIGNED):
        assert part_weights(nobody(0), 0, spec).shape == (0, 6, 32)
    assert part_heatmaps(nobody(0), 64, 44).shape == (0, 6, 64, 44)


def test_people_do_not_influence_each_other() -> None:
    group = np.random.default_rng(1).uniform(0, 44, (5, 17, 3)).astype(np.float32)
    group[..., 2] = 0.9
    for spec in (SPEC, SIGNED):
        alone = np.concatenate([part_weights(group[i : i + 1], 1, spec) for i in range(5)])
        np.testing.assert_array_equal(part_weights(group, 5, spec), alone)


def test_fewer_parts_are_the_first_ones() -> None:
    keypoints = person(k0=(20, 5), k5=(10, 20), k15=(20, 60))
    fewer = CropSpec(height=64, width=44, grid_rows=8, grid_columns=4, parts=2)
    np.testing.assert_array_equal(soft_part_weights(keypoints, fewer), soft_part_weights(keypoints, SPEC)[:, :2])


def test_impossible_requests_say_what_is_possible() -> None:
    with pytest.raises(ConfigError, match="use 1 to 6 parts"):
        part_weights(None, 1, CropSpec(height=64, width=44, grid_rows=8, grid_columns=4, parts=7))
    with pytest.raises(ConfigError, match="use a crop size that the grid divides"):
        soft_part_weights(nobody(), CropSpec(height=64, width=44, grid_rows=8, grid_columns=5, parts=6))
    with pytest.raises(ValueError, match=r"\(any, 17, 3\)"):
        part_heatmaps(np.zeros((1, 18, 3), np.float32), 64, 44)
    with pytest.raises(ValueError, match="of 2 people, got 1"):
        part_weights(nobody(), 2, SPEC)
