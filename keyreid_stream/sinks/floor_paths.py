"""Where on the floor everybody walked, by the cameras' calibration."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.floor import floor_positions
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import CameraTick, IntArray, Tick, TrackKey


@dataclass(frozen=True, slots=True, eq=False)
class FloorPath:
    """The way of one tracklet, under the identity that it has in the end.

    Attributes:
        key: the track.
        identity_id: 0 if it never got one.
        times_s: (n,) when it was seen, on its camera's clock, rising.
        floor_xy: (n, 2) metres on the floor plan; NaN where its feet were not seen or lie beyond the horizon.
    """

    key: TrackKey
    identity_id: int
    times_s: NDArray[np.float64]
    floor_xy: NDArray[np.float64]


@dataclass(slots=True)
class _Sightings:
    frames: array[int] = field(default_factory=lambda: array("q"))
    times_s: array[float] = field(default_factory=lambda: array("d"))
    floor_xy: array[float] = field(default_factory=lambda: array("d"))


class FloorPathsSink:
    """Keeps, in memory, when every track was seen and where it stood: 32 bytes a sighting.

    For where somebody stands see `geometry.floor.floor_positions`.

    Args:
        cameras: the calibration of every camera that has one; tracks of others get times alone.
    """

    def __init__(self, cameras: Mapping[str, CameraCalibration]) -> None:
        self._cameras = dict(cameras)
        self._sightings: dict[TrackKey, _Sightings] = {}
        self._replay = IdentityReplay()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close; `paths` goes on to answer."""

    def write(self, tick: Tick) -> None:
        """Take the tick's tracks and events; tracks that the tracker only predicts are passed over.

        Raises:
            InputError: an event lacks what its kind needs.
        """
        for event in tick.events:
            self._replay.apply(event)
        for seen in tick.cameras:
            camera = self._cameras.get(seen.frame.camera_id)
            rows = np.flatnonzero(seen.tracks.detection_indices >= 0)
            for row, place in zip(rows.tolist(), _places(seen, rows, camera).tolist(), strict=True):
                key = TrackKey(seen.frame.camera_id, int(seen.tracks.track_ids[row]))
                sightings = self._sightings.setdefault(key, _Sightings())
                sightings.frames.append(seen.frame.frame_index)
                sightings.times_s.append(seen.frame.timestamp_s)
                sightings.floor_xy.extend(place)

    def paths(self) -> tuple[FloorPath, ...]:
        """Every tracklet's way so far, by camera, track and time."""
        return tuple(
            path for key, sightings in sorted(self._sightings.items()) for path in self._of_track(key, sightings)
        )

    def _of_track(self, key: TrackKey, sightings: _Sightings) -> Iterator[FloorPath]:
        times_s, floor_xy = np.array(sightings.times_s), np.array(sightings.floor_xy).reshape(-1, 2)
        identities = np.array([self._replay.identity_at(key, frame) or 0 for frame in sightings.frames], np.int64)
        for rows in np.split(np.arange(len(identities)), np.flatnonzero(np.diff(identities)) + 1):
            yield FloorPath(key, int(identities[rows[0]]), times_s[rows], floor_xy[rows])


def _places(seen: CameraTick, rows: IntArray, camera: CameraCalibration | None) -> NDArray[np.float64]:
    if camera is None:
        return np.full((len(rows), 2), np.nan)
    keypoints = seen.detections.keypoints
    of_rows = None if keypoints is None else keypoints[seen.tracks.detection_indices[rows]]
    return floor_positions(camera, seen.tracks.boxes_xyxy[rows], of_rows)
