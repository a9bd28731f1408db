"""Where everybody stands on a site's floor, tick by tick, by the cameras' calibrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration, Points
from keyreid_stream.geometry.calibrations import check_calibrations, check_resolution
from keyreid_stream.geometry.floor import floor_positions
from keyreid_stream.geometry.monitor import CalibrationFault, CalibrationMonitor
from keyreid_stream.structures import Detections, Frame

JUDGED_EVERY_S = 30.0
"""How often calibrations are held against each other; it costs some ten milliseconds per camera."""


@dataclass(frozen=True, slots=True)
class SizeFault:
    """A live camera that gives frames of another size than it was calibrated at.

    Attributes:
        cameras: its name.
        reason: both sizes, and what to do.
    """

    cameras: tuple[str]
    reason: str

    def __str__(self) -> str:
        return f"{self.reason}; until then nobody it sees is placed on the floor"


class SiteGeometry:
    """Finds people's places on the floor, and stops using calibrations that turn out to be wrong.

    Args:
        calibrations: by camera id; cameras without one are fine.
        cameras: the cameras of the run.
        live: whether frames of another size than the calibrated one are a fault of their camera, which is without
            places from then on: a live camera may change its size at any time, and the run goes on.

    Attributes:
        faults: calibrations that were found to be wrong, in the order in which they were; their cameras have been
            without places since.

    Raises:
        InputError: see `check_calibrations`.
    """

    def __init__(
        self, calibrations: Mapping[str, CameraCalibration], cameras: Sequence[str], *, live: bool = False
    ) -> None:
        check_calibrations(calibrations, cameras)
        self.faults: list[CalibrationFault | SizeFault] = []
        self._live = live
        self._used = {camera_id: calibrations[camera_id] for camera_id in cameras if camera_id in calibrations}
        self._monitor = CalibrationMonitor(self._used)
        self._judged_s: float | None = None

    @property
    def cameras(self) -> tuple[str, ...]:
        """Cameras whose people are given places now."""
        return tuple(self._used)

    @property
    def calibrations(self) -> Mapping[str, CameraCalibration]:
        """What is used now, by camera id."""
        return self._used

    def locate(self, timestamp_s: float, frames: Sequence[Frame], detections: Sequence[Detections]) -> list[Points]:
        """Where the people of one tick stand.

        Args:
            timestamp_s: of the tick.
            frames: at most one of each camera.
            detections: the people of each frame.

        Returns:
            For each frame (N, 2) metres, NaN where nothing is known; see `floor_positions`.

        Raises:
            InputError: a frame has another size than its camera was calibrated at, and the cameras are not live.
        """
        if self._live:
            self._drop_other_sizes(frames)
        seen = {
            frame.camera_id: self._places(self._used[frame.camera_id], frame, found)
            for frame, found in zip(frames, detections, strict=True)
            if frame.camera_id in self._used
        }
        self._monitor.observe(timestamp_s, seen)
        if self._judged_s is None:
            self._judged_s = timestamp_s
        elif timestamp_s - self._judged_s >= JUDGED_EVERY_S:
            self._judged_s = timestamp_s
            self._judge()
        return [
            seen[frame.camera_id] if frame.camera_id in self._used else np.full((len(found), 2), np.nan)
            for frame, found in zip(frames, detections, strict=True)
        ]

    def _places(self, calibration: CameraCalibration, frame: Frame, found: Detections) -> Points:
        check_resolution(calibration, frame.image.shape[1], frame.image.shape[0])
        return floor_positions(calibration, found.boxes_xyxy, found.keypoints)

    def _drop_other_sizes(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            if (calibration := self._used.get(frame.camera_id)) is None:
                continue
            try:
                check_resolution(calibration, frame.image.shape[1], frame.image.shape[0])
            except InputError as error:
                self._drop([SizeFault((frame.camera_id,), str(error))])

    def _judge(self) -> None:
        if new := self._monitor.faults():
            self._drop(new)

    def _drop(self, new: Sequence[CalibrationFault | SizeFault]) -> None:
        self.faults += new
        wrong = {camera_id for fault in new for camera_id in fault.cameras}
        self._used = {camera_id: one for camera_id, one in self._used.items() if camera_id not in wrong}
        # What the wrong ones said must not be held against the others.
        self._monitor = CalibrationMonitor(self._used)
