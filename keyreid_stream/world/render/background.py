"""A scene without people, as one camera sees it: ray-cast once, lens distortion included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import ImageArray
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.floor_plan import PlanGrid, openness, sunlight
from keyreid_stream.world.render.lighting import Lighting, along
from keyreid_stream.world.render.obstacles import Obstacle, Rays, may_meet, obstacles_of
from keyreid_stream.world.render.surfaces import Grain, ground_colour, obstacle_colour, sky_colour
from keyreid_stream.world.scene import Scene
from keyreid_stream.world.structures import Points

_SKY, _FLOOR = -2, -1
_SHIFTS = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))
_ROWS_AT_ONCE = 64
"""Rays are cast for this many rows at a time, so that a large picture needs little memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The scene without people.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        depth_m: (H, W) float32, z in camera coordinates; infinite for the sky.
        floor: (H, W) whether the floor is seen there.
        floor_cells: (H, W, 2) float32, column and row of the plan's cell at each pixel that shows the floor; far
            outside the plan at others.
    """

    image: ImageArray
    depth_m: NDArray[np.float32]
    floor: NDArray[np.bool_]
    floor_cells: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """What N rays meet: index of the obstacle, `_FLOOR` or `_SKY`; distance, metres; outward normal."""

    what: NDArray[np.int32]
    distance: Rays
    normal: Rays


class Stage:
    """The fixed part of a scene: obstacles, light and shade, for any camera.

    Args:
        scene: what stands where.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.lighting = Lighting.of(scene.light)
        self.grid = PlanGrid.over(scene.floor.size)
        self._obstacles = obstacles_of(scene)
        self._sunlight = sunlight(self.grid, self._obstacles, self.lighting)
        self._openness = openness(self.grid, self._obstacles)
        self._grain = Grain()

    @property
    def direct_share(self) -> NDArray[np.float32]:
        """(rows, columns) of the plan: which share of the floor's light comes straight from the sun or lamps."""
        direct = np.float32((1 - self.lighting.ambient) / 255) * self._sunlight.astype(np.float32)
        share: Rays = direct / (direct + np.float32(max(self.lighting.ambient, 1e-3)))
        return share

    def light_at(self, places: Points) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Level (N, 3) and unblocked share (N,) of the light at places (N, 2)."""
        level = self.lighting.level_at(places, self.scene.floor.size)
        return level, self._look_up(self._sunlight, places)

    def background(self, camera: Camera) -> Background:
        """Cast the rays of all pixels of a camera; four a pixel for colours, one for depth."""
        bands = [
            self._band(camera, first, min(first + _ROWS_AT_ONCE, camera.height))
            for first in range(0, camera.height, _ROWS_AT_ONCE)
        ]
        return Background(*(np.concatenate([getattr(band, name) for band in bands]) for name in Background.__slots__))

    def _band(self, camera: Camera, first: int, last: int) -> Background:
        size = (last - first, camera.width)
        pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(first, last)), axis=2).reshape(-1, 2)
        rays = camera.rays(pixels.astype(float)).astype(np.float32)
        colour = np.zeros((len(pixels), 3), np.float32)
        for shifted in _subpixels(rays.reshape(*size, 3)):
            colour += self._colour(camera.position, shifted, self._cast(camera.position, shifted))
        hits = self._cast(camera.position, rays)
        depth = hits.distance * along(rays, camera.R[2])
        places = camera.position[:2] + np.where(hits.what == _FLOOR, hits.distance, 0)[:, None] * rays[:, :2]
        cells = np.where((hits.what == _FLOOR)[:, None], self.grid.cells(places), -9.0)
        return Background(
            np.clip(np.rint(colour / len(_SHIFTS)), 0, 255).astype(np.uint8).reshape(*size, 3),
            depth.reshape(size).astype(np.float32),
            (hits.what == _FLOOR).reshape(size),
            np.clip(cells, -9, 1e4).astype(np.float32).reshape(*size, 2),
        )

    def _cast(self, origin: Points, rays: Rays) -> _Hits:
        down = rays[:, 2] < -1e-4
        distance = np.where(down, np.float32(-origin[2]) / np.where(down, rays[:, 2], -1), np.inf).astype(np.float32)
        what = np.where(down, _FLOOR, _SKY).astype(np.int32)
        normal = np.tile(np.array([0, 0, 1], np.float32), (len(rays), 1))
        for index, obstacle in enumerate(self._obstacles):
            near = may_meet(obstacle, origin, rays)
            reached, facing = obstacle.meet(origin, rays[near])
            closer = reached < distance[near]
            here = near[closer]
            distance[here], what[here], normal[here] = reached[closer], index, facing[closer]
        return _Hits(what, distance, normal)

    def _colour(self, origin: Points, rays: Rays, hits: _Hits) -> Rays:
        """(N, 3) lit colours, 0 to 255 and above."""
        colour = np.empty((len(rays), 3), np.float32)
        sky = hits.what == _SKY
        colour[sky] = sky_colour(rays[sky], self.scene.floor, self.lighting)
        spots = (origin + np.where(sky, 0, hits.distance)[:, None] * rays).astype(np.float32)
        floor = hits.what == _FLOOR
        ground = ground_colour(spots[floor], hits.distance[floor], self.scene.floor, self._grain)
        places = spots[floor, :2].astype(float)
        shaded = self._look_up(self._openness, places)
        colour[floor] = ground * (shaded * self._floor_light(places))[:, None] * self._level(places)
        for index in np.unique(hits.what[hits.what >= 0]):
            here = hits.what == index
            colour[here] = self._obstacle_colour(self._obstacles[index], spots[here], hits.normal[here])
        return colour

    def _obstacle_colour(self, obstacle: Obstacle, spots: Rays, normal: Rays) -> Rays:
        places = spots[:, :2].astype(float)
        # What throws no shadow on its own sides: a face turned away from the light is dark by its normal.
        shade = self.lighting.shade(normal, np.ones(len(spots), np.float32))
        paint = obstacle_colour(obstacle, spots, normal, self._grain)
        return paint * shade[:, None] * self._level(places)

    def _floor_light(self, places: Points) -> Rays:
        ambient = np.float32(self.lighting.ambient)
        light: Rays = ambient + np.float32(1 - ambient) * self._look_up(self._sunlight, places)
        return light

    def _level(self, places: Points) -> Rays:
        return self.lighting.level_at(places, self.scene.floor.size)

    def _look_up(self, plan: NDArray[np.uint8], places: Points) -> Rays:
        """(N,) the plan's value, 0 to 1, at places (N, 2); the nearest cell's, beyond the plan that of its edge."""
        cells = np.rint(self.grid.cells(places)).astype(np.int64)
        columns, rows = np.clip(cells[:, 0], 0, self.grid.columns - 1), np.clip(cells[:, 1], 0, self.grid.rows - 1)
        values: Rays = plan[rows, columns].astype(np.float32) / np.float32(255)
        return values


def _subpixels(rays: Rays) -> Iterator[Rays]:
    """Unit rays (H · W, 3) a quarter of a pixel beside the given (H, W, 3), four ways."""
    # A band may be one row high: it has no slope of its own.
    down = np.gradient(rays, axis=0) if len(rays) > 1 else np.zeros_like(rays)
    right = np.gradient(rays, axis=1)
    for x, y in _SHIFTS:
        shifted = rays + np.float32(x) * right + np.float32(y) * down
        yield (shifted / np.sqrt((shifted**2).sum(axis=2, keepdims=True))).reshape(-1, 3)
