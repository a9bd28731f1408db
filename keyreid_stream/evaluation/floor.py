"""Tracks on the floor of a site: points in metres in the place of boxes in pixels, all cameras at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import BoolArray, ResultBoxes
from keyreid_stream.evaluation.comparison import Comparison, FramePair, results_that_count, rows_by_frame
from keyreid_stream.evaluation.scores import TrackingScores
from keyreid_stream.evaluation.trackeval_metrics import score_comparisons
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.floor import floor_positions
from keyreid_stream.structures import IntArray

RADIUS_M = 1.0
"""Within which a result is on a person: what is usual on WILDTRACK and MultiviewX, and in MOTChallenge's 3D of 2015."""

PointArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FloorPoints:
    """N places on the floor, in any order.

    Attributes:
        frames: (N,) int64, from 0; one moment for all cameras.
        ids: (N,) int64, people or identities; one has at most one place in a frame.
        xy_m: (N, 2) float64, metres.

    Raises:
        InputError: lengths or types do not fit, a place is not finite, or an id is twice in a frame.
    """

    frames: IntArray
    ids: IntArray
    xy_m: PointArray

    def __post_init__(self) -> None:
        count = len(self.ids)
        for name, array in (("frames", self.frames), ("ids", self.ids)):
            if array.shape != (count,) or array.dtype != np.int64:
                raise InputError(f"{name} is {array.dtype} {array.shape}; give one int64 for each of {count} places")
        if self.xy_m.shape != (count, 2) or self.xy_m.dtype != np.float64:
            raise InputError(f"xy_m is {self.xy_m.dtype} {self.xy_m.shape}; give float64 of shape ({count}, 2)")
        if not np.isfinite(self.xy_m).all():
            raise InputError("xy_m holds NaN or infinity; leave such places out")
        pairs, counts = np.unique(np.stack([self.frames, self.ids], axis=1), axis=0, return_counts=True)
        if (counts > 1).any():
            frame, id_ = pairs[counts > 1][0]
            raise InputError(f"id {id_} is twice in frame {frame}; an identity has at most one place in a frame")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def averaged(cls, frames: IntArray, ids: IntArray, xy_m: PointArray) -> FloorPoints:
        """Places of which several cameras may each give one: an id's places in a frame become their mean."""
        pairs, rows = np.unique(np.stack([frames, ids], axis=1), axis=0, return_inverse=True)
        sums = np.zeros((len(pairs), 2))
        np.add.at(sums, rows.reshape(-1), xy_m)
        seen = np.bincount(rows.reshape(-1), minlength=len(pairs))
        return cls(pairs[:, 0].copy(), pairs[:, 1].copy(), sums / seen[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class FloorTruth:
    """Where people truly are.

    Attributes:
        points: all that are known.
        counted: (N,) bool, those who must be found; the others may be found or missed.
        length: how many frames there are; None where that is not known.

    Raises:
        InputError: there is not one flag for each point, nobody counts, or a point is after the last frame.
    """

    points: FloorPoints
    counted: BoolArray
    length: int | None = None

    def __post_init__(self) -> None:
        if self.counted.shape != (len(self.points),) or self.counted.dtype != np.bool_:
            raise InputError(f"counted is {self.counted.dtype} {self.counted.shape}; give a bool for each place")
        if not self.counted.any():
            raise InputError("nobody in the truth is to be found on the floor; give truth with people in it")
        if self.length is not None and self.points.frames.max() >= self.length:
            raise InputError(
                f"the truth has places in frame {self.points.frames.max()}, after its {self.length} frames"
            )

    @classmethod
    def all_counted(cls, points: FloorPoints, length: int | None = None) -> FloorTruth:
        """Truth in which everybody must be found."""
        return cls(points, np.ones(len(points), np.bool_), length)


def score_floor(truth: FloorTruth, results: FloorPoints, *, radius_m: float = RADIUS_M) -> TrackingScores:
    """Score places against true places.

    The similarity of two places d metres apart is 1 - d / (2 radius), at least 0, so that 0.5 is the radius: within it
    a result is on a person for IDF1 and MOTA. HOTA is the mean over similarities of 0.05 to 0.95, from distances of
    1.9 to 0.1 radii, and LocA a mean similarity.

    Args:
        truth: who is where.
        results: who was found where.
        radius_m: metres, above 0.

    Raises:
        InputError: the radius is none, results are of frames before or after the truth's, or there are too many ids.
    """
    if not (np.isfinite(radius_m) and radius_m > 0):
        raise InputError(f"radius_m is {radius_m}; give metres above 0")
    if len(results) and (wrong := _outside(results.frames, truth.length)) is not None:
        allowed = "from 0" if truth.length is None else f"0 to {truth.length - 1}, in the order of the truth's frames"
        raise InputError(f"results have frame {wrong}; allowed: {allowed}; count frames as the truth does")
    return score_comparisons({"floor": _compare(truth, results, radius_m)}).together


def floor_points(
    tracks: Mapping[str, ResultBoxes], calibrations: Mapping[str, CameraCalibration], first_frame: int = 1
) -> FloorPoints:
    """Where on the floor the tracks of a run's cameras are.

    A box stands where `geometry.floor_positions` puts the middle of its lower edge; a box that it puts nowhere is left
    out. Where several cameras see an identity in the same frame, its place is the mean.

    Args:
        tracks: the cameras' boxes, with ids that mean the same in all of them.
        calibrations: of the cameras, by name.
        first_frame: the number of the first frame in `tracks`: 1 in MOT files.

    Raises:
        InputError: a camera with tracks has no calibration.
    """
    if missing := sorted(name for name, boxes in tracks.items() if len(boxes) and name not in calibrations):
        raise InputError(
            f"there is no calibration of {', '.join(missing)}, only of {', '.join(sorted(calibrations)) or 'nothing'};"
            " name cameras alike or add theirs"
        )
    parts = [(boxes, calibrations[name]) for name, boxes in sorted(tracks.items()) if len(boxes)]
    frames = np.concatenate([np.zeros(0, np.int64), *(boxes.frames - first_frame for boxes, _ in parts)])
    ids = np.concatenate([np.zeros(0, np.int64), *(boxes.ids for boxes, _ in parts)])
    places = [floor_positions(calibration, boxes.boxes_xyxy.astype(np.float32)) for boxes, calibration in parts]
    xy_m = np.concatenate([np.zeros((0, 2)), *places])
    known = np.isfinite(xy_m).all(axis=1)
    return FloorPoints.averaged(frames[known], ids[known], xy_m[known])


def _compare(truth: FloorTruth, results: FloorPoints, radius_m: float) -> Comparison:
    numbers = np.union1d(truth.points.frames, results.frames)
    true_rows, found_rows = (
        rows_by_frame(points.frames, np.lexsort((*points.xy_m.T[::-1], points.frames)), numbers)
        for points in (truth.points, results)
    )
    pairs = (_pair(truth, results, own, found, radius_m) for own, found in zip(true_rows, found_rows, strict=True))
    return Comparison(tuple(pair for pair in pairs if len(pair.truth_ids) or len(pair.result_ids)))


def _pair(truth: FloorTruth, results: FloorPoints, own: IntArray, found: IntArray, radius_m: float) -> FramePair:
    distances = np.linalg.norm(truth.points.xy_m[own][:, None] - results.xy_m[found][None], axis=2)
    similarity = np.maximum(0, 1 - distances / (2 * radius_m))
    counted = truth.counted[own]
    kept = results_that_count(similarity, ~counted)
    return FramePair(truth.points.ids[own[counted]], results.ids[found[kept]], similarity[counted][:, kept])


def _outside(frames: IntArray, length: int | None) -> int | None:
    """The first frame that the truth does not have."""
    wrong = frames[(frames < 0) | (frames >= (length if length is not None else np.iinfo(np.int64).max))]
    return int(wrong.min()) if len(wrong) else None
