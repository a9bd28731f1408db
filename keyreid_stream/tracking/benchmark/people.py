"""Where a benchmark's detections come from: the truth, the data's public detections, or a detector of ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import PoseDetector
from keyreid_stream.structures import Detections, FloatArray, Frame
from keyreid_stream.tracking.benchmark.sequences import Sequences

_DETECTION_COLUMNS = 7
"""frame, id (-1), x, y, w, h, confidence; more are not looked at."""


class PeopleFinder(Protocol):
    """Says who is in a frame."""

    @property
    def words(self) -> str:
        """For tables and files: where the boxes come from."""
        ...

    def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:
        """The people of one frame.

        Args:
            sequence: its name.
            frame: number in it, from 1.
            boxmot_frame: BoxMOT's `Frame`, with the pixels.
        """
        ...


class TrueBoxes:
    """The people who count in the truth, each with confidence 1: what is left to a tracker is who is who."""

    def __init__(self, sequences: Sequences, min_visibility: float) -> None:
        """Read the truth.

        Args:
            sequences: whose.
            min_visibility: people of whom less can be seen are not detections; the evaluation counts them all the same.

        Raises:
            InputError: a file is damaged.
        """
        self.words = f"truth, people seen at least {100 * min_visibility:g} %"
        self._boxes: dict[str, Mapping[int, FloatArray]] = {}
        for name in sequences.names:
            truth = sequences.truth(name, min_visibility)
            rows = truth.counted
            self._boxes[name] = _by_frame(truth.frames[rows], truth.boxes_xyxy[rows].astype(np.float32))

    def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:  # noqa: ARG002
        """The true people of one frame; see `PeopleFinder.find`."""
        boxes = self._boxes[sequence].get(frame, np.zeros((0, 4), np.float32))
        return Detections(boxes, np.ones(len(boxes), np.float32))


class PublicBoxes:
    """The detections that come with MOTChallenge's sequences; confidences beyond 0 to 1 are clipped."""

    words = "public detections"

    def __init__(self, sequences: Sequences) -> None:
        """Read the files.

        Raises:
            InputError: a file is missing or damaged.
        """
        self._rows = {name: _read_detections(sequences.public_detections(name)) for name in sequences.names}

    def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:  # noqa: ARG002
        """The public detections of one frame; see `PeopleFinder.find`."""
        rows = self._rows[sequence].get(frame, np.zeros((0, 5), np.float32))
        return Detections(np.ascontiguousarray(rows[:, :4]), np.clip(rows[:, 4], 0, 1))


class DetectedPeople:
    """What a detector of ours finds, with keypoints if it has any."""

    def __init__(self, detector: PoseDetector, words: str) -> None:
        """Wrap a detector.

        Args:
            detector: it.
            words: what it is.
        """
        self.words = words
        self._detector = detector

    def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:
        """The people that the detector finds; see `PeopleFinder.find`."""
        image = np.ascontiguousarray(boxmot_frame.image.permute(1, 2, 0).numpy())
        (found,) = self._detector.detect([Frame(sequence, frame - 1, boxmot_frame.timestamp_s or 0.0, image)])
        return found


class RememberedDetections:
    """A BoxMOT `Detector` that asks a finder once per frame, so that every entrant gets the very same boxes."""

    def __init__(self, finder: PeopleFinder) -> None:
        """Ask this finder; boxes that nobody can use (no area, not finite) are left out."""
        from boxmot.detectors.protocols import DetectorCapabilities

        self.capabilities = DetectorCapabilities()
        self._finder = finder
        self._found: dict[str, Detections] = {}

    @property
    def boxes(self) -> int:
        """How many there are in the frames so far."""
        return sum(map(len, self._found.values()))

    @property
    def has_keypoints(self) -> bool:
        """Whether any frame so far has keypoints."""
        return any(found.keypoints is not None for found in self._found.values())

    def keypoints(self, sample_id: str) -> FloatArray | None:
        """(N, 17, 3) of a frame that was asked for; None if it has none."""
        return self._found[sample_id].keypoints

    def predict(self, frames: Any) -> list[Any]:
        """BoxMOT `Detections` of each BoxMOT `Frame`."""
        for frame in frames:
            if frame.sample_id not in self._found:
                found = self._finder.find(frame.sequence_id, frame.frame_index + 1, frame)
                self._found[frame.sample_id] = found.select(_usable(found))
        return [_boxmot_detections(frame.sample_id, self._found[frame.sample_id]) for frame in frames]


def _boxmot_detections(sample_id: str, found: Detections) -> Any:
    from boxmot.structures import Boxes
    from boxmot.structures import Detections as BoxmotDetections

    from keyreid_stream.tracking.benchmark.sequences import PEDESTRIAN

    return BoxmotDetections(
        geometry=Boxes(torch.from_numpy(np.ascontiguousarray(found.boxes_xyxy))),
        scores=torch.from_numpy(np.clip(found.confidence, 0.0, 1.0)),
        class_ids=torch.full((len(found),), PEDESTRIAN, dtype=torch.int64),
        sample_id=sample_id,
    )


def _usable(found: Detections) -> np.ndarray:
    boxes = found.boxes_xyxy
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(found.confidence)
    usable: np.ndarray = finite & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return usable


def _by_frame(frames: np.ndarray, rows: FloatArray) -> Mapping[int, FloatArray]:
    grouped: defaultdict[int, list[FloatArray]] = defaultdict(list)
    for frame, row in zip(frames.tolist(), rows, strict=True):
        grouped[int(frame)].append(row)
    return {frame: np.stack(found) for frame, found in grouped.items()}


def _read_detections(path: Path) -> Mapping[int, FloatArray]:
    """(n, 5) x1, y1, x2, y2, confidence, by frame; ids are -1 here, so these are no rows of tracks."""
    if not path.is_file():
        raise InputError(f"no public detections {path}; take the truth's boxes or a detector's instead")
    rows = []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        if line.strip():
            rows.append(_detection(path, number, line))
    values = np.array(rows, np.float64).reshape(len(rows), _DETECTION_COLUMNS)
    boxes = np.concatenate([values[:, 2:4], values[:, 2:4] + values[:, 4:6], values[:, 6:7]], axis=1)
    return _by_frame(values[:, 0].astype(np.int64), boxes.astype(np.float32))


def _detection(path: Path, number: int, line: str) -> list[float]:
    try:
        row = [float(cell) for cell in line.split(",")[:_DETECTION_COLUMNS]]
    except ValueError:
        row = []
    if len(row) != _DETECTION_COLUMNS or not np.isfinite(row).all() or row[0] < 1:
        raise InputError(
            f"{path}, line {number} is no detection: {line[:60]!r}; allowed: frame,-1,x,y,w,h,confidence with frames "
            "from 1; mend the line"
        )
    return row
