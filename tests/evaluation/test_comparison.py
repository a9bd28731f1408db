from __future__ import annotations

import numpy as np

from keyreid_stream.evaluation import ResultBoxes, TruthBoxes
from keyreid_stream.evaluation.comparison import Comparison, compare
from tests.evaluation.scenes import HERE, THERE, columns, track


def test_frames_side_by_side() -> None:
    truth = TruthBoxes.all_counted(*columns(track(1, [2, 4], HERE) + track(2, [4], THERE)))
    results = ResultBoxes(*columns(track(8, [4, 9], HERE)))
    frames = compare(truth, results).frames
    assert [(frame.truth_ids.tolist(), frame.result_ids.tolist()) for frame in frames] == [
        ([1], []),
        ([1, 2], [8]),
        ([], [8]),
    ]
    assert [frame.similarity.tolist() for frame in frames] == [[[]], [[1], [0]], []]


def test_frames_with_nothing_to_compare_are_left_out() -> None:
    frames, ids, boxes = columns(track(1, [1], HERE) + track(2, [2], HERE))
    truth = TruthBoxes(frames, ids, boxes, counted=ids == 1, ignored=ids == 2)
    (frame,) = compare(truth, ResultBoxes(*columns(track(5, [2], HERE)))).frames
    assert frame.truth_ids.tolist() == [1]


def test_nothing_at_all() -> None:
    nothing = TruthBoxes.all_counted(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))
    assert compare(nothing, ResultBoxes.empty()).frames == ()


def test_one_after_the_other() -> None:
    truth = TruthBoxes.all_counted(*columns(track(1, [1, 2])))
    one = compare(truth, ResultBoxes.empty())
    assert len(Comparison.joined([one, one]).frames) == 4
