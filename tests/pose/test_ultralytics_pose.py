"""The detector: what it keeps of the network's results, in which order, and what it says of real people."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import torch

from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.pose import ultralytics_pose as module
from keyreid_stream.pose.weights import PersonModel
from keyreid_stream.structures import Detections, FloatArray, Frame, ImageArray

CAMERAS = ("cam0", "cam1", "cam2", "cam3")


def frame(height: int = 100, width: int = 200, colour: tuple[int, int, int] = (0, 0, 0)) -> Frame:
    return Frame("a", 0, 0.0, np.full((height, width, 3), colour, np.uint8))


class StubModel:
    """Finds the same people in every picture and remembers its calls."""

    def __init__(
        self, rows: list[tuple[float, float, float, float, float]], keypoints: FloatArray | None = None
    ) -> None:
        self.boxes = torch.tensor([(*row, 0.0) for row in rows], dtype=torch.float32).reshape(-1, 6)
        self.keypoints = torch.zeros(len(rows), 17, 3) if keypoints is None else torch.from_numpy(keypoints)
        self.calls: list[list[ImageArray]] = []

    def __call__(self, images: list[ImageArray]) -> list[Any]:
        self.calls.append(images)
        return [
            SimpleNamespace(boxes=SimpleNamespace(data=self.boxes), keypoints=SimpleNamespace(data=self.keypoints))
            for _ in images
        ]


def detector_on(stub: StubModel, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> UltralyticsPose:
    monkeypatch.setattr(module, "open_weights", lambda config: PersonModel(stub, finds_keypoints=True))
    return UltralyticsPose(PoseConfig(weights=Path("stub.pt"), **settings))


def test_people_come_most_confident_first_then_from_left_to_right(monkeypatch: pytest.MonkeyPatch) -> None:
    keypoints = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 17, 3), np.float32)
    stub = StubModel([(50, 0, 60, 50, 0.5), (10, 0, 20, 50, 0.5), (90, 0, 99, 50, 0.75)], keypoints)
    (people,) = detector_on(stub, monkeypatch).detect([frame()])
    assert people.boxes_xyxy[:, 0].tolist() == [90, 10, 50]
    assert people.confidence.tolist() == [0.75, 0.5, 0.5]
    assert people.keypoints is not None
    assert people.keypoints[:, 0, 0].tolist() == [2, 1, 0], "keypoints follow their person"


def test_boxes_are_clipped_and_those_that_show_nothing_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    nan = float("nan")
    stub = StubModel([(-5, -5, 50, 150, 0.9), (210, 0, 250, 50, 0.8), (20, 30, 20, 60, 0.7), (nan, 0, 9, 9, 0.6)])
    (people,) = detector_on(stub, monkeypatch).detect([frame(100, 200)])
    assert people.boxes_xyxy.tolist() == [[0, 0, 50, 100]]


def test_low_people_are_dropped_before_the_most_confident_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = StubModel([(0, 0, 9, 39, 0.9), (10, 0, 19, 40, 0.5), (20, 0, 29, 60, 0.6), (30, 0, 39, 60, 0.4)])
    (people,) = detector_on(stub, monkeypatch, minimum_height=40, max_people=2).detect([frame()])
    assert people.boxes_xyxy[:, 0].tolist() == [20, 10]


def test_frames_of_one_size_share_a_call_and_results_come_in_the_order_of_the_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stub = StubModel([(0, 0, 150, 150, 0.9)])
    detector = detector_on(stub, monkeypatch)
    found = detector.detect([frame(100, 200), frame(90, 120), frame(100, 200), frame(100, 200)])
    assert [len(call) for call in stub.calls] == [3, 1]
    assert [one.boxes_xyxy[0, 2:].tolist() for one in found] == [[150, 100], [120, 90], [150, 100], [150, 100]]


def test_the_network_gets_blue_first(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = StubModel([])
    detector_on(stub, monkeypatch).detect([frame(colour=(1, 2, 3))])
    assert stub.calls[0][0][0, 0].tolist() == [3, 2, 1]


def test_no_frames_are_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = StubModel([])
    assert detector_on(stub, monkeypatch).detect([]) == []
    assert stub.calls == []


def test_a_plain_detector_finds_people_only_and_says_once_that_there_are_no_keypoints(
    untrained: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    settings = {"imgsz": 128, "confidence": 1e-6, "device": "cpu"}
    with caplog.at_level(logging.INFO):
        plain = UltralyticsPose(PoseConfig(weights=untrained("detector"), **settings))
        found = [plain.detect([Frame("a", 0, 0.0, noise)])[0] for _ in range(2)]
    assert not plain.finds_keypoints
    assert found[0].keypoints is None
    assert len(found[0]) > 0
    said = [record.getMessage() for record in caplog.records if record.name == "keyreid_stream.pose"]
    assert len(said) == 1
    assert "no keypoints: whole-body weights" in said[0]
    assert len(plain.detect([Frame("a", 0, 0.0, noise)])[0]) > 0


def test_a_picture_without_people_has_no_rows_but_keypoints(untrained: Callable[[str], Path]) -> None:
    pose = UltralyticsPose(PoseConfig(weights=untrained("pose"), imgsz=64, confidence=1.0, device="cpu"))
    (people,) = pose.detect([frame(48, 64)])
    assert len(people) == 0
    assert people.keypoints is not None
    assert people.keypoints.shape == (0, 17, 3)


def read_frames(folder: Path, index: int) -> list[Frame]:
    """The same moment in all four cameras."""
    frames = []
    for camera in CAMERAS:
        with av.open(str(folder / "lab_4cam" / f"{camera}.mp4")) as container:
            for number, picture in enumerate(container.decode(video=0)):
                if number == index:
                    frames.append(Frame(camera, index, index / 10, picture.to_ndarray(format="rgb24")))
                    break
    return frames


@pytest.fixture(scope="module")
def real_frames(shared_data: Path) -> list[Frame]:
    return read_frames(shared_data, 20)


@pytest.fixture(scope="module")
def real_pose(shared_data: Path) -> UltralyticsPose:
    return UltralyticsPose(PoseConfig(weights=shared_data / "weights" / "yolov8n-pose.pt", device="cpu"))


@pytest.fixture(scope="module")
def real_people(real_pose: UltralyticsPose, real_frames: list[Frame]) -> list[Detections]:
    return real_pose.detect(real_frames)


@pytest.mark.data
def test_every_camera_of_the_lab_sees_people_with_keypoints_on_them(real_people: list[Detections]) -> None:
    seen = []
    for people in real_people:
        assert 1 <= len(people) <= 4, "2 to 4 people are in the room, some out of a camera's sight"
        assert people.keypoints is not None
        x1, y1, x2, y2 = (side[:, None] for side in people.boxes_xyxy.T)
        x, y, confidence = np.moveaxis(people.keypoints, 2, 0)
        margin = 0.1 * (y2 - y1)
        near = (x > x1 - margin) & (x < x2 + margin) & (y > y1 - margin) & (y < y2 + margin)
        assert (near | (confidence < 0.5)).all()
        seen += (confidence > 0.5).sum(axis=1).tolist()
        upright = (confidence[:, [5, 6, 11, 12]] > 0.5).all(axis=1)
        assert (y[upright, 5:7].mean(axis=1) < y[upright, 11:13].mean(axis=1)).all(), "shoulders are above hips"
    assert np.median(seen) >= 8, "most people show half of their keypoints or more"


@pytest.mark.data
def test_repeating_a_batch_repeats_it_bit_for_bit(
    real_pose: UltralyticsPose, real_frames: list[Frame], real_people: list[Detections]
) -> None:
    for again, before in zip(real_pose.detect(real_frames), real_people, strict=True):
        np.testing.assert_array_equal(again.boxes_xyxy, before.boxes_xyxy)
        np.testing.assert_array_equal(again.confidence, before.confidence)
        np.testing.assert_array_equal(again.keypoints, before.keypoints)


@pytest.mark.data
def test_neighbours_in_a_batch_do_not_matter(
    real_pose: UltralyticsPose, real_frames: list[Frame], real_people: list[Detections]
) -> None:
    """Alone, and beside a frame of another size; kernels may sum in another order, hence a thousandth of a pixel."""
    beside_smaller = real_pose.detect([frame(480, 640), *real_frames])[1:]
    alone = [real_pose.detect([one])[0] for one in real_frames]
    for other in (beside_smaller, alone):
        for one, together in zip(other, real_people, strict=True):
            np.testing.assert_allclose(one.boxes_xyxy, together.boxes_xyxy, atol=1e-3)
            np.testing.assert_allclose(one.confidence, together.confidence, atol=1e-5)
            np.testing.assert_allclose(one.keypoints, together.keypoints, atol=1e-3)


@pytest.mark.data
def test_an_export_for_single_frames_takes_a_batch_too(
    shared_data: Path, real_frames: list[Frame], real_people: list[Detections]
) -> None:
    pytest.importorskip("openvino", reason="the OpenVINO weights need keyreid-stream[openvino]")
    weights = shared_data / "weights" / "yolov8n-pose_int8_openvino_model"
    export = UltralyticsPose(PoseConfig(weights=weights, device="cpu"))
    assert export.finds_keypoints
    for together, one, original in zip(export.detect(real_frames), real_frames, real_people, strict=True):
        np.testing.assert_array_equal(together.boxes_xyxy, export.detect([one])[0].boxes_xyxy)
        assert len(together) == len(original)


@pytest.mark.data
def test_a_size_that_an_export_cannot_take_is_said_to_be_ignored(
    shared_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino", reason="the OpenVINO weights need keyreid-stream[openvino]")
    weights = shared_data / "weights" / "yolov8n-pose_int8_openvino_model"
    UltralyticsPose(PoseConfig(weights=weights, imgsz=1280, device="cpu"))
    assert "imgsz=1280 is ignored" in caplog.text
