"""What stands in the way on a floor plan: upright boxes and round pillars, and how far a place is from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Solid:
    """An upright body on the floor.

    Attributes:
        label: what to call it in messages.
        centre: x and y, metres.
        half_size: half its width and depth; zeros for a round one.
        heading_rad: turns its width counter-clockwise from the x axis.
        rounding: what the rectangle is grown by: a pillar is a point grown by its radius.
        height: above the floor, metres.
    """

    label: str
    centre: tuple[float, float]
    half_size: tuple[float, float]
    heading_rad: float
    rounding: float
    height: float


class Solids:
    """All solids of a scene, ready for questions about many places at once."""

    def __init__(self, solids: Sequence[Solid]) -> None:
        self.solids = tuple(solids)
        self._centre = np.array([solid.centre for solid in solids], float).reshape(-1, 2)
        self._half = np.array([solid.half_size for solid in solids], float).reshape(-1, 2)
        self._rounding = np.array([solid.rounding for solid in solids], float)
        heading = np.array([solid.heading_rad for solid in solids], float)
        self._cos, self._sin = np.cos(heading), np.sin(heading)

    def distances(self, places: Places) -> Places:
        """Signed distance of N places to each of S solids, metres; negative inside.

        Args:
            places: (N, 2).

        Returns:
            (N, S).
        """
        away = places[:, None, :] - self._centre
        along = np.abs(away[..., 0] * self._cos + away[..., 1] * self._sin) - self._half[:, 0]
        across = np.abs(away[..., 1] * self._cos - away[..., 0] * self._sin) - self._half[:, 1]
        outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
        inside = np.minimum(np.maximum(along, across), 0)
        distances: Places = outside + inside - self._rounding
        return distances

    def clearance(self, places: Places) -> Places:
        """Signed distance of N places (N, 2) to the nearest solid, (N,) metres; infinite in an empty scene."""
        if not self.solids:
            return np.full(len(places), np.inf)
        nearest: Places = self.distances(places).min(axis=1)
        return nearest

    def outwards(self, places: Places, step_m: float = 0.01) -> Places:
        """Unit directions (N, 2) that lead away from the nearest solid, by finite differences; zeros in the open."""
        if not self.solids:
            return np.zeros_like(places)
        shifts = step_m * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
        around = self.clearance((places[:, None] + shifts).reshape(-1, 2)).reshape(-1, 4)
        slope = np.stack([around[:, 0] - around[:, 1], around[:, 2] - around[:, 3]], axis=1)
        unit: Places = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
        return unit

    def around(self, x: float, y: float, z: float) -> Solid | None:
        """The solid that a spot lies in, if any."""
        inside = self.distances(np.array([[x, y]]))[0] <= 0
        return next(
            (solid for solid, within in zip(self.solids, inside, strict=True) if within and z < solid.height), None
        )
