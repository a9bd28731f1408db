"""What stands in a scene, as rays meet it: blocks (walls, furniture) and columns (pillars)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.lighting import along
from keyreid_stream.world.scene import RGB, Scene
from keyreid_stream.world.structures import Points

Rays = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """An upright box on the floor.

    Attributes:
        centre: (2,) metres.
        axes: (2, 2) unit directions of its width and depth, rows.
        half_size: (2,) half its width and depth, metres.
        height: metres.
        colour: its paint.
        made_as: what it is.
    """

    centre: Points
    axes: Points
    half_size: Points
    height: float
    colour: RGB
    made_as: Literal["wall", "furniture"]

    @property
    def reach(self) -> float:
        """From its middle to its farthest corner, metres."""
        return float(np.sqrt((self.half_size**2).sum() + self.height**2 / 4))

    def meet(self, origin: Points, rays: Rays) -> tuple[Rays, Rays]:
        """Distances (N,) along rays (N, 3) to the box, infinite for a miss, and the outward normals (N, 3)."""
        turn = np.eye(3)
        turn[:2, :2] = self.axes
        offset = origin - [*self.centre, self.height / 2]
        start = (turn * offset).sum(axis=1).astype(np.float32)
        half = np.array([*self.half_size, self.height / 2], np.float32)
        facing = np.empty_like(rays)
        near, far, side = np.float32(-np.inf), np.float32(np.inf), np.zeros(len(rays), np.int8)
        for axis in range(3):
            pace = along(rays, turn[axis])
            facing[:, axis] = -np.sign(pace)
            pace = np.where(np.abs(pace) < 1e-7, np.float32(1e-7), pace)
            enter = (-np.sign(pace) * half[axis] - start[axis]) / pace
            leave = (np.sign(pace) * half[axis] - start[axis]) / pace
            side = np.where(enter > near, axis, side).astype(np.int8)
            near, far = np.maximum(near, enter), np.minimum(far, leave)
        distance = np.where((near <= far) & (near > 1e-3), near, np.float32(np.inf))
        normal = turn.astype(np.float32)[side] * np.take_along_axis(facing, side[:, None].astype(np.int64), 1)
        return distance, normal


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A round pillar on the floor: see `Block`."""

    centre: Points
    radius: float
    height: float
    colour: RGB

    @property
    def reach(self) -> float:
        """From its middle to its farthest edge, metres."""
        return float(np.hypot(self.radius, self.height / 2))

    def meet(self, origin: Points, rays: Rays) -> tuple[Rays, Rays]:
        """As a block's: its round side, or its top."""
        start = origin[:2] - self.centre
        a = np.maximum((rays[:, :2] ** 2).sum(axis=1), np.float32(1e-9))
        b = rays[:, 0] * np.float32(start[0]) + rays[:, 1] * np.float32(start[1])
        c = np.float32((start**2).sum() - self.radius**2)
        root = b * b - a * c
        side = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
        height = np.float32(origin[2]) + np.where(np.isfinite(side), side, 0) * rays[:, 2]
        side = np.where((side > 1e-3) & (height >= 0) & (height <= self.height), side, np.inf)
        down = np.where(rays[:, 2] < -1e-7, rays[:, 2], np.float32(-1e-7))
        top = np.float32(self.height - origin[2]) / down
        away = start.astype(np.float32) + top[:, None] * rays[:, :2]
        on_top = (top > 1e-3) & (rays[:, 2] < -1e-7) & ((away**2).sum(axis=1) <= self.radius**2)
        top = np.where(on_top, top, np.inf)
        at = start.astype(np.float32) + np.where(np.isfinite(side), side, 0)[:, None] * rays[:, :2]
        normal = np.concatenate([at / np.float32(self.radius), np.zeros((len(rays), 1), np.float32)], axis=1)
        normal = np.where((top < side)[:, None], np.array([0, 0, 1], np.float32), normal)
        return np.minimum(side, top).astype(np.float32), normal.astype(np.float32)


Obstacle: TypeAlias = Block | Column


def obstacles_of(scene: Scene) -> tuple[Obstacle, ...]:
    """Everything that stands in the scene."""
    walls = [
        _block(
            np.add(wall.start, wall.end) / 2,
            np.subtract(wall.end, wall.start),
            (float(np.hypot(*np.subtract(wall.end, wall.start))), wall.thickness),
            wall.height,
            wall.colour,
            "wall",
        )
        for wall in scene.walls
    ]
    furniture = [
        _block(
            np.array(thing.centre),
            np.array([np.cos(np.radians(thing.heading_deg)), np.sin(np.radians(thing.heading_deg))]),
            thing.size[:2],
            thing.size[2],
            thing.colour,
            "furniture",
        )
        for thing in scene.furniture
    ]
    pillars = [Column(np.array(pillar.centre), pillar.radius, pillar.height, pillar.colour) for pillar in scene.pillars]
    return (*walls, *furniture, *pillars)


def _block(
    centre: Points,
    direction: Points,
    size: tuple[float, float],
    height: float,
    colour: RGB,
    made_as: Literal["wall", "furniture"],
) -> Block:
    x = direction / max(float(np.hypot(*direction)), 1e-9)
    axes = np.array([x, [-x[1], x[0]]])
    return Block(centre, axes, np.array(size) / 2, height, colour, made_as)


def may_meet(obstacle: Obstacle, origin: Points, rays: Rays) -> NDArray[np.int64]:
    """Indices of those rays (N, 3) that come near an obstacle: those that meet the ball around it."""
    towards = np.array([*obstacle.centre, obstacle.height / 2]) - origin
    distance = float(np.sqrt((towards**2).sum()))
    if distance <= obstacle.reach:
        return np.arange(len(rays))
    cosine = np.float32(np.sqrt(1 - (obstacle.reach / distance) ** 2) - 1e-4)
    return np.flatnonzero(along(rays, towards / distance) > cosine)
