from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from keyreid_stream.evaluation import ResultBoxes, TruthBoxes
from keyreid_stream.report import person_in, true_people
from keyreid_stream.report.sections import verdict
from keyreid_stream.sinks import BestCrop

Rows = list[tuple[int, int, float]]
"""Frame, id, and where the box begins."""


def boxes(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([(row[2], 0.0, row[2] + 10, 20.0) for row in rows]).reshape(-1, 4),
    )


def truth(rows: Rows) -> TruthBoxes:
    return TruthBoxes.all_counted(*boxes(rows))


def found(rows: Rows) -> ResultBoxes:
    return ResultBoxes(*boxes(rows))


def test_an_identity_is_whom_its_boxes_are_on_in_all_cameras() -> None:
    true = {
        "a": truth([(1, 7, 0), (1, 8, 100), (2, 7, 5), (2, 8, 100), (3, 7, 10), (3, 8, 100), (4, 7, 10)]),
        "b": truth([(1, 8, 0)]),
    }
    results = {
        # Identity 1 is on person 7 three times and on 8 once; 2 on 8 twice; 3 is on nobody.
        "a": found([(1, 1, 1), (1, 2, 101), (2, 1, 5), (2, 2, 99), (3, 1, 100), (3, 3, 50), (4, 1, 10)]),
        "b": found([(1, 1, 2)]),
    }
    assert true_people(true, results) == {1: {7: 3, 8: 2}, 2: {8: 2}}


def test_boxes_that_overlap_by_less_than_half_are_on_nobody() -> None:
    # 10 wide, moved by 4: IoU 6 / 14; moved by 3: 7 / 13.
    assert true_people({"a": truth([(1, 7, 0)])}, {"a": found([(1, 1, 4)])}) == {}
    assert true_people({"a": truth([(1, 7, 0)])}, {"a": found([(1, 1, 3)])}) == {1: {7: 1}}


def test_one_person_goes_to_one_of_two_boxes() -> None:
    result = true_people({"a": truth([(1, 7, 0)])}, {"a": found([(1, 1, 1), (1, 2, 0)])})
    assert result == {2: {7: 1}}


def crop(frame_index: int, left: float) -> BestCrop:
    return BestCrop(np.zeros((8, 4, 3), np.uint8), frame_index / 10, frame_index, (left, 0.0, left + 10, 20.0), 1.0)


def test_a_crop_shows_who_is_in_its_box_in_its_frame() -> None:
    true = truth([(1, 7, 0), (1, 8, 30), (2, 8, 0)])
    assert person_in(crop(0, 1), true) == 7
    assert person_in(crop(0, 29), true) == 8
    assert person_in(crop(1, 1), true) == 8
    assert person_in(crop(0, 15), true) is None
    assert person_in(crop(2, 0), true) is None


@pytest.mark.parametrize(
    ("identity_id", "words", "is_right"),
    [
        (1, "person 1", True),
        (2, "people 2, 9, also P5", False),
        (3, "person 3", True),  # one box in ten and fewer are forgiven
        (4, "people 3, 4", False),
        (5, "person 2, also P2", False),
        (6, "nobody in truth", False),
    ],
)
def test_a_verdict_says_what_is_wrong(identity_id: int, words: str, is_right: bool) -> None:
    people = {
        1: Counter({1: 200}),
        2: Counter({9: 40, 2: 60}),
        3: Counter({3: 95, 4: 5}),
        4: Counter({3: 10, 4: 90}),
        5: Counter({2: 30}),
    }
    assert verdict(identity_id, people) == {"words": words, "is_right": is_right}
