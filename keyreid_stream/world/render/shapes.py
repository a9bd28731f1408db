"""What a figure is made of: tubes (limbs, trunks, cloth) and balls (heads, hair, bags), each with its paint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.anatomy import Place
from keyreid_stream.world.structures import Colour, Points

FLAT = 1e3
"""The cap of an end that is cut straight."""


class Weave(IntEnum):
    """How a paint's second colour lies on its first."""

    PLAIN = 0
    STRIPES = 1
    BANDS = 2
    CHECKS = 3
    PRINT = 4
    SOLE = 5
    SEGMENTS = 6


@dataclass(frozen=True, slots=True)
class Paint:
    """What a shape's surface looks like.

    Attributes:
        colour, second_colour: see `weave`.
        weave: where the second colour is.
        roughness: how much cloth's folds and threads change its brightness, 0 to 1.
        shine: how much light it mirrors, 0 to 1.
        opening: whether a dark line runs down the front, as where a jacket closes.
    """

    colour: Colour
    second_colour: Colour = (0, 0, 0)
    weave: Weave = Weave.PLAIN
    roughness: float = 0.0
    shine: float = 0.0
    opening: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """A tapered tube with an elliptic cross-section.

    Attributes:
        start, end: of its axis.
        start_radii, end_radii: metres, sideways and to the front.
        front: roughly the direction of the second radius.
        paint: its surface.
        bulge: metres that the radii gain half-way.
        caps: how flat the ends are: 1 a half-ball, 2 half as high, `FLAT` cut straight.
    """

    start: Place
    end: Place
    start_radii: tuple[float, float]
    end_radii: tuple[float, float]
    front: Place
    paint: Paint
    bulge: float = 0.0
    caps: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """An ellipsoid.

    Attributes:
        centre: where.
        radii: metres; left, front, up.
        front, up: its directions; left follows from them.
        paint: its surface.
    """

    centre: Place
    radii: tuple[float, float, float]
    front: Place
    up: Place
    paint: Paint


Shape: TypeAlias = Tube | Ball


@dataclass(frozen=True, slots=True, eq=False)
class ShapeTable:
    """K shapes as columns, so that all of a frame's shapes are handled at once.

    Attributes:
        starts, axes, fronts: (K, B) places; a ball's start is its centre, its axis its upward direction.
        start_radii, end_radii: (K, 2) metres.
        up_radii: (K,) metres; of balls.
        bulges: (K,) metres.
        caps: (K, 2).
        balls: (K,) whether it is one.
        colours, second_colours: (K, 3) float32, 0 to 255.
        weaves: (K,).
        roughness, shine: (K,) float32.
        openings: (K,) whether it has one.
    """

    starts: Points
    axes: Points
    fronts: Points
    start_radii: Points
    end_radii: Points
    up_radii: Points
    bulges: Points
    caps: Points
    balls: NDArray[np.bool_]
    colours: NDArray[np.float32] = field(repr=False)
    second_colours: NDArray[np.float32] = field(repr=False)
    weaves: NDArray[np.int64]
    roughness: NDArray[np.float32]
    shine: NDArray[np.float32]
    openings: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def of(cls, shapes: Sequence[Shape]) -> ShapeTable:
        """The table of these shapes."""
        tubes = [_as_tube(shape) for shape in shapes]
        paints = [shape.paint for shape in shapes]
        return cls(
            starts=np.array([tube.start for tube in tubes]),
            axes=np.array([tube.end - tube.start for tube in tubes]),
            fronts=np.array([tube.front for tube in tubes]),
            start_radii=np.array([tube.start_radii for tube in tubes]),
            end_radii=np.array([tube.end_radii for tube in tubes]),
            up_radii=np.array([shape.radii[2] if isinstance(shape, Ball) else 1.0 for shape in shapes]),
            bulges=np.array([tube.bulge for tube in tubes]),
            caps=np.array([tube.caps for tube in tubes]),
            balls=np.array([isinstance(shape, Ball) for shape in shapes]),
            colours=np.array([paint.colour for paint in paints], np.float32),
            second_colours=np.array([paint.second_colour for paint in paints], np.float32),
            weaves=np.array([int(paint.weave) for paint in paints]),
            roughness=np.array([paint.roughness for paint in paints], np.float32),
            shine=np.array([paint.shine for paint in paints], np.float32),
            openings=np.array([paint.opening for paint in paints]),
        )


def tinted(colour: Colour, factor: float) -> Colour:
    """A darker or lighter colour."""
    red, green, blue = (min(255, round(channel * factor)) for channel in colour)
    return red, green, blue


def _as_tube(shape: Shape) -> Tube:
    """A ball's columns are those of the tube from its centre upwards."""
    if isinstance(shape, Tube):
        return shape
    return Tube(shape.centre, shape.centre + shape.up, shape.radii[:2], shape.radii[:2], shape.front, shape.paint)
