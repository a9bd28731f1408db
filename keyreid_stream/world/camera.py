"""A pinhole camera with lens distortion, in OpenCV's conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.scene import CameraView, fold_radius
from keyreid_stream.world.structures import Points

_UNDISTORT_STOP = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-12)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Where a camera stands and how it maps the world to pixels.

    A world point X is at R @ X + t in camera coordinates (x to the right, y down, z into the picture). The centre of
    the upper left pixel is (0, 0), as in OpenCV.

    Attributes:
        name: the camera's.
        width, height: of its pictures, pixels.
        K: (3, 3) intrinsic matrix.
        distortion: (5,) OpenCV's k1, k2, p1, p2, k3.
        R: (3, 3) world to camera.
        t: (3,) world to camera, metres.
        fold_radius: distance from the axis, in units of depth, up to which the distortion polynomial grows.
    """

    name: str
    width: int
    height: int
    K: Points
    distortion: Points
    R: Points
    t: Points
    fold_radius: float

    @classmethod
    def of(cls, view: CameraView) -> Self:
        """The camera that a scene describes; its x axis is level."""
        focal = view.width / 2 / np.tan(np.radians(view.fov_deg) / 2)
        K = np.array([[focal, 0, (view.width - 1) / 2], [0, focal, (view.height - 1) / 2], [0, 0, 1]])
        R = _looking(np.subtract(view.look_at, view.at))
        return cls(
            name=view.name,
            width=view.width,
            height=view.height,
            K=K,
            distortion=np.array(view.distortion),
            R=R,
            t=-R @ np.array(view.at),
            fold_radius=fold_radius(view.distortion),
        )

    @property
    def position(self) -> Points:
        """(3,) the camera's place in the world, metres."""
        return -self.R.T @ self.t

    def project(self, points: Points) -> tuple[Points, Points]:
        """Pixels and depths of world points.

        Equal to cv2.projectPoints within `fold_radius`. Farther from the axis, where the polynomial would fold points
        back into the picture, the magnification stays what it is at that radius: they end up outside, where they are.

        Args:
            points: (N, 3) world coordinates, metres.

        Returns:
            pixels (N, 2), x and y, not limited to the picture, NaN for points at or behind the camera's plane; and
            depth_m (N,), z in camera coordinates, 0 or less for those.
        """
        # No BLAS: its sums may depend on the number of threads, and pictures must not.
        seen = np.einsum("ij,nj->ni", self.R, np.asarray(points, float)) + self.t
        depth = seen[:, 2].copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            rays = np.where(depth[:, None] > 0, seen[:, :2] / depth[:, None], np.nan)
        return self._distorted(rays) * self.K[[0, 1], [0, 1]] + self.K[:2, 2], depth

    def rays(self, pixels: Points) -> Points:
        """Unit directions (N, 3), in world coordinates, that pixels (N, 2) look along."""
        given = np.asarray(pixels, float).reshape(-1, 1, 2)
        flat = cv2.undistortPointsIter(given, self.K, self.distortion, np.eye(3), np.eye(3), _UNDISTORT_STOP)
        directions = np.einsum("ni,ij->nj", np.concatenate([flat[:, 0], np.ones((len(flat), 1))], axis=1), self.R)
        unit: Points = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return unit

    def floor_point(self, pixel: tuple[float, float] | NDArray[np.float64]) -> Points:
        """Where on the floor (z = 0) a pixel looks: (2,) metres; NaN above the horizon."""
        direction = self.rays(np.asarray(pixel, float).reshape(1, 2))[0]
        if direction[2] >= 0:
            return np.full(2, np.nan)
        position = self.position
        reached: Points = position[:2] - position[2] / direction[2] * direction[:2]
        return reached

    def calibration(self) -> dict[str, Any]:
        """Everything above as JSON can hold it, with the conventions in words."""
        return {
            "camera_id": self.name,
            "width": self.width,
            "height": self.height,
            "K": self.K.tolist(),
            "distortion": self.distortion.tolist(),
            "R": self.R.tolist(),
            "t": self.t.tolist(),
            "position": self.position.tolist(),
            "conventions": {
                "units": "metres, pixels",
                "world": "x to the right and y up on the floor plan, z upwards, floor at z = 0",
                "camera": "x to the right, y down, z into the picture; camera = R @ world + t",
                "pixels": "x to the right, y down; the centre of the upper left pixel is (0, 0)",
                "distortion": "OpenCV: k1, k2, p1, p2, k3",
            },
        }

    def _distorted(self, rays: Points) -> Points:
        """Ideal image coordinates (N, 2), in units of depth, as the lens bends them."""
        k1, k2, p1, p2, k3 = self.distortion
        radius = np.sqrt((rays**2).sum(axis=1))
        beyond = np.maximum(radius / self.fold_radius, 1.0)
        x, y = (rays / beyond[:, None]).T
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        bent: Points = np.stack([bent_x, bent_y], axis=1) * beyond[:, None]
        return bent


def _looking(forward: Points) -> Points:
    """(3, 3) rotation, world to camera, of a camera that looks `forward` with its x axis level."""
    z = forward / np.linalg.norm(forward)
    # Straight down has no level x axis of its own: take the plan's.
    level = np.array([z[1], -z[0], 0.0]) if np.hypot(z[0], z[1]) > 1e-9 else np.array([1.0, 0.0, 0.0])
    x = level / np.linalg.norm(level)
    return np.stack([x, np.cross(z, x), z])
