"""The floor plan as a map of cells: where the sun reaches, what furniture and walls shade.

Shadows are drawn on the plan and looked up by every camera, so they are right under any lens, and soft by one blur.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.lighting import Lighting
from keyreid_stream.world.render.obstacles import Column, Obstacle
from keyreid_stream.world.structures import Points

_MARGIN_M = 2.0
_FINEST_CELL_M = 0.03
_MOST_CELLS = 900
_SUB_BITS = 4
"""OpenCV draws at 1/16 of a cell."""


@dataclass(frozen=True, slots=True)
class PlanGrid:
    """Cells over the floor and a margin around it.

    Attributes:
        columns, rows: how many cells along x and along y.
        cell_m: side of a cell.
    """

    columns: int
    rows: int
    cell_m: float

    @classmethod
    def over(cls, floor_size: tuple[float, float]) -> PlanGrid:
        """A grid fine enough for shadows of limbs, with a bounded number of cells."""
        width, depth = (length + 2 * _MARGIN_M for length in floor_size)
        cell = max(_FINEST_CELL_M, max(width, depth) / _MOST_CELLS)
        return cls(int(np.ceil(width / cell)), int(np.ceil(depth / cell)), cell)

    def cells(self, places: Points) -> Points:
        """Column and row (..., 2), with fractions, of places (..., 2) in metres; a cell's centre is a whole number."""
        cells: Points = (places + _MARGIN_M) / self.cell_m - 0.5
        return cells

    def places_of(self, cells: Points) -> Points:
        """Places (..., 2), metres, of cells (..., 2): `cells` backwards."""
        places: Points = (cells + 0.5) * self.cell_m - _MARGIN_M
        return places

    def fill(self, image: NDArray[np.uint8], corners: Points, value: int) -> None:
        """Fill the convex hull of corners (N, 2), metres."""
        fixed = np.round(self.cells(corners) * (1 << _SUB_BITS)).astype(np.int32)
        cv2.fillConvexPoly(image, cv2.convexHull(fixed), value, cv2.LINE_8, _SUB_BITS)


def sunlight(grid: PlanGrid, obstacles: tuple[Obstacle, ...], lighting: Lighting) -> NDArray[np.uint8]:
    """(rows, columns) how much direct light reaches the floor, 255 for all of it."""
    shadow = np.zeros((grid.rows, grid.columns), np.uint8)
    for obstacle in obstacles:
        foot = _footprint(obstacle)
        thrown = foot + obstacle.height * lighting.shadow_step
        grid.fill(shadow, np.concatenate([foot, thrown]), 255)
    lit: NDArray[np.uint8] = 255 - cv2.GaussianBlur(shadow, (0, 0), 0.07 / grid.cell_m)
    return lit


def openness(grid: PlanGrid, obstacles: tuple[Obstacle, ...]) -> NDArray[np.uint8]:
    """(rows, columns) how little walls and furniture darken the floor beside them, 255 for not at all."""
    covered = np.zeros((grid.rows, grid.columns), np.uint8)
    for obstacle in obstacles:
        grid.fill(covered, _footprint(obstacle), 255)
    open_share: NDArray[np.uint8] = 255 - cv2.GaussianBlur(covered, (0, 0), 0.22 / grid.cell_m) // 2
    return open_share


def _footprint(obstacle: Obstacle) -> Points:
    """(N, 2) corners on the floor."""
    if isinstance(obstacle, Column):
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        return np.asarray(obstacle.centre) + obstacle.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    corners: Points = obstacle.centre + np.einsum("na,ac->nc", signs * obstacle.half_size, obstacle.axes)
    return corners
