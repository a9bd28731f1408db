"""Which found box shows which true person: one to one, by overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from keyreid_stream.evaluation.boxes import iou
from keyreid_stream.structures import FloatArray, IntArray

LEAST_OVERLAP = 0.5
"""Boxes that overlap less (intersection over union) are not of the same person."""


def match_boxes(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> IntArray:
    """Pair boxes one to one, so that the overlaps of all pairs add up to the most.

    Args:
        boxes_xyxy: (N, 4) float32; boxes without area or with numbers that are not finite overlap nothing.
        others_xyxy: (M, 4) float32.

    Returns:
        (N,) int64, the row of each box's partner among the others; -1 for none.
    """
    overlap = iou(_finite(boxes_xyxy), _finite(others_xyxy))
    # Below the least overlap every pair counts nothing, so that a hopeless pair never costs another its match.
    overlap[overlap < LEAST_OVERLAP] = 0
    partners = np.full(len(boxes_xyxy), -1, np.int64)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    is_pair = overlap[rows, columns] > 0
    partners[rows[is_pair]] = columns[is_pair]
    return partners


def _finite(boxes_xyxy: FloatArray) -> NDArray[np.float64]:
    """Boxes in double precision; zeros, which overlap nothing, where a number is not finite."""
    boxes = boxes_xyxy.astype(np.float64)
    boxes[~np.isfinite(boxes).all(axis=1)] = 0
    return boxes
