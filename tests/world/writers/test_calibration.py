from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView, Sensor
from keyreid_stream.world.writers import write_calibration

VIEW = CameraView(
    name="gate",
    at=(2, 3, 4),
    look_at=(9, 8, 0),
    fps=12.5,
    distortion=(-0.1, 0.02, 0.001, -0.001, 0),
    sensor=Sensor(clock_offset_s=-0.75),
)


def test_opencv_projects_as_the_camera_does(tmp_path: Path) -> None:
    write_calibration(tmp_path / "calibration", [VIEW])
    read = json.loads((tmp_path / "calibration" / "gate.json").read_text())
    points = np.array([[8.0, 8.0, 0.0], [7.0, 6.0, 1.7], [10.0, 8.0, 1.0]])
    rotation, _ = cv2.Rodrigues(np.array(read["R"]))
    pixels, _ = cv2.projectPoints(
        points, rotation, np.array(read["t"]), np.array(read["K"]), np.array(read["distortion"])
    )
    np.testing.assert_allclose(pixels[:, 0], Camera.of(VIEW).project(points)[0], atol=1e-6)
    assert (read["fps"], read["clock_offset_s"]) == (12.5, -0.75)
    assert (read["width"], read["height"]) == (640, 360)
