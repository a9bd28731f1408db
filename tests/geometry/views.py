"""Cameras around a square for tests, and what they see of people who walk on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keyreid_stream.geometry.calibration import CameraCalibration, Points
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView

BENT = (-0.2, 0.03, 0.002, -0.001, 0.001)


def view(
    camera_id: str = "a", at: tuple[float, float, float] = (0.0, -5.0, 3.0), **settings: object
) -> CameraCalibration:
    """A camera that looks at (0, 0, 1)."""
    seen = CameraView(name=camera_id, at=at, look_at=(0.0, 0.0, 1.0), **settings)  # type: ignore[arg-type]
    return Camera.of(seen)


def square() -> dict[str, CameraCalibration]:
    """Three cameras around the middle, from sides that no turn maps on each other."""
    views = [
        view("south", (0.5, -7.0, 3.0), fov_deg=80.0),
        view("east", (6.0, -2.0, 3.4), fov_deg=75.0),
        view("north", (-3.0, 6.0, 3.8), fov_deg=85.0),
    ]
    return {one.camera_id: one for one in views}


def exchanged(views: dict[str, CameraCalibration], one: str, other: str) -> dict[str, CameraCalibration]:
    """The same with two cameras' calibrations in each other's place."""
    return views | {one: replace(views[other], camera_id=one), other: replace(views[one], camera_id=other)}


def walkers(seconds: int, count: int, rng: np.random.Generator, *, still: int = 0) -> Points:
    """(seconds, count, 2) places of people who wander over a square of 6 m; the first `still` never move."""
    places = [rng.uniform(-3, 3, (count, 2))]
    headings = rng.uniform(0, 2 * np.pi, count)
    for _ in range(seconds - 1):
        headings = headings + rng.normal(0, 0.6, count)
        steps = np.stack([np.cos(headings), np.sin(headings)], axis=1)
        steps[:still] = 0
        moved = places[-1] + steps
        outside = np.abs(moved) > 3
        headings = np.where(outside.any(axis=1), headings + np.pi, headings)
        places.append(np.where(outside, places[-1], moved))
    return np.array(places)


def feet_seen(camera: CameraCalibration, places: Points) -> Points:
    """Pixels (n, 2) of places on the floor that a camera's picture shows."""
    pixels, _ = camera.project(np.column_stack([places, np.zeros(len(places))]))
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(axis=1)
    return pixels[inside]
