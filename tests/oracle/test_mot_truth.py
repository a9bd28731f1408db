"""Recordings whose truth is in files, as oracles see them."""

from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import TruthBoxes
from keyreid_stream.fakes import FakeSource, Walker
from keyreid_stream.oracle import OracleDetector, OracleTracker, Truth, with_recorded_truth
from keyreid_stream.structures import Detections
from tests.evaluation.scenes import HERE, THERE, columns, track, truth_of

NOBODY_ELSE = np.zeros((0, 4), np.float32)


def source(name: str) -> FakeSource:
    return FakeSource(name, [Walker((255, 0, 0), (10, 20))], frame_count=3)


def test_who_counts_is_found_frame_by_frame() -> None:
    """Files count frames from 1; person 9 is ignored, person 8 comes in the second frame."""
    frames, ids, boxes = columns(track(7, [1, 2]) + track(9, [1], THERE) + track(8, [2], THERE))
    counted = ids != 9
    truth = TruthBoxes(frames, ids, boxes, counted, ~counted)
    (camera,) = with_recorded_truth([source("door")], {"door": truth})
    assert (camera.camera_id, camera.fps, camera.keeps_truth) == ("door", 10.0, True)
    assert [camera.truth_at(index).person_ids.tolist() for index in range(3)] == [[7], [7, 8], []]
    np.testing.assert_array_equal(camera.truth_at(1).visible_boxes_xyxy, np.array([HERE, THERE], np.float32))
    assert [frame.frame_index for frame in camera.frames()] == [0, 1, 2]


def test_oracles_take_it() -> None:
    truth = truth_of({"door": track(7, [1, 2]), "yard": track(7, [2], THERE)})
    cameras = with_recorded_truth([source("door"), source("yard")], truth)
    known = Truth(cameras)
    detector = OracleDetector(known)
    first, second = (list(camera.frames()) for camera in cameras)
    found = detector.detect([first[0], second[0], first[1], second[1]])
    assert [len(one) for one in found] == [1, 0, 1, 1]
    tracks = OracleTracker(known, fps=10.0).update(first[0], found[0], NOBODY_ELSE)
    assert tracks.track_ids.tolist() == [1]


def test_a_tiny_box_is_still_somebody() -> None:
    """Whoever the files count is to be found, however few pixels their box has."""
    (camera,) = with_recorded_truth([source("door")], truth_of({"door": track(7, [1], (0.0, 0.0, 4.0, 5.0))}))
    (found,) = OracleDetector(Truth([camera])).detect(list(camera.frames())[:1])
    assert isinstance(found, Detections)
    assert found.boxes_xyxy.tolist() == [[0, 0, 4, 5]]


def test_what_a_camera_counts_of_itself_is_passed_on() -> None:
    class Damaged(FakeSource):
        corrupt_frames = 4

    cameras = with_recorded_truth(
        [Damaged("door", []), source("yard")], truth_of({"door": track(7, [1]), "yard": track(7, [1])})
    )
    assert [camera.corrupt_frames for camera in cameras] == [4, None]
    assert [camera.repaired_timestamps for camera in cameras] == [None, None]


@pytest.mark.parametrize(("truth", "strange"), [(["door"], "yard"), (["door", "yard", "hall"], "hall")])
def test_cameras_and_truth_must_be_the_same(truth: list[str], strange: str) -> None:
    true = truth_of({name: track(7, [1]) for name in truth})
    with pytest.raises(InputError, match=f"{strange} has no counterpart"):
        with_recorded_truth([source("door"), source("yard")], true)
