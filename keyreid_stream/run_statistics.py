"""Counts of a run, kept as its ticks go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from keyreid_stream.sinks.identity_counts import IdentityCounts
from keyreid_stream.structures import CameraTick, Tick


@dataclass(slots=True)
class CameraStatistics:
    """One camera's counts so far; `people_now` is of its newest frame."""

    camera_id: str
    frames: int = 0
    detections: int = 0
    tracks: int = 0
    people_now: int = 0
    last_timestamp_s: float = 0.0
    _live_tracks: set[int] = field(default_factory=set)
    _seen: IdentityCounts = field(default_factory=IdentityCounts)

    def add(self, seen: CameraTick) -> None:
        """Count one frame."""
        self.frames += 1
        self.detections += len(seen.detections)
        self.people_now = len(seen.tracks)
        shown = {int(track_id) for track_id in seen.tracks.track_ids}
        self.tracks += len(shown - self._live_tracks)
        self._live_tracks = (self._live_tracks | shown) - set(seen.tracks.ended)
        self.last_timestamp_s = seen.frame.timestamp_s

    @property
    def identities(self) -> set[int]:
        """Whom this camera saw, as far as is known now: who was merged into another is not counted twice."""
        return self._seen.identities(self.camera_id)


class RunStatistics:
    """A whole run's counts; a sink that counts what it is given.

    Attributes:
        ticks: steps of the pipeline.
        events: decisions by kind.
        cameras: counts per camera, in the cameras' order.
    """

    def __init__(self, camera_ids: Sequence[str]) -> None:
        self.ticks = 0
        self.events: Counter[str] = Counter()
        self._seen = IdentityCounts()
        self.cameras = {camera_id: CameraStatistics(camera_id, _seen=self._seen) for camera_id in camera_ids}

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close."""

    def write(self, tick: Tick) -> None:
        """Count one tick."""
        self.ticks += 1
        for camera_id in tick.joined:
            self.cameras.setdefault(camera_id, CameraStatistics(camera_id, _seen=self._seen))
        self.events.update(event.kind for event in tick.events)
        for event in tick.events:
            self._seen.apply(event)
        for seen in tick.cameras:
            self.cameras[seen.frame.camera_id].add(seen)

    @property
    def frames(self) -> int:
        """Frames of all cameras."""
        return sum(camera.frames for camera in self.cameras.values())

    @property
    def identities(self) -> set[int]:
        """Whom any camera saw, as far as is known now."""
        return self._seen.identities()
