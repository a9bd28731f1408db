"""Where people stand, from one picture and its camera's calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.geometry.calibration import CameraCalibration, Points
from keyreid_stream.structures import FloatArray

ANKLE_HEIGHT_M = 0.09
"""Of the ankle joint over the floor."""

MIN_ANKLE_CONFIDENCE = 0.5
"""Below, an ankle is a guess: COCO detectors give hidden joints a place too."""

EDGE_PX = 2.0
"""A box that comes this near to the picture's lower edge may go on below it."""

MAX_METRES_PER_PIXEL = 0.2
"""Beyond, a detector's usual error of a few pixels moves a person by more than they are apart."""

_ANKLES = slice(15, 17)


def floor_positions(
    calibration: CameraCalibration, boxes_xyxy: FloatArray, keypoints: FloatArray | None = None
) -> Points:
    """Where on the floor people stand.

    Between the ankles where both are seen; else where the middle of the box's lower edge meets the floor. Nowhere,
    if the box touches the picture's lower edge, if there are keypoints and no ankle is seen (what hides the feet ends
    the box), or if the floor there is seen too coarsely or not at all.

    Args:
        calibration: of the camera.
        boxes_xyxy: (N, 4) pixels of a frame of the calibrated size; corners lie on pixels' edges.
        keypoints: (N, 17, 3) float32, x, y (from the centre of the upper left pixel) and confidence, COCO order; None
            where the detector finds none.

    Returns:
        (N, 2) metres on the site's floor, NaN for nowhere.
    """
    boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4)
    by_box = np.ones(len(boxes), bool)
    by_ankles = np.zeros(len(boxes), bool)
    places = np.full((len(boxes), 2), np.nan)
    if keypoints is not None:
        ankles = np.asarray(keypoints, float)[:, _ANKLES]
        seen = (ankles[..., 2] >= MIN_ANKLE_CONFIDENCE) & _inside(ankles[..., :2], calibration)
        by_ankles = seen[:, 0] & seen[:, 1]
        by_box = seen[:, 0] ^ seen[:, 1]
        between = _places(calibration, ankles[by_ankles, :, :2].reshape(-1, 2), ANKLE_HEIGHT_M)
        places[by_ankles] = between.reshape(-1, 2, 2).mean(axis=1)
    # A box ends on pixels' edges, calibration counts from their centres.
    feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1) - 0.5
    with np.errstate(invalid="ignore"):
        by_box &= boxes[:, 3] <= calibration.height - EDGE_PX
    places[by_box] = _places(calibration, feet[by_box], 0.0)
    return places


def floor_position(
    calibration: CameraCalibration, box_xyxy: FloatArray, keypoints: FloatArray | None = None
) -> tuple[float, float] | None:
    """Where one person stands, metres; None for nowhere. Arguments as in `floor_positions`, without N."""
    x, y = floor_positions(calibration, box_xyxy[None], None if keypoints is None else keypoints[None])[0].tolist()
    return (x, y) if np.isfinite([x, y]).all() else None


def _places(calibration: CameraCalibration, pixels: Points, height_m: float) -> Points:
    places, coarseness = calibration.floor_points(pixels, height_m=height_m)
    with np.errstate(invalid="ignore"):
        places[~(coarseness <= MAX_METRES_PER_PIXEL)] = np.nan
    return places


def _inside(pixels: Points, calibration: CameraCalibration) -> NDArray[np.bool_]:
    """Which pixels (..., 2) the picture has."""
    with np.errstate(invalid="ignore"):
        inside = (pixels >= -0.5) & (pixels < np.array([calibration.width, calibration.height]) - 0.5)
    return np.asarray(inside.all(axis=-1))
