"""Shapes where their bodies' pose puts them in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.anatomy import basis
from keyreid_stream.world.render.shapes import ShapeTable
from keyreid_stream.world.render.vectors import length, unit
from keyreid_stream.world.structures import Body, Points


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """K shapes in the world.

    Attributes:
        starts, ends: (K, 3) metres, of the axis; a ball's start is its centre.
        frames: (K, 3, 3), rows left, front, along the axis.
        start_radii, end_radii: (K, 2) metres.
        up_radii: (K,) metres; of balls.
        bulges: (K,) metres.
        caps: (K, 2).
        spans: (K, 2) which shares of the whole shape's axis the start and the end are: 0 and 1 unless it was cut.
        balls: (K,) whether it is one.
    """

    starts: Points
    ends: Points
    frames: Points
    start_radii: Points
    end_radii: Points
    up_radii: Points
    bulges: Points
    caps: Points
    spans: Points
    balls: NDArray[np.bool_]

    @classmethod
    def of(cls, tables: Sequence[ShapeTable], bodies: Sequence[Body]) -> Posed:
        """All shapes of all bodies, in order."""
        bases = [basis(body) for body in bodies]

        def place(name: str) -> Points:
            pairs = zip(tables, bases, strict=True)
            # einsum and not @: a BLAS may add in another order on another number of threads.
            return np.concatenate([np.einsum("kb,bc->kc", getattr(table, name), rows) for table, rows in pairs])

        def column(name: str) -> Points:
            return np.concatenate([getattr(table, name) for table in tables])

        starts, axes = place("starts"), place("axes")
        return cls(
            starts=starts,
            ends=starts + axes,
            frames=_frames(axes, place("fronts")),
            start_radii=column("start_radii"),
            end_radii=column("end_radii"),
            up_radii=column("up_radii"),
            bulges=column("bulges"),
            caps=column("caps"),
            spans=np.tile([0.0, 1.0], (len(starts), 1)),
            balls=column("balls").astype(bool),
        )


def _frames(axes: Points, fronts: Points) -> Points:
    """(K, 3, 3): left, front, axis; where front lies along the axis, upwards stands in for it."""
    axis = unit(axes)
    left = np.cross(axis, fronts)
    left = np.where(length(left) > 0.1, left, np.cross(axis, [0.0, 0.0, 1.0]) + 1e-6 * fronts)
    left = unit(left)
    return np.stack([left, np.cross(left, axis), axis], axis=1)
