"""Where a benchmark's boxes come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from boxmot.structures import Frame

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Detections
from keyreid_stream.structures import Frame as OurFrame
from keyreid_stream.tracking.benchmark import PublicBoxes, Sequences, TrueBoxes, find_sequences
from keyreid_stream.tracking.benchmark.people import DetectedPeople, RememberedDetections
from tests.tracking.benchmark.recordings import record, walk


@pytest.fixture
def sequences(tmp_path: Path) -> Sequences:
    record(tmp_path / "data", "a", walk(3))
    return find_sequences(tmp_path / "data")


def boxmot_frame(number: int = 1, image: Any = None) -> Any:
    pixels = np.zeros((3, 4, 6), np.uint8) if image is None else image.transpose(2, 0, 1).copy()
    return Frame(torch.from_numpy(pixels), sample_id=f"s:a:{number - 1}", sequence_id="a", frame_index=number - 1)


def test_true_boxes_are_the_people_who_count(sequences: Sequences) -> None:
    rows = ["2,1,10,10,20,40,1,1,0.05", "2,2,60,10,20,40,1,1,0.5", "2,3,90,10,20,40,0,1,1", "2,4,120,10,20,40,1,8,1"]
    (sequences.folder / "a" / "gt" / "gt.txt").write_text("\n".join(rows))
    people = TrueBoxes(sequences, 0.1)
    assert people.words == "truth, people seen at least 10 %"
    found = people.find("a", 2, None)
    np.testing.assert_array_equal(found.boxes_xyxy, [[60, 10, 80, 50]])
    np.testing.assert_array_equal(found.confidence, [1])
    assert len(people.find("a", 1, None)) == 0
    assert len(TrueBoxes(sequences, 0).find("a", 2, None)) == 2


def test_public_boxes(sequences: Sequences) -> None:
    path = sequences.public_detections("a")
    path.write_text("3,-1,10.5,20,30,40,1.7\n\n3,-1,1,2,3,4,-0.2,-1,-1,-1\n1,-1,5,5,10,10,0.5\n")
    people = PublicBoxes(sequences)
    found = people.find("a", 3, None)
    np.testing.assert_array_equal(found.boxes_xyxy, [[10.5, 20, 40.5, 60], [1, 2, 4, 6]])
    np.testing.assert_array_equal(found.confidence, [1, 0])
    assert [len(people.find("a", frame, None)) for frame in (1, 2)] == [1, 0]


@pytest.mark.parametrize("line", ["1,-1,5,5,10", "1,-1,x,5,10,10,1", "0,-1,5,5,10,10,1", "1,-1,nan,5,10,10,1"])
def test_damaged_public_boxes_name_the_line(sequences: Sequences, line: str) -> None:
    sequences.public_detections("a").write_text("1,-1,5,5,10,10,1\n" + line + "\n")
    with pytest.raises(InputError, match=r"det.txt, line 2 is no detection"):
        PublicBoxes(sequences)


def test_missing_public_boxes(sequences: Sequences) -> None:
    with pytest.raises(InputError, match=r"no public detections .*det.txt; take the truth's boxes"):
        PublicBoxes(sequences)


def test_a_detector_sees_the_frame_in_rgb() -> None:
    seen: list[OurFrame] = []

    class Detector:
        def detect(self, frames: Any) -> list[Detections]:
            seen.extend(frames)
            return [Detections.empty()]

    image = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    people = DetectedPeople(Detector(), "a detector")
    assert len(people.find("a", 5, boxmot_frame(5, image))) == 0
    assert (seen[0].camera_id, seen[0].frame_index) == ("a", 4)
    np.testing.assert_array_equal(seen[0].image, image)


def test_boxes_nobody_can_use_are_left_out_with_their_keypoints() -> None:
    class Finder:
        words = "some"

        def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:
            boxes = np.array([[0, 0, 2, 2], [3, 3, 3, 5], [0, np.nan, 2, 2], [1, 1, 2, 3]], np.float32)
            points = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((4, 17, 3), np.float32)
            return Detections(boxes, np.array([0.5, 0.5, 0.5, 1.5], np.float32), points)

    detector = RememberedDetections(Finder())
    (found,) = detector.predict([boxmot_frame()])
    assert found.geometry.values.tolist() == [[0, 0, 2, 2], [1, 1, 2, 3]]
    assert found.scores.tolist() == [0.5, 1.0]
    assert found.class_ids.tolist() == [1, 1], "BoxMOT's pedestrians"
    assert detector.boxes == 2
    keypoints = detector.keypoints("s:a:0")
    assert keypoints is not None
    np.testing.assert_array_equal(keypoints[:, 0, 0], [0, 3])
    assert detector.has_keypoints
