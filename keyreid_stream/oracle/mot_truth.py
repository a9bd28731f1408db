"""Cameras whose truth is in files: recordings with MOTChallenge ground truth, for oracles to take from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import TruthBoxes
from keyreid_stream.interfaces import Source
from keyreid_stream.structures import COCO_KEYPOINTS, Frame, IntArray
from keyreid_stream.world.truth import MIN_VISIBLE_PIXELS, FrameTruth


class RecordedTruthSource:
    """A camera, and what files say is true about its frames: the people who count, and their boxes.

    Files know no keypoints: all are as if outside the picture. Everyone who counts shows enough to be found.

    Args:
        source: the camera.
        truth: about it; frames count from 1.
        site: what all cameras share in which a number means the same person.
    """

    def __init__(self, source: Source, truth: TruthBoxes, site: object) -> None:
        self._source = source
        self._truth = truth
        self._site = site
        rows = np.flatnonzero(truth.counted)
        rows = rows[np.lexsort((truth.ids[rows], truth.frames[rows]))]
        self._rows, self._frames = rows, truth.frames[rows]

    @property
    def camera_id(self) -> str:
        """The camera's name."""
        return self._source.camera_id

    @property
    def fps(self) -> float:
        """Nominal frames per second."""
        return self._source.fps

    @property
    def corrupt_frames(self) -> int | None:
        """Frames that could not be decoded so far; None for a camera that does not count them."""
        return getattr(self._source, "corrupt_frames", None)

    @property
    def repaired_timestamps(self) -> int | None:
        """Timestamps that had to be mended so far; None for a camera that does not count them."""
        return getattr(self._source, "repaired_timestamps", None)

    @property
    def world(self) -> object:
        """What the cameras share."""
        return self._site

    @property
    def keeps_truth(self) -> bool:
        """Always."""
        return True

    def frames(self) -> Iterator[Frame]:
        """The camera's frames."""
        return self._source.frames()

    def truth_at(self, frame_index: int) -> FrameTruth:
        """What the files say of a frame, counted from 0; nobody where they say nothing."""
        start, end = np.searchsorted(self._frames, [frame_index + 1, frame_index + 2])
        return _frame_truth(self._truth, self._rows[start:end], frame_index / self.fps)


def with_recorded_truth(sources: Sequence[Source], truth: Mapping[str, TruthBoxes]) -> list[RecordedTruthSource]:
    """The cameras of one site with their truth, in their order.

    Raises:
        InputError: a camera has no truth, or there is truth of a camera that is not among them.
    """
    names = [source.camera_id for source in sources]
    if strange := sorted(set(names) ^ set(truth)):
        raise InputError(
            f"cameras are {', '.join(names)} and the truth is of {', '.join(sorted(truth))}; {', '.join(strange)} "
            "has no counterpart: name cameras as the truth does (NAME=PATH)"
        )
    site = object()
    return [RecordedTruthSource(source, truth[source.camera_id], site) for source in sources]


def _frame_truth(truth: TruthBoxes, rows: IntArray, time_s: float) -> FrameTruth:
    boxes = truth.boxes_xyxy[rows].astype(np.float32)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    pixels = np.maximum(area, MIN_VISIBLE_PIXELS).astype(np.int64)
    count = len(rows)
    return FrameTruth(
        time_s=time_s,
        person_ids=truth.ids[rows],
        boxes_xyxy=boxes,
        visible_boxes_xyxy=boxes,
        keypoints=np.zeros((count, COCO_KEYPOINTS, 3), np.float32),
        visible_pixels=pixels,
        silhouette_pixels=pixels,
        occlusion=np.zeros(count, np.float32),
        floor_xy=np.full((count, 2), np.nan),
        heading_rad=np.full(count, np.nan),
        actions=("walking",) * count,
    )
