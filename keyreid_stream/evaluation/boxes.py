"""Boxes with ids over the frames of one camera, as results and as truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.structures import IntArray

BoxArray = NDArray[np.float64]
"""Boxes are compared in double precision, as the reference tools do; thresholds on IoU are sharp."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ResultBoxes:
    """N boxes that a tracker found, in any order.

    Attributes:
        frames: (N,) int64, the frame of each box; any numbering, the same as the truth's.
        ids: (N,) int64, identities; one has at most one box in a frame.
        boxes_xyxy: (N, 4) float64, pixels.

    Raises:
        InputError: lengths or types do not fit, a box is not finite or turned inside out, or an id is twice in a frame.
    """

    frames: IntArray
    ids: IntArray
    boxes_xyxy: BoxArray

    def __post_init__(self) -> None:
        _check(self.frames, self.ids, self.boxes_xyxy)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls) -> ResultBoxes:
        """A camera in which nobody was found."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))


@dataclass(frozen=True, slots=True, eq=False)
class TruthBoxes:
    """N boxes that are true, in any order.

    Attributes:
        frames: (N,) int64, the frame of each box.
        ids: (N,) int64, people; one has at most one box in a frame.
        boxes_xyxy: (N, 4) float64, pixels.
        counted: (N,) bool, people who must be found.
        ignored: (N,) bool, what may be found or missed: a result on it does not count. What is neither counted nor
            ignored (other objects) must not be found: a result on it is false.

    Raises:
        InputError: as for `ResultBoxes`, or a box is both counted and ignored.
    """

    frames: IntArray
    ids: IntArray
    boxes_xyxy: BoxArray
    counted: BoolArray
    ignored: BoolArray

    def __post_init__(self) -> None:
        _check(self.frames, self.ids, self.boxes_xyxy)
        for name, flags in (("counted", self.counted), ("ignored", self.ignored)):
            if flags.shape != (len(self),) or flags.dtype != np.bool_:
                raise InputError(f"{name} is {flags.dtype} {flags.shape}; give one bool for each of {len(self)} boxes")
        if (self.counted & self.ignored).any():
            raise InputError("a box of the truth is both counted and ignored; choose one")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def all_counted(cls, frames: IntArray, ids: IntArray, boxes_xyxy: BoxArray) -> TruthBoxes:
        """Truth in which every box is a person who must be found."""
        return cls(frames, ids, boxes_xyxy, np.ones(len(ids), np.bool_), np.zeros(len(ids), np.bool_))


def iou(boxes_a: BoxArray, boxes_b: BoxArray) -> NDArray[np.float64]:
    """Intersection over union of every pair of boxes.

    Args:
        boxes_a: (A, 4), x1, y1, x2, y2.
        boxes_b: (B, 4), x1, y1, x2, y2.

    Returns:
        (A, B), 0 to 1; boxes without area overlap nothing.
    """
    upper_left = np.maximum(boxes_a[:, None, :2], boxes_b[None, :, :2])
    lower_right = np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:])
    shared = np.prod(np.maximum(lower_right - upper_left, 0), axis=2)
    union = _area(boxes_a)[:, None] + _area(boxes_b)[None, :] - shared
    overlap: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=(shared > 0) & (union > 0))
    return overlap


def _area(boxes: BoxArray) -> NDArray[np.float64]:
    area: NDArray[np.float64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def _check(frames: IntArray, ids: IntArray, boxes: BoxArray) -> None:
    count = len(ids)
    for name, array in (("frames", frames), ("ids", ids)):
        if array.shape != (count,) or array.dtype != np.int64:
            raise InputError(f"{name} is {array.dtype} {array.shape}; give one int64 for each of {count} boxes")
    if boxes.shape != (count, 4) or boxes.dtype != np.float64:
        raise InputError(f"boxes_xyxy is {boxes.dtype} {boxes.shape}; give float64 of shape ({count}, 4)")
    if not np.isfinite(boxes).all():
        raise InputError("boxes_xyxy holds NaN or infinity; leave such boxes out")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise InputError("boxes_xyxy holds a box whose right or lower edge comes first; give x1, y1, x2, y2")
    pairs, counts = np.unique(np.stack([frames, ids], axis=1), axis=0, return_counts=True)
    if (counts > 1).any():
        frame, id_ = pairs[counts > 1][0]
        raise InputError(f"id {id_} is twice in frame {frame}; an identity has at most one box in a frame")
