"""Colours of the people in a picture: patterns that follow the body, folds of cloth, light and shade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import ImageArray
from keyreid_stream.world.render.lighting import Lighting, along
from keyreid_stream.world.render.noise import noise_tile, sample
from keyreid_stream.world.render.projection import Surfaces
from keyreid_stream.world.render.shapes import ShapeTable, Weave

Values = NDArray[np.float32]

_CELLS_PER_M = 90.0
_STRIPE_M = 0.075
_BAND_M = 0.11
_CHECK_M = 0.09
_PRINT_RADIUS_M = 0.085
_PRINT_HEIGHT = 0.7
"""Where on the chest a print is, as a share of the way up."""
_UMBRELLA_SEGMENTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Spots:
    """N seen spots: the shape of each, its place on the unit shape, and where that is on the cloth, metres."""

    shape: NDArray[np.int32]
    place: Values
    around_m: Values
    along_m: Values
    along: Values


class Shading:
    """Everything that turns places on shapes into colours; the noise is made once.

    Args:
        lighting: the scene's.
    """

    def __init__(self, lighting: Lighting) -> None:
        self._lighting = lighting
        self._threads = noise_tile(1, (1.2, 1.2))
        self._folds = noise_tile(2, (9.0, 3.5))

    def colours(
        self,
        tables: Sequence[ShapeTable],
        surfaces: Surfaces,
        shape: NDArray[np.int32],
        disc: tuple[Values, Values, Values],
        light: tuple[Values, Values],
    ) -> ImageArray:
        """Colours (N, 3) of N pixels that show people.

        Args:
            tables: of all people in the frame, in order.
            surfaces: of all their shapes.
            shape: (N,) rows of the shapes that are seen.
            disc: u, v and t (N,) of each pixel.
            light: level (N, 3) and direct share (N,) of the light where each pixel's person stands.
        """
        u, v, t = disc
        w = np.sqrt(np.maximum(1 - u * u - v * v, 0))
        place, normal = (_mixed(rows, shape, (u, v, w)) for rows in (surfaces.places, surfaces.normals))
        normal /= np.sqrt((normal * normal).sum(axis=1, keepdims=True)) + np.float32(1e-6)
        ball_height = np.where(_column(tables, "balls")[shape], place[:, 2] * surfaces.length_m[shape], 0)
        angle = np.arctan2(place[:, 0], place[:, 1])
        spots = _Spots(shape, place, angle * surfaces.radius_m[shape], t * surfaces.length_m[shape] + ball_height, t)
        colour = _woven(tables, spots)
        level, direct = light
        brightness = self._lighting.shade(normal, direct) * self._cloth(tables, spots)
        # Less light reaches where a surface turns away: limbs stand out from each other.
        brightness *= np.float32(0.72) + np.float32(0.28) * np.sqrt(w)
        gloss = _column(tables, "shine")[shape] * _mirrored(normal, self._lighting) * direct
        lit = (colour * brightness[:, None] + 160 * gloss[:, None]) * level
        colours: ImageArray = np.clip(lit, 0, 255).astype(np.uint8)
        return colours

    def _cloth(self, tables: Sequence[ShapeTable], spots: _Spots) -> Values:
        """(N,) how folds and threads change brightness."""
        rows = spots.along_m * np.float32(_CELLS_PER_M)
        # Each of a person's shapes begins elsewhere on the tile, or both legs would fold alike; who else is in the
        # picture changes nothing.
        begin = np.concatenate([37 * np.arange(len(table), dtype=np.float32) for table in tables])
        columns = spots.around_m * np.float32(_CELLS_PER_M) + begin[spots.shape]
        rough = _column(tables, "roughness")[spots.shape]
        folds = np.float32(0.075) * sample(self._folds, rows, columns)
        threads = np.float32(0.035) * sample(self._threads, rows, columns)
        return 1 + rough * (folds + threads)


def _mixed(rows: Values, shape: NDArray[np.int32], shares: tuple[Values, Values, Values]) -> Values:
    """(N, 3) what (u, v, w) stand for on the shapes, from their tables (K, 3, 3)."""
    mixed = np.zeros((len(shape), 3), np.float32)
    for row, share in enumerate(shares):
        mixed += share[:, None] * np.ascontiguousarray(rows[:, row]).take(shape, axis=0)
    return mixed


def _woven(tables: Sequence[ShapeTable], spots: _Spots) -> Values:
    """(N, 3) the paints' colours at the spots, by weave."""
    shape = spots.shape
    weave = _column(tables, "weaves")[shape]
    share = np.zeros(len(shape), np.float32)
    for kind in np.unique(weave):
        if kind != Weave.PLAIN:
            here = np.flatnonzero(weave == kind)
            share[here] = _second_share(
                Weave(kind), spots.around_m[here], spots.along_m[here], spots.along[here], spots.place[here]
            )
    first, second = _column(tables, "colours")[shape], _column(tables, "second_colours")[shape]
    colour = first + share[:, None] * (second - first)
    opening = (
        _column(tables, "openings")[shape].astype(bool) & (np.abs(spots.around_m) < 0.009) & (spots.place[:, 1] > 0)
    )
    colour[opening] *= np.float32(0.45)
    return colour


def _second_share(weave: Weave, around_m: Values, along_m: Values, along: Values, place: Values) -> Values:
    """(N,) how much of the second colour is where on one kind of weave."""
    if weave is Weave.STRIPES:
        return _wave(around_m, _STRIPE_M)
    if weave is Weave.BANDS:
        return _wave(along_m, _BAND_M)
    if weave is Weave.CHECKS:
        both: Values = (_wave(around_m, _CHECK_M) + _wave(along_m, _CHECK_M)) / np.float32(2)
        return both
    if weave is Weave.PRINT:
        high_m = along_m - along_m / np.maximum(along, np.float32(1e-3)) * np.float32(_PRINT_HEIGHT)
        off = np.sqrt(around_m**2 + high_m**2) / np.float32(_PRINT_RADIUS_M)
        disc = np.clip((1 - off) * 6, 0, 1) - np.clip((0.45 - off) * 6, 0, 1)
        return np.asarray(disc * (place[:, 1] > 0), np.float32)
    if weave is Weave.SOLE:
        return (place[:, 1] < -0.62).astype(np.float32)
    angle = np.arctan2(place[:, 0], place[:, 1])
    wave: Values = np.clip(0.5 + 3 * np.sin(_UMBRELLA_SEGMENTS / 2 * angle), 0, 1).astype(np.float32)
    return wave


def _wave(metres: Values, period_m: float) -> Values:
    """Bars with slightly soft edges, half of each period."""
    bars: Values = np.clip(np.float32(0.5) + np.float32(2.5) * np.sin(metres * np.float32(2 * np.pi / period_m)), 0, 1)
    return bars


def _mirrored(normal: Values, lighting: Lighting) -> Values:
    """(N,) highlights towards the light."""
    facing = np.maximum(along(normal, lighting.towards), 0)
    return facing**12


def _column(tables: Sequence[ShapeTable], name: str) -> NDArray[np.float32]:
    column: NDArray[np.float32] = np.concatenate([getattr(table, name) for table in tables])
    return column
