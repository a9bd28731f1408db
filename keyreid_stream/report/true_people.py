"""Who an identity truly is: the people of the truth that its boxes are on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from keyreid_stream.evaluation import ResultBoxes, TruthBoxes
from keyreid_stream.evaluation.boxes import iou
from keyreid_stream.evaluation.comparison import MATCH_IOU, compare
from keyreid_stream.sinks import BestCrop


def true_people(truth: Mapping[str, TruthBoxes], results: Mapping[str, ResultBoxes]) -> dict[int, Counter[int]]:
    """By identity, how many of its boxes, in all cameras, are on each person; identities on nobody are missing.

    A box is on a person if, in the frame's best one-to-one matching, their IoU is at least 0.5.

    Args:
        truth: what is true, by camera; an id is the same person in all of them.
        results: what was found, by camera; ids are identities.
    """
    seen: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for camera_id, boxes in results.items():
        for frame in compare(truth[camera_id], boxes).frames:
            close = np.where(frame.similarity >= MATCH_IOU, frame.similarity, 0)
            for row, column in zip(*linear_sum_assignment(close, maximize=True), strict=True):
                if close[row, column] > 0:
                    seen[int(frame.result_ids[column])][int(frame.truth_ids[row])] += 1
    return dict(sorted(seen.items()))


def person_in(crop: BestCrop, truth: TruthBoxes) -> int | None:
    """Who is in a crop of the camera that `truth` is of; None for nobody, or where boxes fit by less than half.

    Frames of the truth count from 1, as in MOT files.
    """
    rows = np.flatnonzero(truth.frames == crop.frame_index + 1)
    if not len(rows):
        return None
    overlap = iou(np.array([crop.box_xyxy]), truth.boxes_xyxy[rows])[0]
    return int(truth.ids[rows[overlap.argmax()]]) if overlap.max() >= MATCH_IOU else None
