"""From outlines to pixels: a z-buffer, and for every pixel which shape is seen there and where on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.projection import Outlines

Layer = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""x1, y1, x2, y2: columns x1 to x2 and rows y1 to y2 of the picture, ends not included."""

_SMALLEST_PX = 0.4
"""Shapes thinner than this in radius would only flicker."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A window of the picture and what is nearest at each of its pixels.

    Attributes:
        box: which part of the picture.
        depth: (h, w) metres, infinite where nothing is.
        shape: (h, w) int32 row of the shape, -1 where nothing is.
        u, v: (h, w) place on the shape's disc.
        t: (h, w) place along the shape's axis, 0 to 1.
    """

    box: Box
    depth: Layer
    shape: NDArray[np.int32]
    u: Layer
    v: Layer
    t: Layer

    @classmethod
    def blank(cls, box: Box) -> Sheet:
        """A sheet with nothing on it."""
        size = (box[3] - box[1], box[2] - box[0])
        u, v, t = np.zeros((3, *size), np.float32)
        return cls(box, np.full(size, np.inf, np.float32), np.full(size, -1, np.int32), u, v, t)

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the picture."""
        x1, y1, x2, y2 = self.box
        return slice(y1, y2), slice(x1, x2)

    def merge(self, other: Sheet) -> None:
        """Take over from a sheet within this one what is nearer there."""
        x, y = other.box[0] - self.box[0], other.box[1] - self.box[1]
        height, width = other.depth.shape
        window = slice(y, y + height), slice(x, x + width)
        nearer = other.depth < self.depth[window]
        for name in ("depth", "shape", "u", "v", "t"):
            np.copyto(getattr(self, name)[window], getattr(other, name), where=nearer)


class Rasteriser:
    """Draws shapes of one frame.

    Args:
        outlines: of all shapes.
        balls: (K,) which of them are balls.
        size: width and height of the picture.
    """

    def __init__(self, outlines: Outlines, balls: NDArray[np.bool_], size: tuple[int, int]) -> None:
        self._size = size
        self._balls = balls.tolist()
        thick = outlines.radii[:, :2].max(axis=1) >= _SMALLEST_PX
        # NaN pixels and depths compare false.
        self._drawn = outlines.drawn & thick & np.isfinite(outlines.boxes).all(axis=1)
        self._boxes = outlines.boxes
        self._numbers = np.concatenate(
            [
                outlines.starts,
                outlines.along,
                outlines.across,
                outlines.lengths[:, None],
                outlines.radii,
                outlines.bends,
                outlines.slant[:, None],
                outlines.caps,
                outlines.spans,
                outlines.depths,
                outlines.reliefs,
            ],
            axis=1,
        ).tolist()
        self._columns = np.arange(size[0], dtype=np.float32)
        self._rows = np.arange(size[1], dtype=np.float32)[:, None]

    def extent(self, rows: slice) -> tuple[float, float, float, float] | None:
        """Box around some shapes, not cut at the picture's edge, in the projection's pixels; None if none is drawn."""
        boxes = self._boxes[rows][self._drawn[rows]]
        if not len(boxes):
            return None
        x1, y1 = boxes[:, :2].min(axis=0).tolist()
        x2, y2 = boxes[:, 2:].max(axis=0).tolist()
        return x1, y1, x2, y2

    def draw(self, rows: slice) -> Sheet | None:
        """Some of the shapes on a sheet of their own, cut at the picture's edge; None if they cover no pixel."""
        extent = self.extent(rows)
        box = self._window(extent) if extent else None
        if box is None:
            return None
        sheet = Sheet.blank(box)
        for row in range(rows.start, rows.stop):
            if self._drawn[row] and (window := self._window(self._boxes[row].tolist())):
                self._draw_shape(sheet, row, window)
        return sheet if (sheet.shape >= 0).any() else None

    def _window(self, box: tuple[float, float, float, float]) -> Box | None:
        width, height = self._size
        x1, y1 = int(max(0.0, box[0])), int(max(0.0, box[1]))
        x2, y2 = int(min(width - 1.0, box[2])) + 1, int(min(height - 1.0, box[3])) + 1
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None

    def _draw_shape(self, sheet: Sheet, row: int, box: Box) -> None:
        x1, y1, x2, y2 = box
        x0, y0, ax, ay, bx, by, *numbers = self._numbers[row]
        x, y = self._columns[x1:x2] - np.float32(x0), self._rows[y1:y2] - np.float32(y0)
        along = x * np.float32(ax) + y * np.float32(ay)
        across = x * np.float32(bx) + y * np.float32(by)
        spot = _ball(along, across, numbers[11]) if self._balls[row] else _tube(along, across, numbers)
        rise_u, rise_v, rise_w = map(np.float32, numbers[-3:])
        w = np.sqrt(np.maximum(spot.room, 0))
        depth = spot.axis_m + spot.grown * (spot.u * rise_u + spot.v * rise_v + w * rise_w)
        left, top = x1 - sheet.box[0], y1 - sheet.box[1]
        window = slice(top, top + y2 - y1), slice(left, left + x2 - x1)
        seen = (spot.room > 0) & (depth < sheet.depth[window])
        np.copyto(sheet.depth[window], depth, where=seen)
        np.copyto(sheet.shape[window], row, where=seen)
        np.copyto(sheet.u[window], spot.u, where=seen)
        np.copyto(sheet.v[window], spot.v, where=seen)
        np.copyto(sheet.t[window], spot.t, where=seen)


class _Spot(NamedTuple):
    """Pixels of one shape's window.

    u, v and t as on a sheet; depth of the axis, metres; 1 - u² - v², above 0 inside; radius relative to the mean.
    """

    u: Layer
    v: Layer
    t: Layer
    axis_m: Layer | np.float32
    room: Layer
    grown: Layer | np.float32


def _ball(u: Layer, v: Layer, depth_m: float) -> _Spot:
    return _Spot(u, v, np.zeros_like(u), np.float32(depth_m), 1 - u * u - v * v, np.float32(1))


def _tube(along: Layer, across: Layer, numbers: list[float]) -> _Spot:
    length, r0, r1, bulge, bend0, bend1, slant, cap0, cap1, t0, t1, z0, z1 = map(np.float32, numbers[:13])
    share = np.minimum(np.maximum(along * (1 / length), 0), 1)
    radius = r0 + share * (r1 - r0)
    if bulge:
        radius += (4 * bulge) * share * (1 - share)
    u = across / radius
    room = 1 - u * u
    w = np.sqrt(np.maximum(room, 0))
    before = np.minimum(along - bend0 * w if bend0 else along, 0)
    beyond = np.maximum((along - bend1 * w if bend1 else along) - length, 0)
    v = (before * cap0 + beyond * cap1) / radius
    room -= v * v
    # The surface seen at a pixel is that of another place on the axis, the farther the more nearly one looks along it.
    reached = np.minimum(np.maximum((along - slant * w) * (1 / length), 0), 1)
    t = reached if t1 - t0 == 1 else t0 + reached * (t1 - t0)
    return _Spot(u, v, t, z0 + reached * (z1 - z0), room, radius * (2 / (r0 + r1)))
