import numpy as np
from scipy.stats import norm

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.thresholds import Thresholds

CONFIG = AssociationConfig(threshold=0.6, false_merge_rate=0.01)


def learned(mean: float, spread: float, pairs: int, *, cameras: tuple[int, int] = (0, 1)) -> Thresholds:
    thresholds = Thresholds(CONFIG)
    for camera_id in ("a", "b", "c"):
        thresholds.camera(camera_id)
    values = np.random.default_rng(0).normal(mean, spread, pairs).astype(np.float32)
    first, second = (np.full(pairs, camera) for camera in cameras)
    thresholds.different(first, second, values)
    return thresholds


def test_a_site_that_has_shown_nothing_goes_by_the_setting() -> None:
    thresholds = Thresholds(CONFIG)
    thresholds.camera("a")
    matrix, _ = thresholds.matrices(5)
    np.testing.assert_allclose(matrix, 0.6, atol=1e-6)


def test_what_different_people_look_like_sets_the_threshold_of_a_camera_pair() -> None:
    thresholds = learned(0.1, 0.1, 20_000)
    matrix, spread = thresholds.matrices(10)
    wanted = 0.1 + 0.1 * norm.isf(0.01 / 10)
    np.testing.assert_allclose(matrix[0, 1], wanted, atol=0.01)
    assert matrix[0, 1] == matrix[1, 0]
    np.testing.assert_allclose(spread[0, 1], 0.1, atol=0.005)


def test_the_promised_rate_of_false_merges_holds() -> None:
    matrix, _ = learned(0.3, 0.1, 5_000).matrices(4)
    others = np.random.default_rng(1).normal(0.3, 0.1, (20_000, 4)).max(axis=1)
    assert 0.005 < (others > matrix[0, 1]).mean() < 0.02


def test_a_camera_pair_without_a_history_goes_by_the_site() -> None:
    matrix, _ = learned(0.1, 0.1, 20_000).matrices(10)
    np.testing.assert_allclose(matrix[2, 2], matrix[0, 1], atol=0.02)


def test_the_more_alike_people_look_and_the_more_there_are_the_higher_it_is() -> None:
    calm, alike = learned(0.1, 0.1, 2_000), learned(0.5, 0.1, 2_000)
    assert alike.matrices(10)[0][0, 1] > calm.matrices(10)[0][0, 1] + 0.3
    assert calm.matrices(1_000)[0][0, 1] > calm.matrices(10)[0][0, 1]


def test_new_cameras_leave_what_was_learned() -> None:
    thresholds = learned(0.1, 0.1, 2_000)
    before = thresholds.matrices(10)[0]
    assert thresholds.camera("d") == 3
    assert thresholds.camera("a") == 0
    np.testing.assert_array_equal(thresholds.matrices(10)[0][:3, :3], before)


def test_moments_that_were_summed_elsewhere_count_like_their_similarities() -> None:
    values = np.random.default_rng(3).normal(0.2, 0.1, 500).astype(np.float32)
    one_by_one, summed = Thresholds(CONFIG), Thresholds(CONFIG)
    for thresholds in (one_by_one, summed):
        for camera_id in ("a", "b"):
            thresholds.camera(camera_id)
        thresholds.matrices(7)  # what was worked out before must not stay
    one_by_one.different(np.full(500, 1), np.full(500, 0), values)
    exact = values.astype(np.float64)
    summed.different_moments(1, 0, 500, exact.sum(), (exact**2).sum())
    for left, right in zip(one_by_one.matrices(7), summed.matrices(7), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    assert summed.counts()[0, 1] == 500
