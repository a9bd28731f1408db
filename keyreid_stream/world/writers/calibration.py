"""Calibrations as JSON, one file per camera."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView
from keyreid_stream.world.writers.camera_path import camera_path
from keyreid_stream.world.writers.whole_file import write_text


def write_calibration(folder: Path, cameras: Iterable[CameraView]) -> None:
    """Write `<camera>.json`: the camera's calibration, its rate and its clock's offset from the world's."""
    folder.mkdir(parents=True, exist_ok=True)
    for view in cameras:
        content = Camera.of(view).as_json() | {"fps": view.fps, "clock_offset_s": view.sensor.clock_offset_s}
        write_text(camera_path(folder, view.name, ".json"), json.dumps(content, indent=1) + "\n")
