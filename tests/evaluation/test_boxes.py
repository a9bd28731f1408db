from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import ResultBoxes, TruthBoxes, iou

FRAMES = np.array([1, 1, 2], np.int64)
IDS = np.array([3, 4, 3], np.int64)
BOXES = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [0, 0, 0, 0]], np.float64)


def test_overlap_of_every_pair() -> None:
    others = np.array([[0, 0, 2, 2], [2, 2, 4, 4], [-10, -10, 10, 10], [1, 1, 1, 1]], np.float64)
    expected = [[1, 0, 4 / 400, 0], [2 / 6, 1 / 100 * 0, 4 / 400, 0], [0, 0, 0, 0]]
    assert iou(BOXES, others) == pytest.approx(np.array(expected))


def test_overlap_with_nothing() -> None:
    assert iou(BOXES, np.zeros((0, 4))).shape == (3, 0)
    assert iou(np.zeros((0, 4)), BOXES).shape == (0, 3)


def test_boxes_with_ids() -> None:
    assert len(ResultBoxes(FRAMES, IDS, BOXES)) == 3
    assert len(ResultBoxes.empty()) == 0
    truth = TruthBoxes.all_counted(FRAMES, IDS, BOXES)
    assert truth.counted.tolist() == [True] * 3
    assert truth.ignored.tolist() == [False] * 3


@pytest.mark.parametrize(
    ("frames", "ids", "boxes", "told"),
    [
        (FRAMES[:2], IDS, BOXES, r"frames is int64 \(2,\); give one int64 for each of 3"),
        (FRAMES.astype(np.float64), IDS, BOXES, r"frames is float64"),
        (FRAMES, IDS.astype(np.int32), BOXES, r"ids is int32"),
        (FRAMES, IDS, BOXES[:, :3], r"give float64 of shape \(3, 4\)"),
        (FRAMES, IDS, BOXES.astype(np.float32), "boxes_xyxy is float32"),
        (FRAMES, IDS, np.where(BOXES == 3, np.nan, BOXES), "NaN or infinity"),
        (FRAMES, IDS, np.where(BOXES == 3, np.inf, BOXES), "NaN or infinity"),
        (FRAMES, IDS, BOXES[:, [2, 3, 0, 1]], "right or lower edge comes first"),
        (np.ones(3, np.int64), IDS, BOXES, "id 3 is twice in frame 1"),
    ],
)
def test_what_cannot_be(frames: np.ndarray, ids: np.ndarray, boxes: np.ndarray, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ResultBoxes(frames, ids, boxes)
    with pytest.raises(InputError, match=told):
        TruthBoxes.all_counted(frames, ids, boxes)


def test_truth_that_is_both_or_of_another_length() -> None:
    yes, no = np.ones(3, np.bool_), np.zeros(3, np.bool_)
    with pytest.raises(InputError, match="both counted and ignored"):
        TruthBoxes(FRAMES, IDS, BOXES, counted=yes, ignored=yes)
    with pytest.raises(InputError, match=r"counted is bool \(2,\)"):
        TruthBoxes(FRAMES, IDS, BOXES, counted=yes[:2], ignored=no)
    with pytest.raises(InputError, match="ignored is int64"):
        TruthBoxes(FRAMES, IDS, BOXES, counted=yes, ignored=no.astype(np.int64))
