"""Sun and lamps: where light comes from, its colour, and how a surface takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.scene import Light
from keyreid_stream.world.structures import Points

_NIGHT_LEVEL = 0.34
"""How bright the darkest places of a night are, of a day's brightness."""
_LAMP_LEVEL = 0.5
_BOUNCE = 0.12
"""Light that reaches every surface from all others."""
_LAMP_SPACING_M = 7.0
_LAMP_REACH_M = 2.6
_MOON, _LAMP = np.array([0.78, 0.9, 1.22]), np.array([1.12, 1.0, 0.8])


@dataclass(frozen=True, slots=True, eq=False)
class Lighting:
    """The light of a scene.

    Attributes:
        towards: (3,) unit direction from anywhere to the light.
        ambient: share of the light that reaches into shadow.
        night: whether lamps and the moon light the scene.
    """

    towards: Points
    ambient: float
    night: bool

    @classmethod
    def of(cls, light: Light) -> Lighting:
        """What a scene says about its light."""
        azimuth, elevation = np.radians([light.azimuth_deg, light.elevation_deg])
        level = np.cos(elevation)
        towards = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
        return cls(towards, light.ambient, light.time == "night")

    @property
    def shadow_step(self) -> Points:
        """(2,) how far on the floor a shadow lies from what throws it, per metre of height."""
        step: Points = -self.towards[:2] / self.towards[2]
        return step

    def level_at(self, places: Points, floor_size: tuple[float, float]) -> NDArray[np.float32]:
        """Colour (..., 3) of the light over places (..., 2) on the floor plan, 1 for a day's.

        At night lamps hang in a grid over the floor, each over a pool of warm light in bluish darkness.
        """
        shape = (*places.shape[:-1], 3)
        if not self.night:
            return np.ones(shape, np.float32)
        share = np.ones(shape[:-1])
        for axis, length in enumerate(floor_size):
            lamps = max(1, round(length / _LAMP_SPACING_M))
            spacing = length / lamps
            nearest = np.clip(np.floor(places[..., axis] / spacing), 0, lamps - 1)
            off = places[..., axis] - (nearest + 0.5) * spacing
            share = share * np.exp(-0.5 * (off / _LAMP_REACH_M) ** 2)
        level = _NIGHT_LEVEL * _MOON + share[..., None] * _LAMP_LEVEL * _LAMP
        return np.asarray(level, np.float32)

    def shade(self, normals: NDArray[np.float32], direct: NDArray[np.float32]) -> NDArray[np.float32]:
        """Brightness (N,) of surfaces with unit normals (N, 3), where `direct` (N,) of the light is not blocked.

        Ambient light comes more from above than from below. 1 is a floor in full light.
        """
        facing = np.maximum(along(normals, self.towards), 0)
        above = np.float32(0.84) + np.float32(0.16) * normals[:, 2]
        full = np.float32((1 - self.ambient) / max(self.towards[2], 0.35))
        shade: NDArray[np.float32] = np.float32(self.ambient) * above + full * facing * direct + np.float32(_BOUNCE)
        return shade


def along(vectors: NDArray[np.float32], direction: Points) -> NDArray[np.float32]:
    """(N,) the component of vectors (N, 3) along a direction (3,); not by BLAS, which may add in another order."""
    x, y, z = direction.astype(np.float32)
    component: NDArray[np.float32] = vectors[:, 0] * x + vectors[:, 1] * y + vectors[:, 2] * z
    return component
