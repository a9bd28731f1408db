"""Colours of the ground, of walls and furniture, and of what is above the horizon, before light falls on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.lighting import Lighting
from keyreid_stream.world.render.noise import noise_tile, sample
from keyreid_stream.world.render.obstacles import Block, Obstacle
from keyreid_stream.world.scene import Floor

Values = NDArray[np.float32]

_INDOORS = ("tiles", "carpet")
_SLABS_M = {"tiles": (0.6, 0.6), "concrete": (3.0, 3.0), "carpet": (0.5, 0.5), "paving": (0.8, 0.4)}
_JOINT_M = {"tiles": 0.012, "concrete": 0.015, "carpet": 0.0, "paving": 0.014}
_SLAB_VARIETY = {"tiles": 0.35, "concrete": 0.3, "carpet": 0.12, "paving": 0.8}
"""How much slabs differ, as a share of the way to the second colour."""
_HAZE_M = 60.0


class Grain:
    """The noise tiles that surfaces share, made once."""

    def __init__(self) -> None:
        self.fine = noise_tile(11, (0.8, 0.8))
        self.coarse = noise_tile(12, (9.0, 9.0))


def ground_colour(spots: Values, distance: Values, floor: Floor, grain: Grain) -> Values:
    """(N, 3) the ground at spots (N, 3), seen from a distance (N,): the floor's slabs, plain ground around it."""
    x, y = spots[:, 0], spots[:, 1]
    first, second = np.array(floor.colour, np.float32), np.array(floor.second_colour, np.float32)
    # What is finer than a pixel fades into its mean instead of flickering.
    near = np.clip(np.float32(1.6) - distance / 14, 0.15, 1)[:, None].astype(np.float32)
    tone = _slab_tone(x, y, floor)[:, None] * near
    colour: Values = first + tone * (second - first)
    line = _joint(x, y, floor)[:, None] * near
    colour = colour * (1 - 0.22 * line)
    rough = 0.05 if floor.style == "carpet" else 0.02
    colour *= 1 + rough * near * sample(grain.fine, 60 * y, 60 * x)[:, None]
    colour *= 1 + 0.025 * sample(grain.coarse, 20 * y, 20 * x)[:, None]
    outside = (x < 0) | (y < 0) | (x > floor.size[0]) | (y > floor.size[1])
    plain = _surroundings(floor) * (1 + 0.04 * sample(grain.coarse, 12 * y, 12 * x)[:, None])
    haze = (1 - np.exp(-distance / _HAZE_M))[:, None]
    plain = plain + haze * (np.array([196, 202, 206], np.float32) - plain)
    return np.where(outside[:, None], plain, colour).astype(np.float32)


def obstacle_colour(obstacle: Obstacle, spots: Values, normal: Values, grain: Grain) -> Values:
    """(N, 3) the paint of an obstacle at spots (N, 3) of its surface."""
    base = np.array(obstacle.colour, np.float32)
    z = spots[:, 2]
    side = spots[:, 0] + spots[:, 1]
    if not isinstance(obstacle, Block):
        plaster = 1 + 0.025 * sample(grain.coarse, 25 * z, 25 * side)
        foot = np.where(z < 0.12, 0.72, 1.0)
        return (base * (plaster * foot * _near_floor(z))[:, None]).astype(np.float32)
    away = spots[:, :2] - obstacle.centre
    offset = np.einsum("nc,ac->na", away, obstacle.axes)
    if obstacle.made_as == "wall":
        plaster = 1 + 0.018 * sample(grain.coarse, 20 * z, 20 * side) + 0.01 * sample(grain.fine, 50 * z, 50 * side)
        foot = np.where((z < 0.1) & (obstacle.height > 1.5), 0.62, 1.0)
        seam = np.where((np.abs((offset[:, 0] + 600) % 1.2 - 0.6) > 0.593) & (obstacle.height > 1.5), 0.9, 1.0)
        return (base * (plaster * foot * seam * _near_floor(z))[:, None]).astype(np.float32)
    wood = 1 + 0.05 * sample(grain.coarse, 90 * offset[:, 1] + 40 * z, 7 * offset[:, 0])
    edge = np.minimum(obstacle.half_size - np.abs(offset), 9).min(axis=1)
    rim = np.where(normal[:, 2] > 0.5, edge, np.minimum(obstacle.height - z, z))
    bevel = np.where(rim < 0.025, 0.86, 1.0)
    return (base * (wood * bevel * _near_floor(z))[:, None]).astype(np.float32)


def sky_colour(rays: Values, floor: Floor, lighting: Lighting) -> Values:
    """(N, 3) what is seen along rays (N, 3) that meet nothing: a ceiling's pale paint indoors, the sky outdoors."""
    height = np.clip(rays[:, 2:] * 2.5, 0, 1)
    if floor.style in _INDOORS:
        low, high = np.array([186, 186, 182], np.float32), np.array([226, 226, 222], np.float32)
    else:
        low, high = np.array([204, 214, 222], np.float32), np.array([122, 164, 212], np.float32)
    colour = low + height * (high - low)
    if lighting.night:
        colour *= np.array([0.16, 0.19, 0.28], np.float32)
    sky: Values = colour.astype(np.float32)
    return sky


def _slab_tone(x: Values, y: Values, floor: Floor) -> Values:
    """(N,) how far each slab is from the first colour to the second."""
    row, column = _slab(x, y, floor)
    scatter = np.abs(np.sin(row * 12.9898 + column * 78.233) * 43758.547) % 1
    tone = _SLAB_VARIETY[floor.style] * scatter
    if floor.style == "tiles":
        tone = tone + 0.4 * ((row + column) % 2)
    return tone.astype(np.float32)


def _slab(x: Values, y: Values, floor: Floor) -> tuple[Values, Values]:
    """Row and column (N,) of the slab; paving is laid in half-shifted rows."""
    width, depth = _SLABS_M[floor.style]
    row = np.floor(y / depth)
    shift = 0.5 * (row % 2) if floor.style == "paving" else 0.0
    return row, np.floor(x / width + shift)


def _joint(x: Values, y: Values, floor: Floor) -> Values:
    """(N,) 1 on the joints between slabs."""
    width, depth = _SLABS_M[floor.style]
    row, column = _slab(x, y, floor)
    shift = 0.5 * (row % 2) if floor.style == "paving" else 0.0
    into_x, into_y = (x / width + shift - column) * width, y - row * depth
    off = np.minimum(np.minimum(into_x, width - into_x), np.minimum(into_y, depth - into_y))
    joint: Values = (off < _JOINT_M[floor.style]).astype(np.float32)
    return joint


def _surroundings(floor: Floor) -> Values:
    """(3,) the ground beyond the floor: the same, darker, indoors; asphalt outdoors."""
    if floor.style in _INDOORS:
        return (0.72 * np.array(floor.colour)).astype(np.float32)
    return np.array([116, 118, 112], np.float32)


def _near_floor(z: Values) -> Values:
    """(N,) less light reaches the foot of a wall."""
    light: Values = (1 - 0.14 * np.exp(-z / 0.25)).astype(np.float32)
    return light
