"""Which of a track's pictures is kept: hand-made ticks with one difference at a time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from keyreid_stream.sinks import BestCropsSink
from keyreid_stream.structures import CameraTick, Event
from tests.sinks.conftest import CameraTickMaker, TickMaker

HEIGHT, WIDTH = 240, 320
BOX = (100.0, 60.0, 140.0, 140.0)


def textured(level: int = 0) -> np.ndarray:
    """A picture full of fine structure; `level` tells pictures apart."""
    picture = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture[:, :, 2] = level
    return picture


def blurred(level: int = 0) -> np.ndarray:
    picture = cv2.GaussianBlur(textured(), (0, 0), 6)
    picture[:, :, 2] = level
    return picture


Row = tuple[int, int, Sequence[float], float]


def kept_level(camera_tick: CameraTickMaker, tick: TickMaker, shots: Sequence[tuple[np.ndarray, Sequence[Row]]]) -> int:
    """Show a track these pictures; which one was kept, by the level of its blue?"""
    with BestCropsSink() as sink:
        sink.write(tick(events=[Event("new", 1, 0.0, "cam", 1)]))
        for index, (image, rows) in enumerate(shots):
            sink.write(tick(camera_tick("cam", index, rows, image=image)))
    return int(sink.by_identity()[1]["cam"].image[0, 0, 2])


PLAIN: list[Row] = [(1, 0, BOX, 0.9)]
SMALL: list[Row] = [(1, 0, (100.0, 60.0, 120.0, 100.0), 0.9)]
COVERED: list[Row] = [(1, 0, BOX, 0.9), (2, 0, (110.0, 80.0, 160.0, 150.0), 0.9)]
CUT: list[Row] = [(1, 0, (100.0, 180.0, 140.0, 260.0), 0.9)]


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ((blurred(10), PLAIN), (textured(20), PLAIN)),
        ((textured(10), COVERED), (textured(20), PLAIN)),
        ((textured(10), SMALL), (textured(20), PLAIN)),
        ((textured(10), CUT), (textured(20), PLAIN)),
    ],
    ids=["blurred", "covered", "small", "cut off"],
)
def test_the_sharp_whole_and_large_crop_is_kept_whenever_it_comes(
    worse: tuple[np.ndarray, list[Row]],
    better: tuple[np.ndarray, list[Row]],
    camera_tick: CameraTickMaker,
    tick: TickMaker,
) -> None:
    assert kept_level(camera_tick, tick, [worse, better]) == 20
    assert kept_level(camera_tick, tick, [better, worse]) == 20


def test_the_more_keypoints_are_seen_the_better(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    def shot(index: int, shown: int) -> CameraTick:
        keypoints = np.zeros((1, 17, 3), np.float32)
        keypoints[0, :, :2] = (120, 100)
        keypoints[0, :shown, 2] = 0.9
        return camera_tick("cam", index, PLAIN, image=textured(shown), keypoints=keypoints)

    with BestCropsSink() as sink:
        sink.write(tick(shot(0, 6), events=[Event("new", 1, 0.0, "cam", 1)]))
        sink.write(tick(shot(1, 17)))
        sink.write(tick(shot(2, 12)))
    best = sink.by_identity()[1]["cam"]
    assert best.image[0, 0, 2] == 17
    assert best.timestamp_s == pytest.approx(0.1)
    assert (best.frame_index, best.box_xyxy) == (1, BOX)


def test_a_crop_holds_its_person_in_the_middle_and_nothing_of_the_picture_is_kept_alive(
    camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    image = textured()
    image[60:140, 100:140] = (1, 2, 3)
    image[70:90, 110:130, 0] = 255
    with BestCropsSink() as sink:
        sink.write(tick(camera_tick("cam", 0, PLAIN, image=image), events=[Event("new", 1, 0.0, "cam", 1)]))
    crop = sink.by_identity()[1]["cam"].image
    assert crop.base is None
    assert crop.shape[0] == pytest.approx(2 * crop.shape[1], abs=2)
    margin = (crop.shape[0] - 80) // 2
    assert 3 <= margin <= 8
    assert (crop[margin : margin + 80, :, 2][:, 5:-5] == 3).all()


def test_all_tracks_of_an_identity_compete_within_their_camera_and_revisions_count(
    camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    with BestCropsSink() as sink:
        sink.write(
            tick(
                camera_tick("cam", 0, [(1, 0, BOX, 0.9)], image=blurred(10)),
                camera_tick("yard", 0, [(1, 0, BOX, 0.9)], image=textured(11)),
                events=[Event("new", 1, 0.0, "cam", 1), Event("new", 2, 0.0, "yard", 1)],
            )
        )
        sink.write(
            tick(camera_tick("cam", 1, [(2, 0, BOX, 0.9)], image=textured(12)), events=[Event("new", 3, 0.1, "cam", 2)])
        )
        assert {i: sorted(by_camera) for i, by_camera in sink.by_identity().items()} == {
            1: ["cam"],
            2: ["yard"],
            3: ["cam"],
        }
        sink.write(tick(events=[Event("merged", 1, 0.2, other_identity_id=3)]))
        sink.write(tick(events=[Event("merged", 1, 0.2, other_identity_id=2)]))
    (by_camera,) = sink.by_identity().values()
    assert {camera_id: int(crop.image[0, 0, 2]) for camera_id, crop in by_camera.items()} == {"cam": 12, "yard": 11}


def test_predictions_and_boxes_without_extent_give_no_crop(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    odd: list[Row] = [
        (1, 0, (float("nan"), 0.0, 10.0, 20.0), 0.9),
        (2, 0, (50.0, 50.0, 50.5, 90.0), 0.9),
        (3, 0, (-80.0, 50.0, -40.0, 130.0), 0.9),
    ]
    founded = [Event("new", number, 0.0, "cam", number) for number in (1, 2, 3, 4)]
    with BestCropsSink() as sink:
        sink.write(tick(camera_tick("cam", 0, odd, image=textured()), events=founded))
        sink.write(tick(camera_tick("cam", 1, [(4, 0, BOX, 0.9)], image=textured(), predicted=True)))
    assert sink.by_identity() == {}
