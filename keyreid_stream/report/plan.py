"""A scene from above: what stands where, and what each camera sees of the floor. Metres, as on the floor plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView, Scene
from keyreid_stream.world.solids import Solid
from keyreid_stream.world.structures import Points

_ROUND_CORNERS = 24
"""Of the polygon that stands for a round pillar."""

_STEPS_PER_EDGE = 24
"""Places along each edge of a picture whose rays are followed to the floor: lenses bend edges."""


@dataclass(frozen=True, slots=True, eq=False)
class PlanShape:
    """What takes floor: `corners` (n, 2) in order."""

    kind: Literal["wall", "furniture", "pillar"]
    corners: Points


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A camera on the plan.

    Attributes:
        camera_id: its name.
        place: (2,) where it hangs.
        area: (n, 2) outline of the floor in its picture, walls and furniture not counted; n may be 0.
    """

    camera_id: str
    place: Points
    area: Points


@dataclass(frozen=True, slots=True, eq=False)
class FloorPlan:
    """All that a map of the floor shows besides people.

    Attributes:
        size: width and depth of the floor, from (0, 0).
        shapes: walls, furniture and pillars.
        sights: one per camera, in the scene's order.
    """

    size: tuple[float, float]
    shapes: tuple[PlanShape, ...]
    sights: tuple[Sight, ...]

    @classmethod
    def of(cls, scene: Scene) -> Self:
        """The plan of a scene."""
        shapes = (
            *(PlanShape("wall", _corners(wall.solid("wall"))) for wall in scene.walls),
            *(PlanShape("furniture", _corners(item.solid("furniture"))) for item in scene.furniture),
            *(PlanShape("pillar", _corners(pillar.solid("pillar"))) for pillar in scene.pillars),
        )
        return cls(scene.floor.size, shapes, tuple(_sight(view, scene.floor.size) for view in scene.cameras))


def _corners(solid: Solid) -> Points:
    if not any(solid.half_size):
        angles = np.linspace(0, math.tau, _ROUND_CORNERS, endpoint=False)
        return np.add(solid.centre, solid.rounding * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    unturned = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * solid.half_size
    cos, sin = math.cos(solid.heading_rad), math.sin(solid.heading_rad)
    corners: Points = np.add(solid.centre, unturned @ np.array([[cos, sin], [-sin, cos]]))
    return corners


def _sight(view: CameraView, floor: tuple[float, float]) -> Sight:
    camera = Camera.of(view)
    rays = camera.rays(_picture_edge(camera.width, camera.height))
    position = camera.position
    if (rays[:, 2] >= 0).all():  # all of the picture is above the horizon
        return Sight(view.name, position[:2], np.zeros((0, 2)))
    along = np.hypot(rays[:, 0], rays[:, 1])
    # A ray at or above the horizon never comes down; whatever is farther than the floor reaches is cut off below.
    with np.errstate(divide="ignore"):
        down_m = np.where(rays[:, 2] < 0, position[2] * along / -rays[:, 2], np.inf)
    reach_m = np.minimum(down_m, 2 * math.hypot(*floor) + math.dist(position[:2], (0, 0)))
    on_floor = position[:2] + rays[:, :2] / np.maximum(along, 1e-9)[:, None] * reach_m[:, None]
    return Sight(view.name, position[:2], clipped(on_floor, floor))


def _picture_edge(width: int, height: int) -> Points:
    """Pixels (4n, 2) around a picture: along the bottom, up, back along the top, and down."""
    share = np.linspace(0, 1, _STEPS_PER_EDGE, endpoint=False)
    right, bottom = (width - 1) * share, (height - 1) * share
    first, last_x, last_y = np.zeros_like(share), np.full_like(share, width - 1), np.full_like(share, height - 1)
    edges = [(right, last_y), (last_x, last_y - bottom), (last_x - right, first), (first, bottom)]
    return np.concatenate([np.stack(edge, axis=1) for edge in edges])


def clipped(polygon: Points, size: tuple[float, float]) -> Points:
    """The part of a polygon (n, 2) between (0, 0) and `size`, edge by edge (Sutherland and Hodgman, 1974)."""
    for axis, limit, sign in ((0, 0.0, 1), (0, size[0], -1), (1, 0.0, 1), (1, size[1], -1)):
        kept: list[Points] = []
        for start, end in zip(np.roll(polygon, 1, axis=0), polygon, strict=True):
            start_inside, end_inside = (sign * (corner[axis] - limit) >= 0 for corner in (start, end))
            if start_inside != end_inside:
                kept.append(start + (end - start) * (limit - start[axis]) / (end[axis] - start[axis]))
            if end_inside:
                kept.append(end)
        polygon = np.array(kept).reshape(-1, 2)
    return polygon
