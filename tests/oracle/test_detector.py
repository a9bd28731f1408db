from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.interfaces import PoseDetector
from keyreid_stream.oracle import OracleDetector, OracleName, Truth
from keyreid_stream.structures import Detections, FloatArray, Frame
from tests.oracle.scripted import LEFT, RIGHT, Box, ScriptedSource, detections, moved, truth_of

SMALL: Box = (30, 0, 39, 11)
"""99 pixels: too few to be found."""


class Canned:
    """Finds what it is told to, in every frame."""

    weights = Path("canned.pt")

    def __init__(self, found: Detections) -> None:
        self.found = found

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self.found] * len(frames)


def poses(*values: float) -> FloatArray:
    """A pose per value, all its numbers that value."""
    return np.stack([np.full((17, 3), value, np.float32) for value in values])


def test_both_from_the_truth_need_no_detector() -> None:
    truth, frames = truth_of({3: RIGHT, 1: LEFT}, {}, {2: LEFT, 5: SMALL})
    detector: PoseDetector = OracleDetector(truth)
    both, nobody, one = detector.detect(frames)
    assert both.boxes_xyxy.tolist() == [list(RIGHT), list(LEFT)]  # as the truth lists them
    assert both.confidence.tolist() == [1, 1]
    assert both.keypoints is not None
    assert both.keypoints[0, 10].tolist() == [60.5, 30.5, 1]
    assert both.keypoints[0, 0, 2] == both.keypoints[0, 16, 2] == 0
    assert len(nobody) == 0
    assert nobody.keypoints is not None
    assert one.boxes_xyxy.tolist() == [list(LEFT)]


def test_frames_of_several_cameras_get_their_own_people() -> None:
    sources = [ScriptedSource("a", [{1: LEFT}]), ScriptedSource("b", [{1: RIGHT}])]
    frames = [next(source.frames()) for source in reversed(sources)]
    found = OracleDetector(Truth(sources)).detect(frames)
    assert [one.boxes_xyxy.tolist() for one in found] == [[list(RIGHT)], [list(LEFT)]]


def test_true_boxes_take_the_keypoints_of_the_best_detection() -> None:
    truth, frames = truth_of({1: LEFT, 2: RIGHT})
    real = Canned(detections(moved(LEFT, 4), moved(LEFT, 1), keypoints=poses(0.3, 0.6)))
    (found,) = OracleDetector(truth, real, what=["detections"]).detect(frames)
    assert found.boxes_xyxy.tolist() == [list(LEFT), list(RIGHT)]
    assert found.confidence.tolist() == [1, 1]
    np.testing.assert_array_equal(found.keypoints, poses(0.6, 0))


def test_true_boxes_of_a_detector_without_keypoints_have_none() -> None:
    truth, frames = truth_of({1: LEFT})
    (found,) = OracleDetector(truth, Canned(detections(LEFT)), what=["detections"]).detect(frames)
    assert found.keypoints is None
    assert len(found) == 1


def test_detections_take_the_keypoints_of_the_person_they_show() -> None:
    truth, frames = truth_of({1: LEFT, 2: RIGHT})
    real = Canned(detections(moved(RIGHT, -2), (0, 52, 8, 60), keypoints=poses(0.3, 0.6)))
    (found,) = OracleDetector(truth, real, what=["keypoints"]).detect(frames)
    assert found.boxes_xyxy.tolist() == [list(moved(RIGHT, -2)), [0, 52, 8, 60]]
    np.testing.assert_array_equal(found.confidence, real.found.confidence)
    assert found.keypoints is not None
    assert found.keypoints[0, 10].tolist() == [60.5, 30.5, 1]
    assert not found.keypoints[1].any()
    np.testing.assert_array_equal(real.found.keypoints, poses(0.3, 0.6))


def test_true_keypoints_also_go_to_a_detector_that_has_none_and_to_people_who_hardly_show() -> None:
    truth, frames = truth_of({1: SMALL})
    (found,) = OracleDetector(truth, Canned(detections(SMALL)), what=["keypoints"]).detect(frames)
    assert found.keypoints is not None
    assert found.keypoints[0, 10].tolist() == [35, 6, 1]


@pytest.mark.parametrize(
    ("what", "weights"),
    [(["detections"], Canned.weights), (["keypoints"], Canned.weights), (["keypoints", "detections"], None)],
)
def test_the_weights_are_those_that_were_used(what: list[OracleName], weights: Path | None) -> None:
    assert OracleDetector(truth_of()[0], Canned(detections()), what=what).weights == weights


def test_what_cannot_be_is_refused() -> None:
    truth, _ = truth_of()
    with pytest.raises(ConfigError, match="give one"):
        OracleDetector(truth, what=["detections"])
    for what in ([], ["detections", "tracks"]):
        with pytest.raises(ConfigError, match="choose from: detections, keypoints"):
            OracleDetector(truth, Canned(detections()), what=what)  # type: ignore[arg-type]
