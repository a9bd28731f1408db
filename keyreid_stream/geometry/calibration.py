"""A calibrated camera: a pinhole with lens distortion, in OpenCV's conventions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.lens import bent, fold_radius

Points = NDArray[np.float64]

CONVENTIONS = {
    "units": "metres, pixels",
    "world": "x to the right and y up on the floor plan, z upwards, floor at z = 0",
    "camera": "x to the right, y down, z into the picture; camera = R @ world + t",
    "pixels": "x to the right, y down; the centre of the upper left pixel is (0, 0)",
    "distortion": "OpenCV: k1, k2, p1, p2, k3",
}
"""What the numbers of a calibration mean, in the words of its JSON."""

_UNDISTORT_STOP = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-12)

_ROTATION_TOLERANCE = 1e-3
"""Of R @ R.T from 1: as far off as three decimals make it."""

_CAME_BACK_PX = 0.1
"""A pixel whose ray does not project back to it this closely lies where the lens polynomial folds."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraCalibration:
    """Where a camera stands and how it maps the world to pixels.

    A world point X is at R @ X + t in camera coordinates (x to the right, y down, z into the picture). The centre of
    the upper left pixel is (0, 0), as in OpenCV. The floor is z = 0, z points up.

    Attributes:
        camera_id: the camera's name.
        width, height: of its pictures, pixels.
        K: (3, 3) intrinsic matrix, without skew.
        distortion: (5,) OpenCV's k1, k2, p1, p2, k3.
        R: (3, 3) world to camera.
        t: (3,) world to camera, metres.
        fold_radius: distance from the axis, in units of depth, up to which the distortion polynomial grows.

    Raises:
        InputError: these numbers are no camera: of other shapes, not finite, a singular K, an R that is no rotation.
    """

    camera_id: str
    width: int
    height: int
    K: Points
    distortion: Points
    R: Points
    t: Points
    fold_radius: float = field(init=False)

    def __post_init__(self) -> None:
        if fault := _first_fault(self):
            raise InputError(f"calibration of camera {self.camera_id!r}: {fault}")
        object.__setattr__(self, "fold_radius", fold_radius(self.distortion))

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
        return bent(rays, self.distortion, self.fold_radius) * self.K[[0, 1], [0, 1]] + self.K[:2, 2], depth

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

    def floor_points(self, pixels: Points, *, height_m: float = 0.0) -> tuple[Points, Points]:
        """Where pixels look at a level plane, and how coarsely.

        Args:
            pixels: (N, 2), may hold NaN.
            height_m: of the plane over the floor.

        Returns:
            places (N, 2), metres; and metres_per_pixel (N,), how far a place moves on the plane, along the line of
            sight, when its pixel moves by one. NaN for pixels that do not look down on the plane or that no ray of
            this lens reaches.
        """
        pixels = np.asarray(pixels, float).reshape(-1, 2)
        places, coarseness = np.full((len(pixels), 2), np.nan), np.full(len(pixels), np.nan)
        finite = np.isfinite(pixels).all(axis=1)
        position, above = self.position, self.position[2] - height_m
        if not finite.any() or above <= 0:
            return places, coarseness
        rays = self.rays(pixels[finite])
        down = np.where(rays[:, 2] < 0, -rays[:, 2], np.nan)
        reached = position[:2] + above / down[:, None] * rays[:, :2]
        again, _ = self.project(np.column_stack([reached, np.full(len(reached), height_m)]))
        with np.errstate(invalid="ignore"):
            folded = ~(np.abs(again - pixels[finite]).max(axis=1) < _CAME_BACK_PX)
        reached[folded] = np.nan
        places[finite] = reached
        # A small angle at slant range s moves the place by s / sin(depression) = above / down^2.
        coarseness[finite] = np.where(folded, np.nan, above / down**2 / min(self.K[0, 0], self.K[1, 1]))
        return places, coarseness

    def as_json(self) -> dict[str, Any]:
        """Everything above as JSON can hold it, with the conventions in words."""
        return {
            "camera_id": self.camera_id,
            "width": self.width,
            "height": self.height,
            "K": self.K.tolist(),
            "distortion": self.distortion.tolist(),
            "R": self.R.tolist(),
            "t": self.t.tolist(),
            "position": self.position.tolist(),
            "conventions": dict(CONVENTIONS),
        }


def _first_fault(given: CameraCalibration) -> str | None:
    """What makes these numbers no camera, in words."""
    for name, shape in (("K", (3, 3)), ("distortion", (5,)), ("R", (3, 3)), ("t", (3,))):
        array = getattr(given, name)
        if array.shape != shape:
            return f"{name} has shape {array.shape}, not {shape}; correct it"
        if not np.isfinite(array).all():
            return f"{name} holds numbers that are not finite; calibrate the camera again"
    if given.width < 1 or given.height < 1:
        return f"pictures of {given.width}x{given.height} pixels; write the size that the camera was calibrated at"
    return _intrinsic_fault(given.K, given.width, given.height) or _rotation_fault(given.R)


def _intrinsic_fault(K: Points, width: int, height: int) -> str | None:
    (fx, skew, cx), (zero, fy, cy), last = K
    if fx <= 0 or fy <= 0 or not np.array_equal(last, [0, 0, 1]):
        # The determinant is fx * fy then, so a singular matrix ends here too.
        wrong = "singular" if abs(np.linalg.det(K)) < 1e-12 else "not that of a camera"
        return f"K is {wrong}: focal lengths {fx:g} and {fy:g} must be above 0 and its last row 0, 0, 1"
    if skew != 0 or zero != 0:
        return f"K has skew ({skew:g}, {zero:g}), which is not supported; calibrate without"
    if not (0 <= cx <= width and 0 <= cy <= height):
        return (
            f"the principal point ({cx:g}, {cy:g}) lies outside a picture of {width}x{height}; "
            "K and the size must be of the same resolution"
        )
    return None


def _rotation_fault(R: Points) -> str | None:
    off = float(np.abs(R @ R.T - np.eye(3)).max())
    if off > _ROTATION_TOLERANCE:
        wrong = "singular" if abs(np.linalg.det(R)) < 1e-9 else "not a rotation"
        return f"R is {wrong}: R @ R.T is off the unit matrix by {off:.2g}; calibrate the camera again"
    if np.linalg.det(R) < 0:
        return "R is a mirror image (determinant -1), not a rotation; check the signs of its axes"
    return None
