"""Posed shapes as a camera sees them: where each lies in the picture, and how pixels map to its surface.

Every shape is a smooth image of the unit ball or of a tube of unit radius. Near a shape the projection is taken as
linear (its ends are projected exactly, lens distortion included), so a pixel of it is a point (u, v) of the unit disc
and its surface bulges towards the camera by w = sqrt(1 - u² - v²). What is too far aside for that is cut off before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.cutting import cut
from keyreid_stream.world.render.posed import Posed
from keyreid_stream.world.render.shapes import FLAT, ShapeTable
from keyreid_stream.world.render.vectors import dot, length, unit
from keyreid_stream.world.structures import Body, Points

_NEAREST_M = 0.1
"""Shapes that come nearer than this to the camera's plane are not drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """How K shapes map pixels to (u, v).

    A tube's pixel at d from `starts` is d · `along` pixels along the axis and d · `across` beside it. A ball's is at
    (u, v) = (d · along, d · across).

    Attributes:
        starts: (K, 2) pixels; of a ball the centre.
        along, across: (K, 2).
        lengths: (K,) pixels.
        radii: (K, 3) pixels at the start, at the end, and gained half-way.
        bends: (K, 2) pixels along the axis by which the cut at each end comes towards the camera.
        slant: (K,) the same for the surface between them.
        caps: (K, 2) as the shapes'.
        spans: (K, 2) which shares of the whole shape's axis the start and the end are, 0 and 1 unless it was cut.
        depths: (K, 2) metres at the start and end of the axis.
        reliefs: (K, 3) metres of depth per u, v and w.
        boxes: (K, 4) x1, y1, x2, y2, pixels.
        drawn: (K,) whether it lies in front of the camera.
    """

    starts: Points
    along: Points
    across: Points
    lengths: Points
    radii: Points
    bends: Points
    slant: Points
    caps: Points
    spans: Points
    depths: Points
    reliefs: Points
    boxes: Points
    drawn: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Surfaces:
    """How (u, v, w) map to the surface of K shapes: a pixel's place is u · row 0 + v · row 1 + w · row 2.

    Attributes:
        places: (K, 3, 3) to left, front and up of the unit shape.
        normals: (K, 3, 3) to the outward normal, world coordinates, not of unit length.
        radius_m: (K,) mean radius.
        length_m: (K,) of the axis, or a ball's upward radius.
    """

    places: NDArray[np.float32]
    normals: NDArray[np.float32]
    radius_m: NDArray[np.float32]
    length_m: NDArray[np.float32]


def project(tables: Sequence[ShapeTable], bodies: Sequence[Body], camera: Camera) -> tuple[Outlines, Surfaces]:
    """All shapes of all bodies, in order, through the camera."""
    posed, left = cut(Posed.of(tables, bodies), camera)
    tubes, tube_surfaces = _tubes(posed, camera)
    balls, ball_surfaces = _balls(posed, camera)
    outlines = _chosen(posed.balls, balls, tubes)
    outlines["drawn"] &= left
    surfaces = _chosen(posed.balls, ball_surfaces, tube_surfaces)
    return Outlines(**outlines), Surfaces(**{name: column.astype(np.float32) for name, column in surfaces.items()})


def _tubes(posed: Posed, camera: Camera) -> tuple[dict[str, Points], dict[str, Points]]:
    """Outlines and surfaces of all shapes as if they were tubes."""
    left, front, axis = posed.frames[:, 0], posed.frames[:, 1], posed.frames[:, 2]
    middles = (posed.starts + posed.ends) / 2
    sight = unit(middles - camera.position)
    side = np.cross(axis, sight)
    side = np.where(length(side) > 1e-3, unit(side), left)
    lean = np.stack([dot(side, left), dot(side, front)], axis=1)
    radii = (posed.start_radii + posed.end_radii) / 2
    half_widths = [length(r * lean) for r in (posed.start_radii, posed.end_radii, radii)]

    # On the unit circle: where the outline is, and where the surface comes nearest to the camera.
    edge = radii * lean / half_widths[2]
    top = np.stack([-edge[:, 1], edge[:, 0]], axis=1)
    top_m = top[:, :1] * radii[:, :1] * left + top[:, 1:] * radii[:, 1:] * front
    away = dot(top_m, sight) > 0
    top[away], top_m[away] = -top[away], -top_m[away]
    edge_m = edge[:, :1] * radii[:, :1] * left + edge[:, 1:] * radii[:, 1:] * front

    corners = [posed.starts, posed.ends, middles, middles + side * half_widths[2], middles + top_m]
    (start, end, middle, beside, above), depths = _projected(camera, corners)
    scale = length(beside - middle) / half_widths[2]
    across = unit(beside - middle)
    along = np.stack([across[:, 1], -across[:, 0]], axis=1)
    along *= np.where(dot(end - start, along) < 0, -1.0, 1.0)[:, None]
    lengths = np.maximum(dot(end - start, along), 1e-3)
    slant = dot(above - middle, along)
    nearness = depths[2][:, None] / np.stack([depths[0], depths[1], depths[2]], axis=1)
    # Perspective: an end that is nearer is wider.
    pixels = scale * np.concatenate([half_widths[0], half_widths[1], posed.bulges[:, None]], axis=1) * nearness
    bends = np.where(posed.caps == FLAT, slant[:, None] * pixels[:, :2] / (half_widths[2] * scale), 0.0)
    shear = dot(end - start, across) / lengths
    forward = camera.R[2]
    outlines = {
        "starts": start,
        "along": along,
        "across": across - along * np.where(lengths > 1, shear, 0.0)[:, None],
        "lengths": lengths,
        "radii": pixels,
        "bends": bends,
        "slant": slant,
        "caps": posed.caps,
        "spans": posed.spans,
        "depths": np.stack([depths[0], depths[1]], axis=1),
        "reliefs": np.stack([dot(edge_m, forward), np.zeros(len(start)), dot(top_m, forward)], axis=1),
        "boxes": _tube_boxes(start, end, along, across, pixels, bends, posed.caps),
        "drawn": np.min(depths, axis=0) > _NEAREST_M,
    }
    zeros = np.zeros((len(start), 1))
    circle_radii = np.concatenate([radii, np.sqrt(radii.prod(axis=1))[:, None]], axis=1)
    ahead = np.broadcast_to([0.0, 0.0, 1.0], (len(start), 3))
    places = np.stack([np.concatenate([edge, zeros], 1), ahead, np.concatenate([top, zeros], 1)], axis=1)
    surfaces = {
        "places": places,
        "normals": _normals(places, circle_radii, posed.frames),
        "radius_m": radii.mean(axis=1),
        # Of the whole tube: patterns stay where they are when it is cut.
        "length_m": length(posed.ends - posed.starts)[:, 0] / (posed.spans[:, 1] - posed.spans[:, 0]),
    }
    return outlines, surfaces


def _tube_boxes(
    start: Points, end: Points, along: Points, across: Points, radii: Points, bends: Points, caps: Points
) -> Points:
    """Around the ellipses at the start, the middle and the end of each tube."""
    centres = np.stack([start, end, (start + end) / 2], axis=1)
    widths = np.concatenate([radii[:, :2], radii[:, :2].mean(axis=1, keepdims=True) + radii[:, 2:]], axis=1)
    ends = np.maximum(np.abs(bends), radii[:, :2] / caps)
    heights = np.concatenate([ends, np.zeros_like(radii[:, 2:])], axis=1)
    reach = np.hypot(widths[:, :, None] * across[:, None], heights[:, :, None] * along[:, None])
    return np.concatenate([(centres - reach).min(axis=1), (centres + reach).max(axis=1)], axis=1)


def _balls(posed: Posed, camera: Camera) -> tuple[dict[str, Points], dict[str, Points]]:
    """Outlines and surfaces of all shapes as if they were balls."""
    radii = np.concatenate([posed.start_radii, posed.up_radii[:, None]], axis=1)
    arms = posed.frames * radii[:, :, None]
    tips = [posed.starts, *(posed.starts + arms[:, row] for row in range(3))]
    (centre, *ends), depths = _projected(camera, tips)
    image = np.stack([end - centre for end in ends], axis=2)
    image = np.where(np.isfinite(image), image, np.eye(2, 3))
    turn, sizes, rows = np.linalg.svd(image, full_matrices=False)
    to_disc = turn.transpose(0, 2, 1) / np.maximum(sizes, 1e-6)[:, :, None]
    top = np.cross(rows[:, 0], rows[:, 1])
    relief = dot(arms, camera.R[2])
    top = np.where(dot(top, relief)[:, None] > 0, -top, top)
    places = np.concatenate([rows, top[:, None]], axis=1)
    reach = np.sqrt((image**2).sum(axis=2))
    count = len(centre)
    outlines = {
        "starts": centre,
        "along": to_disc[:, 0],
        "across": to_disc[:, 1],
        "lengths": np.ones(count),
        "radii": np.concatenate([sizes, np.zeros((count, 1))], axis=1),
        "bends": np.zeros((count, 2)),
        "slant": np.zeros(count),
        "caps": np.ones((count, 2)),
        "spans": posed.spans,
        "depths": np.stack([depths[0], depths[0]], axis=1),
        "reliefs": (places * relief[:, None]).sum(axis=2),
        "boxes": np.concatenate([centre - reach, centre + reach], axis=1),
        "drawn": np.min(depths, axis=0) > _NEAREST_M,
    }
    surfaces = {
        "places": places,
        "normals": _normals(places, radii, posed.frames),
        "radius_m": radii.mean(axis=1),
        "length_m": radii[:, 2],
    }
    return outlines, surfaces


def _chosen(balls: NDArray[np.bool_], if_ball: dict[str, Points], if_tube: dict[str, Points]) -> dict[str, Any]:
    """Row by row, the one or the other."""
    return {
        name: np.where(balls.reshape(-1, *[1] * (column.ndim - 1)), column, if_tube[name])
        for name, column in if_ball.items()
    }


def _normals(places: Points, radii: Points, frames: Points) -> Points:
    """An ellipsoid's normal is its unit place over its radii; scaled so that round shapes have unit normals."""
    scaled = places * (radii.mean(axis=1)[:, None] / radii)[:, None]
    normals: Points = np.einsum("kri,kij->krj", scaled, frames)
    return normals


def _projected(camera: Camera, points: list[Points]) -> tuple[list[Points], list[Points]]:
    """Pixels (K, 2) and depths (K,) of each array of points (K, 3), by one call."""
    pixels, depths = camera.project(np.concatenate(points))
    return np.split(pixels, len(points)), np.split(depths, len(points))
