"""Where the people of one picture stand, beside its tracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.floor import floor_positions
from keyreid_stream.structures import CameraTick


def floor_places(seen: CameraTick, calibration: CameraCalibration | None) -> NDArray[np.float64] | None:
    """(K, 2) metres on the floor, rows of NaN where the feet are not seen or the tracker only predicts.

    None without a calibration, or for a picture of another size than it is for.
    """
    if calibration is None or seen.frame.image.shape[:2] != (calibration.height, calibration.width):
        return None
    shown = np.flatnonzero(seen.tracks.detection_indices >= 0)
    keypoints = seen.detections.keypoints
    of_shown = None if keypoints is None else keypoints[seen.tracks.detection_indices[shown]]
    places = np.full((len(seen.tracks), 2), np.nan)
    places[shown] = floor_positions(calibration, seen.tracks.boxes_xyxy[shown], of_shown)
    return places
