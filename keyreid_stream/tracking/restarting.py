"""A camera's tracker over interruptions: what was followed before one is not matched to what comes after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keyreid_stream.interfaces import Tracker
from keyreid_stream.structures import Detections, FloatArray, Frame, Tracks


class RestartingTracker:
    """Starts a new tracker with every epoch of its camera, and after `end_all`; track ids go on counting.

    A tracker counts its patience in frames. To it, a camera that was away for a minute was away for one frame, and
    whoever now stands where somebody else stood would be taken for them.

    Args:
        make: makes a tracker for the same camera; the first one is made at once, so that bad settings are known early.
    """

    def __init__(self, make: Callable[[], Tracker]) -> None:
        self._make = make
        self._tracker: Tracker | None = make()
        self._epoch: int | None = None
        self._base = 0
        self._last_id = 0
        self._live: set[int] = set()

    def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:
        """See `Tracker.update`; with a new epoch, the tracks of the one before are among the ended."""
        broken_off: tuple[int, ...] = ()
        if self._epoch is not None and frame.epoch != self._epoch:
            broken_off = self.end_all()
        self._epoch = frame.epoch
        if self._tracker is None:
            self._tracker = self._make()
            self._base = self._last_id
        shown = self._numbered(self._tracker.update(frame, detections, appearance), broken_off)
        self._live.update(shown.track_ids.tolist())
        self._live.difference_update(shown.ended)
        self._last_id = max(self._last_id, *shown.track_ids.tolist(), *shown.ended, 0)
        return shown

    def write_back(self, embeddings: Mapping[int, FloatArray]) -> None:
        """See `Tracker.write_back`."""
        if self._tracker is not None:
            self._tracker.write_back({track_id - self._base: row for track_id, row in embeddings.items()})

    def end_all(self) -> tuple[int, ...]:
        """Give up all tracks, because the camera is gone; their ids. The next frame finds a new tracker."""
        ended = tuple(sorted(self._live))
        self._live.clear()
        self._tracker = None
        return ended

    def _numbered(self, shown: Tracks, broken_off: tuple[int, ...]) -> Tracks:
        if not self._base and not broken_off:
            return shown
        return Tracks(
            track_ids=shown.track_ids + self._base,
            boxes_xyxy=shown.boxes_xyxy,
            confidence=shown.confidence,
            detection_indices=shown.detection_indices,
            ended=(*broken_off, *(track_id + self._base for track_id in shown.ended)),
        )
