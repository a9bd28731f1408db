"""What an evaluation says: shares from 0 to 1 and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackingScores:
    """How well tracks fit the truth, by TrackEval's definitions; larger shares are better.

    Truth that is to be ignored, and results on it, are in no number. HOTA, DetA, AssA and LocA are means over the IoU
    thresholds 0.05, 0.10, ..., 0.95; all the others are at IoU 0.5. Where there is no truth, or no result, shares are
    0, but LocA is 1 at every threshold at which nothing matches.

    Attributes:
        hota: higher-order tracking accuracy, the mean of sqrt(DetA * AssA).
        deta: detection accuracy, TP / (TP + FN + FP).
        assa: association accuracy: for each matched box, how far its two ids agree over everything that was seen.
        loca: mean IoU of matched boxes.
        idf1: boxes with the right identity, 2 IDTP / (truth boxes + result boxes), under the best one-to-one mapping.
        idp: IDTP / result boxes.
        idr: IDTP / truth boxes.
        mota: 1 - (FN + FP + IDSW) / truth boxes; at most 1, and below 0 where there are more errors than truth.
        idsw: matched boxes whose person was last matched with another id.
        fp: result boxes that match no truth.
        fn: truth boxes that match no result.
        tp: matched boxes; tp + fn is `truth_boxes`, tp + fp is `result_boxes`.
        truth_boxes: boxes of the truth that count.
        result_boxes: boxes of the results that count.
        truth_ids: people in `truth_boxes`.
        result_ids: identities in `result_boxes`.
    """

    hota: float
    deta: float
    assa: float
    loca: float
    idf1: float
    idp: float
    idr: float
    mota: float
    idsw: int
    fp: int
    fn: int
    tp: int
    truth_boxes: int
    result_boxes: int
    truth_ids: int
    result_ids: int


@dataclass(frozen=True, slots=True)
class RunScores:
    """The scores of a run.

    Attributes:
        cameras: each camera alone, by name.
        together: all cameras as one sequence with one identity mapping. MOTA and its parts know nothing of identities
            across cameras: they are the cameras' sums.
    """

    cameras: Mapping[str, TrackingScores]
    together: TrackingScores
