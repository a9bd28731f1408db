"""What the associator is told of tracks besides embeddings: quality and places, with fakes at every other seam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from keyreid_stream.fakes import (
    FakeAssociator,
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeSource,
    FakeTracker,
    RecordingSink,
    Walker,
)
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.site import SiteGeometry
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.structures import Detections, Event, FloatArray, Frame, TrackEvidence, TrackKey, Tracks

RED = Walker(colour=(200, 0, 0), start=(10, 20), step=(2, 0))
BLUE = Walker(colour=(0, 0, 200), start=(100, 60), step=(-2, 0))


class Listening(FakeAssociator):
    """Keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[TrackEvidence]] = []

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        self.told.append(list(evidence))
        return super().update(timestamp_s, evidence, ended)


class Predicting(FakeTracker):
    """Shows its tracks in every second frame as predictions."""

    def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:
        tracks = super().update(frame, detections, appearance)
        if frame.frame_index % 2 == 0:
            return tracks
        nobody = np.full(len(tracks), -1, np.int64)
        return Tracks(tracks.track_ids, tracks.boxes_xyxy, tracks.confidence, nobody, tracks.ended)


def stages(associator: Listening, **changes: object) -> Stages:
    settings: dict[str, object] = {
        "sources": [FakeSource("a", [RED, BLUE], frame_count=6), FakeSource("b", [RED], frame_count=6)],
        "detector": FakeDetector(keypoints=False),
        "encoder": FakeFrameEncoder(),
        "clip_head": FakeClipHead(),
        "make_tracker": lambda _: FakeTracker(),
        "associator": associator,
    }
    return Stages(**(settings | changes))  # type: ignore[arg-type]


def overhead() -> CameraCalibration:
    """Of the fakes' pictures of 160x120, 4 m above (0, 0): a pixel is 4 cm, up in the picture is +y."""
    return CameraCalibration(
        camera_id="a",
        width=160,
        height=120,
        K=np.array([[100.0, 0, 79.5], [0, 100, 59.5], [0, 0, 1]]),
        distortion=np.zeros(5),
        R=np.diag([1.0, -1.0, -1.0]),
        t=np.array([0.0, 0.0, 4.0]),
    )


def test_places_come_from_the_camera_s_calibration_alone() -> None:
    listening = Listening()
    geometry = SiteGeometry({"a": overhead()}, ["a", "b"])
    pipeline = Pipeline(stages(listening), geometry=geometry)
    pipeline.run([RecordingSink()])

    for index, told in enumerate(listening.told):
        places = {(one.key.camera_id, int(one.box_xyxy[1])): one.floor_xy for one in told}
        # Red, 16 x 32, from (10 + 2i, 20): the middle of its lower edge is at (18 + 2i, 52); the picture's is (80, 60).
        assert places["a", 20] == pytest.approx(((18 + 2 * index - 80) * 0.04, 8 * 0.04))
        assert places["a", 60] == pytest.approx(((108 - 2 * index - 80) * 0.04, -32 * 0.04))
        assert places["b", 20] is None
    assert pipeline.times.stages["geometry"].calls == 6


def test_without_calibrations_nobody_stands_anywhere() -> None:
    listening = Listening()
    Pipeline(stages(listening)).run([RecordingSink()])

    assert all(one.floor_xy is None for told in listening.told for one in told)


def test_predictions_stand_nowhere_and_keep_the_quality_of_their_newest_crop() -> None:
    listening = Listening()
    measured = iter([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])

    def quality(frame: Frame, found: Detections) -> FloatArray:
        return np.full(len(found), next(measured), np.float32)

    source = FakeSource("a", [RED], frame_count=6)
    made = stages(listening, sources=[source], make_tracker=lambda _: Predicting(), quality=quality)
    Pipeline(made, geometry=SiteGeometry({"a": overhead()}, ["a"])).run([RecordingSink()])
    told = [one for tick in listening.told for one in tick]

    assert [one.quality for one in told] == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.5, 0.5])
    assert [one.floor_xy is None for one in told] == [False, True] * 3


def test_each_track_has_the_quality_of_its_own_detection() -> None:
    listening = Listening()

    def leftness(frame: Frame, found: Detections) -> FloatArray:
        return (1 - found.boxes_xyxy[:, 0] / 160).astype(np.float32)

    Pipeline(stages(listening, quality=leftness)).run([RecordingSink()])

    for one in (one for told in listening.told for one in told):
        assert one.quality == pytest.approx(1 - one.box_xyxy[0] / 160)


def test_without_a_measure_everyone_counts_in_full() -> None:
    listening = Listening()
    Pipeline(stages(listening)).run([RecordingSink()])

    assert {one.quality for told in listening.told for one in told} == {1.0}
