"""A world's camera: the calibration that follows from where a scene puts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.world.scene import CameraView
from keyreid_stream.world.structures import Points


@dataclass(frozen=True, slots=True, eq=False)
class Camera(CameraCalibration):
    """A camera of a scene; all that it does is a calibration's."""

    @property
    def name(self) -> str:
        """The camera's, as in its scene."""
        return self.camera_id

    @classmethod
    def of(cls, view: CameraView) -> Self:
        """The camera that a scene describes; its x axis is level."""
        focal = view.width / 2 / np.tan(np.radians(view.fov_deg) / 2)
        K = np.array([[focal, 0, (view.width - 1) / 2], [0, focal, (view.height - 1) / 2], [0, 0, 1]])
        R = _looking(np.subtract(view.look_at, view.at))
        return cls(
            camera_id=view.name,
            width=view.width,
            height=view.height,
            K=K,
            distortion=np.array(view.distortion),
            R=R,
            t=-R @ np.array(view.at),
        )


def _looking(forward: Points) -> Points:
    """(3, 3) rotation, world to camera, of a camera that looks `forward` with its x axis level."""
    z = forward / np.linalg.norm(forward)
    # Straight down has no level x axis of its own: take the plan's.
    level = np.array([z[1], -z[0], 0.0]) if np.hypot(z[0], z[1]) > 1e-9 else np.array([1.0, 0.0, 0.0])
    x = level / np.linalg.norm(level)
    return np.stack([x, np.cross(z, x), z])
