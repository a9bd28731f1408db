"""A tracker that is fed the truth: it knows whom each detection shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keyreid_stream.oracle.matching import match_boxes
from keyreid_stream.oracle.people import true_people
from keyreid_stream.oracle.truth import Truth
from keyreid_stream.structures import Detections, FloatArray, Frame, Tracks

MAX_UNSEEN_S = 1.0
"""Who was not found for longer starts a new track: out of view for a moment is one track, gone and back is two."""

_ROUNDING_S = 1e-6


class OracleTracker:
    """One camera's `Tracker`: a track is a person, for as long as they are found.

    A detection is of the person whose visible box it overlaps best, one to one and by at least 0.5; detections of
    nobody get no track. A person who was not found for more than a second (for longer than a frame interval, where that
    is more) starts a new track; the old one has ended then. Track ids are 1, 2, 3, … in order of first appearance,
    never reused. Boxes are the detections'; nothing is smoothed or predicted.

    Args:
        truth: about the camera's frames.
        fps: the camera's nominal frames per second.
    """

    def __init__(self, truth: Truth, *, fps: float) -> None:
        self._truth = truth
        self._max_unseen_s = max(MAX_UNSEEN_S, 1 / fps) + _ROUNDING_S
        self._track_of: dict[int, int] = {}
        self._last_found_s: dict[int, float] = {}
        self._next_id = 1

    def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:  # noqa: ARG002
        """Advance by one frame; `appearance` is not looked at.

        Raises:
            InputError: the frame is of a camera that the truth does not know, or too old.
        """
        people = true_people(self._truth.at(frame.camera_id, frame.frame_index))
        partners = match_boxes(detections.boxes_xyxy, people.boxes_xyxy)
        ended = self._end_unseen(frame.timestamp_s)
        rows = np.flatnonzero(partners >= 0)
        track_ids = np.array(
            [self._find(int(person_id), frame.timestamp_s) for person_id in people.person_ids[partners[rows]]], np.int64
        )
        order = np.argsort(track_ids)
        rows = rows[order]
        return Tracks(track_ids[order], detections.boxes_xyxy[rows], detections.confidence[rows], rows, ended)

    def write_back(self, embeddings: Mapping[int, FloatArray]) -> None:
        """Nothing to do: the truth does not match by appearance."""

    def _find(self, person_id: int, now_s: float) -> int:
        """The person's track, from now on a new one if they have none."""
        self._last_found_s[person_id] = now_s
        if person_id not in self._track_of:
            self._track_of[person_id] = self._next_id
            self._next_id += 1
        return self._track_of[person_id]

    def _end_unseen(self, now_s: float) -> tuple[int, ...]:
        """Forget who was not found for too long; the ids of their tracks."""
        gone = [person for person, last_s in self._last_found_s.items() if now_s - last_s > self._max_unseen_s]
        for person_id in gone:
            del self._last_found_s[person_id]
        return tuple(sorted(self._track_of.pop(person_id) for person_id in gone))
