"""TrackEval's metrics on comparisons held in memory; the only module that knows TrackEval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from trackeval.metrics import CLEAR, HOTA, Identity

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.comparison import MATCH_IOU, Comparison, FramePair
from keyreid_stream.evaluation.scores import RunScores, TrackingScores
from keyreid_stream.structures import IntArray

MOST_IDS = 10_000
"""People and identities of a run, together: TrackEval's tables grow with their square, to 4 GB at this number."""

_AT_MATCH_IOU = {"THRESHOLD": MATCH_IOU, "PRINT_CONFIG": False}


def score_comparisons(cameras: Mapping[str, Comparison], *, shared_ids: bool = True) -> RunScores:
    """Score every camera alone and all of them together.

    Identities and people across cameras are compared on the cameras' frames as one sequence. CLEAR's counts depend on
    which frame comes before which, and between cameras there is no such order: they are summed over the cameras.

    Args:
        cameras: the comparison of each camera.
        shared_ids: an id means the same in all cameras; else everyone together are the cameras' people side by side.

    Raises:
        InputError: there are more than `MOST_IDS` ids.
    """
    names = sorted(cameras)
    one_after_the_other = Comparison.joined if shared_ids else Comparison.apart
    joined = _data(one_after_the_other(cameras[name] for name in names).frames)
    if (ids := joined["num_gt_ids"] + joined["num_tracker_ids"]) > MOST_IDS:
        raise InputError(f"truth and results have {ids} ids together; {MOST_IDS} is the most: score shorter pieces")
    data = {name: _data(cameras[name].frames) for name in names}
    clear = CLEAR(dict(_AT_MATCH_IOU))
    clears = {name: clear.eval_sequence(data[name]) for name in names}
    return RunScores(
        cameras={name: _scores(data[name], clears[name]) for name in names},
        together=_scores(joined, clear.combine_sequences(clears)),
    )


def _scores(data: dict[str, Any], clear: Mapping[str, Any]) -> TrackingScores:
    hota = HOTA().eval_sequence(data)
    identity = Identity(dict(_AT_MATCH_IOU)).eval_sequence(data)
    return TrackingScores(
        **{name.lower(): float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA", "LocA")},
        **{name.lower(): float(identity[name]) for name in ("IDF1", "IDP", "IDR")},
        mota=float(clear["MOTA"]),
        idsw=int(clear["IDSW"]),
        fp=int(clear["CLR_FP"]),
        fn=int(clear["CLR_FN"]),
        tp=int(clear["CLR_TP"]),
        truth_boxes=data["num_gt_dets"],
        result_boxes=data["num_tracker_dets"],
        truth_ids=data["num_gt_ids"],
        result_ids=data["num_tracker_ids"],
    )


def _data(frames: tuple[FramePair, ...]) -> dict[str, Any]:
    """A sequence as TrackEval's metrics take it: ids counted from 0 without gaps."""
    truth_ids, people = _counted_from_0([frame.truth_ids for frame in frames])
    result_ids, identities = _counted_from_0([frame.result_ids for frame in frames])
    return {
        "num_timesteps": len(frames),
        "num_gt_ids": people,
        "num_tracker_ids": identities,
        "num_gt_dets": sum(map(len, truth_ids)),
        "num_tracker_dets": sum(map(len, result_ids)),
        "gt_ids": truth_ids,
        "tracker_ids": result_ids,
        "similarity_scores": [frame.similarity for frame in frames],
    }


def _counted_from_0(ids: list[IntArray]) -> tuple[list[NDArray[np.intp]], int]:
    if not ids:
        return [], 0
    known, renamed = np.unique(np.concatenate(ids), return_inverse=True)
    return np.split(renamed, np.cumsum([len(part) for part in ids])[:-1]), len(known)
