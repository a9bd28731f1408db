"""Results beside truth, frame by frame: what the metrics work on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from keyreid_stream.evaluation.boxes import BoolArray, BoxArray, ResultBoxes, TruthBoxes, iou
from keyreid_stream.structures import IntArray

MATCH_IOU = 0.5
"""From which IoU a result is on a truth, here and in every metric with one threshold."""

_EPSILON = float(np.finfo(np.float64).eps)


class FramePair(NamedTuple):
    """One frame: ids of the truth (G,), ids of the results (R,), and the IoU (G, R) of their boxes."""

    truth_ids: IntArray
    result_ids: IntArray
    similarity: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The frames of a camera, or of several one after the other; frames with neither truth nor results are left out."""

    frames: tuple[FramePair, ...]

    @classmethod
    def joined(cls, parts: Iterable[Comparison]) -> Comparison:
        """All parts one after the other; an id means the same in all of them."""
        return cls(tuple(frame for part in parts for frame in part.frames))

    @classmethod
    def apart(cls, parts: Iterable[Comparison]) -> Comparison:
        """All parts one after the other; an id is somebody else in each of them."""
        people = identities = 0
        renamed: list[FramePair] = []
        for part in parts:
            true = np.unique(np.concatenate([np.zeros(0, np.int64), *(frame.truth_ids for frame in part.frames)]))
            found = np.unique(np.concatenate([np.zeros(0, np.int64), *(frame.result_ids for frame in part.frames)]))
            renamed += [
                FramePair(
                    people + np.searchsorted(true, frame.truth_ids).astype(np.int64),
                    identities + np.searchsorted(found, frame.result_ids).astype(np.int64),
                    frame.similarity,
                )
                for frame in part.frames
            ]
            people, identities = people + len(true), identities + len(found)
        return cls(tuple(renamed))


def compare(truth: TruthBoxes, results: ResultBoxes) -> Comparison:
    """Put a camera's results beside its truth, without what is ignored.

    As in MOTChallenge's protocol, a frame's results and its whole truth (counted, ignored and neither) are matched
    one to one for the largest sum of IoU, none below 0.5; results matched with ignored truth are left out.
    """
    # The order of the boxes, not that of rows or ids, decides between equally good matches.
    truth_order, result_order = _order(truth.frames, truth.boxes_xyxy), _order(results.frames, results.boxes_xyxy)
    numbers = np.union1d(truth.frames, results.frames)
    truth_rows, result_rows = (
        rows_by_frame(frames, order, numbers)
        for frames, order in ((truth.frames, truth_order), (results.frames, result_order))
    )
    pairs = (_pair(truth, results, own, found) for own, found in zip(truth_rows, result_rows, strict=True))
    return Comparison(tuple(pair for pair in pairs if len(pair.truth_ids) or len(pair.result_ids)))


def _pair(truth: TruthBoxes, results: ResultBoxes, truth_rows: IntArray, result_rows: IntArray) -> FramePair:
    similarity = iou(truth.boxes_xyxy[truth_rows], results.boxes_xyxy[result_rows])
    kept = results_that_count(similarity, truth.ignored[truth_rows])
    counted = truth.counted[truth_rows]
    return FramePair(truth.ids[truth_rows[counted]], results.ids[result_rows[kept]], similarity[counted][:, kept])


def results_that_count(similarity: NDArray[np.float64], ignored: BoolArray) -> BoolArray:
    """Which results of a frame are not on ignored truth, by the best one-to-one matching at a similarity of 0.5.

    Args:
        similarity: (G, R), of the whole truth and all results.
        ignored: (G,).

    Returns:
        (R,)
    """
    kept = np.ones(similarity.shape[1], np.bool_)
    if ignored.any():
        close = np.where(similarity < MATCH_IOU - _EPSILON, 0, similarity)
        matched_truth, matched_results = linear_sum_assignment(close, maximize=True)
        on_ignored = ignored[matched_truth] & (close[matched_truth, matched_results] > 0)
        kept[matched_results[on_ignored]] = False
    return kept


def _order(frames: IntArray, boxes: BoxArray) -> IntArray:
    order: IntArray = np.lexsort((*boxes.T[::-1], frames))
    return order


def rows_by_frame(frames: IntArray, order: IntArray, numbers: IntArray) -> list[IntArray]:
    """The rows of each frame of `numbers`, which rise; `order` is of all rows, by frame."""
    return np.split(order, np.searchsorted(frames[order], numbers[1:]))[: len(numbers)]
