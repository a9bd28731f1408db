from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.film import Film
from keyreid_stream.world.truth import Shot
from tests.world.small_worlds import yard


def same(one: Shot, other: Shot) -> bool:
    return (
        one.frame.image.tobytes() == other.frame.image.tobytes()
        and one.truth.keypoints.tobytes() == other.truth.keypoints.tobytes()
        and one.truth.boxes_xyxy.tobytes() == other.truth.boxes_xyxy.tobytes()
        and one.truth.person_ids.tolist() == other.truth.person_ids.tolist()
    )


def test_frames_carry_the_camera_s_own_time() -> None:
    film = Film(yard(), 1)
    shot = film.shot(3)
    assert shot.frame.camera_id == "west"
    assert shot.frame.frame_index == 3
    assert shot.truth.time_s == pytest.approx(0.6)
    assert shot.frame.timestamp_s == pytest.approx(0.6 + 2.5)
    assert shot.frame.image.shape == (72, 96, 3)
    assert len(film) == 10


def test_any_order_gives_the_same() -> None:
    forward, backward = Film(yard(), 0), Film(yard(), 0)
    first = [forward.shot(index) for index in range(4)]
    second = [backward.shot(index) for index in reversed(range(4))][::-1]
    assert all(same(one, other) for one, other in zip(first, second, strict=True))
    assert not same(first[0], first[3])


def test_a_frame_is_its_shot_s() -> None:
    film = Film(yard(), 0)
    assert film.frame(2).image.tobytes() == film.shot(2).frame.image.tobytes()


def test_noise_differs_between_frames_cameras_and_seeds() -> None:
    # Before anybody comes, nothing else in a picture may change.
    film, other_seed = Film(yard(seed=3), 0), Film(yard(seed=4), 0)
    assert film.frame(0).image.tobytes() != film.frame(1).image.tobytes()
    assert film.frame(0).image.tobytes() != other_seed.frame(0).image.tobytes()


def test_everyone_of_the_truth_is_where_it_says() -> None:
    film = Film(yard(seconds=12), 0)
    seen = [film.shot(index) for index in range(40, 120, 16)]
    assert any(len(shot.truth) for shot in seen)
    for shot in seen:
        height, width = shot.frame.image.shape[:2]
        visible = shot.truth.visible_boxes_xyxy[shot.truth.visible_pixels > 0]
        assert (visible >= 0).all()
        assert (visible <= [width, height, width, height]).all()
        assert np.isfinite(shot.truth.keypoints).all()
