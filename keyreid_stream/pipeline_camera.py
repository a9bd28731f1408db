"""What the pipeline remembers of one camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from keyreid_stream.interfaces import LiveSource, Source, Tracker
from keyreid_stream.structures import FloatArray, Frame, TrackKey
from keyreid_stream.tracking import EncodingPlan, RestartingTracker

SILENT_AFTER_S = 5.0
"""Tracks of a live camera that gave nothing for so long have ended; who is there when it comes back starts anew."""


class PipelineCamera:
    """A camera's tracker, and what is known of its live tracks. It stands in for its source, to notice when that ends.

    Args:
        source: the camera.
        make_tracker: makes its tracker; once more after every interruption.
        plan: of what to encode.

    Attributes:
        tracker: the camera's own.
        plan: which of its people have to be encoded.
        encoded, reused: sightings so far that were encoded, and those that a track's own appearance stood in for.
        live: ids of its tracks that have not ended.
        global_parts: the newest clip's global part of each live track that has one.
        qualities: that of the newest crop of each live track that has one.
        source: the camera itself; another one of the same name after `come_back`.
        last_s: time of its newest frame; None before the first.
    """

    def __init__(self, source: Source, make_tracker: Callable[[Source], Tracker], plan: EncodingPlan) -> None:
        self.camera_id = source.camera_id
        self.fps = source.fps
        self.tracker = RestartingTracker(lambda: make_tracker(source))
        self.plan = plan
        self.live: set[int] = set()
        self.global_parts: dict[int, FloatArray] = {}
        self.qualities: dict[int, float] = {}
        self.encoded = self.reused = 0
        self.source = source
        self._live_source: LiveSource | None = source if isinstance(source, LiveSource) else None
        self.last_s: float | None = None
        self._is_through = False
        self._first_frame = 0
        self._next_frame = 0

    def frames(self) -> Iterator[Frame]:
        """The source's frames."""
        yield from self.source.frames()
        self._is_through = True

    @property
    def has_ended(self) -> bool:
        """Whether no frame will come any more."""
        return self._is_through or (self._live_source is not None and self._live_source.has_ended)

    def come_back(self, source: LiveSource) -> None:
        """Go on with another source of the same name, which counts its frames from 0."""
        self.source = self._live_source = source
        self._first_frame = self._next_frame

    def numbered(self, frame: Frame) -> Frame:
        """Note the newest frame, and number it on from the frames of sources before this one."""
        if self._first_frame:
            frame = replace(frame, frame_index=self._first_frame + frame.frame_index)
        self._next_frame = frame.frame_index + 1
        self.last_s = frame.timestamp_s
        return frame

    def is_silent(self, now_s: float) -> bool:
        """Whether a live camera has given nothing for so long that its tracks are over."""
        return self.last_s is not None and now_s - self.last_s > SILENT_AFTER_S

    def end_all(self) -> list[TrackKey]:
        """Give up all its tracks; they are still to be forgotten with `forget`."""
        self.tracker.end_all()
        return [TrackKey(self.camera_id, track_id) for track_id in sorted(self.live)]

    def forget(self, track_id: int) -> None:
        """A track has ended."""
        self.live.discard(track_id)
        self.global_parts.pop(track_id, None)
        self.qualities.pop(track_id, None)
        self.plan.forget([track_id])
