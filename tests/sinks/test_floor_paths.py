"""Feet on the floor: the calibration's own projection, backwards."""

from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.sinks import FloorPathsSink
from keyreid_stream.structures import Event, TrackKey
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView
from tests.sinks.conftest import CameraTickMaker, TickMaker

CAMERA = Camera.of(
    CameraView(
        name="hall",
        at=(0.0, 0.0, 3.0),
        look_at=(5.0, 4.0, 0.5),
        width=320,
        height=240,
        distortion=(-0.05, 0.005, 0.0, 0.0, 0.0),
    )
)
IMAGE = np.zeros((240, 320, 3), np.uint8)


def box_of(x: float, y: float) -> tuple[float, float, float, float]:
    """Someone whose feet are at this place: the box's lower edge in the middle, its corner on a pixel's edge."""
    (pixel,), _ = CAMERA.project(np.array([[x, y, 0.0]]))
    return (pixel[0] - 9.5, pixel[1] - 59.5, pixel[0] + 10.5, pixel[1] + 0.5)


@pytest.mark.parametrize("place", [(5.0, 4.0), (3.5, 3.0), (6.0, 2.5)])
def test_someone_stands_where_the_world_says(
    place: tuple[float, float], camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    with FloorPathsSink({"hall": CAMERA}) as sink:
        sink.write(tick(camera_tick("hall", 7, [(3, 0, box_of(*place), 0.9)], image=IMAGE)))
    (path,) = sink.paths()
    assert path.key == TrackKey("hall", 3)
    assert path.times_s.tolist() == [0.7]
    assert path.floor_xy[0] == pytest.approx(place, abs=1e-4)


def test_a_path_has_the_identity_that_holds_in_the_end(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    rows = [(3, 0, box_of(5, 4), 0.9), (4, 0, box_of(3.5, 3), 0.9), (5, 0, box_of(6, 2.5), 0.9)]
    with FloorPathsSink({"hall": CAMERA}) as sink:
        sink.write(
            tick(
                camera_tick("hall", 0, rows, image=IMAGE),
                events=[Event("new", 1, 0.0, "hall", 3), Event("new", 2, 0.0, "hall", 4)],
            )
        )
        sink.write(
            tick(
                camera_tick("hall", 1, rows, image=IMAGE),
                events=[Event("merged", 1, 0.1, other_identity_id=2)],
            )
        )
    assert [(path.key.track_id, path.identity_id, len(path.times_s)) for path in sink.paths()] == [
        (3, 1, 2),
        (4, 1, 2),
        (5, 0, 2),
    ]


def test_feet_that_are_not_seen_give_a_time_but_no_place(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    below_the_picture = (100.0, 150.0, 130.0, 239.5)
    above_the_horizon = (100.0, -60.0, 130.0, 1.0)
    with FloorPathsSink({"hall": CAMERA}) as sink:
        rows = [(1, 0, below_the_picture, 0.9), (2, 0, above_the_horizon, 0.9), (3, 0, box_of(5, 4), 0.9)]
        sink.write(tick(camera_tick("hall", 0, rows, image=IMAGE)))
        sink.write(tick(camera_tick("street", 0, [(1, 0, box_of(5, 4), 0.9)], image=IMAGE)))  # not calibrated
    known = {path.key: bool(np.isfinite(path.floor_xy).all()) for path in sink.paths()}
    assert known == {
        TrackKey("hall", 1): False,
        TrackKey("hall", 2): False,
        TrackKey("hall", 3): True,
        TrackKey("street", 1): False,
    }


def test_a_box_whose_ankles_the_detector_does_not_find_stands_nowhere(
    camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    keypoints = np.full((2, 17, 3), 0.9, np.float32)
    keypoints[0, 15:, 2] = 0.1  # both ankles guessed
    keypoints[1, 15, 2] = 0.1  # one ankle seen
    rows = [(1, 0, box_of(5, 4), 0.9), (2, 0, box_of(3.5, 3), 0.9)]
    with FloorPathsSink({"hall": CAMERA}) as sink:
        sink.write(tick(camera_tick("hall", 0, rows, image=IMAGE, keypoints=keypoints)))
    hidden, seen = sink.paths()
    assert np.isnan(hidden.floor_xy).all()
    assert seen.floor_xy[0] == pytest.approx((3.5, 3), abs=1e-4)


def test_predictions_and_boxes_that_are_no_numbers_are_not_sightings(
    camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    broken = (float("nan"), 0.0, 10.0, 20.0)
    with FloorPathsSink({"hall": CAMERA}) as sink:
        sink.write(tick(camera_tick("hall", 0, [(1, 0, box_of(5, 4), 0.9)], image=IMAGE, predicted=True)))
        sink.write(tick(camera_tick("hall", 1, [(2, 0, broken, 0.9)], image=IMAGE)))
    (path,) = sink.paths()
    assert path.key.track_id == 2
    assert np.isnan(path.floor_xy).all()
