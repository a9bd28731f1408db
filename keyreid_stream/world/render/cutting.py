"""Shapes cut to the cone in front of a camera: far from its axis and near its plane nothing is nearly linear.

A point at depth z and r aside of the axis has room z sin a - r cos a in a cone of half-angle a. A tube keeps the part
of its axis around which its own thickness has room. A ball becomes the smaller one that touches the cone and, on the
side towards the axis, the ball itself: so it leaves by and by, as a tube does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.posed import Posed
from keyreid_stream.world.render.shapes import FLAT
from keyreid_stream.world.render.vectors import dot, length, unit
from keyreid_stream.world.structures import Points

_WIDEST_RAD = np.radians(70)
"""Half the cone's angle for all but wide lenses. Farther out, what a lens bends comes back into the picture."""
_WIDEST_OF_ALL_RAD = np.radians(82)
_BESIDE_RAD = np.radians(12)
"""How far beyond the picture's corners the cone reaches at least; of the widest lenses up to `_WIDEST_OF_ALL_RAD`."""
_SAMPLES = np.linspace(0, 1, 17)
_HALVINGS = 14


def cut(posed: Posed, camera: Camera) -> tuple[Posed, NDArray[np.bool_]]:
    """The shapes, cut where they leave the cone, and (K,) whether anything is left of each."""
    left = np.ones(len(posed.starts), bool)
    tubes = np.flatnonzero(~posed.balls & (np.minimum(_room(posed, camera, 0.0), _room(posed, camera, 1.0)) <= 0))
    if len(tubes):
        posed, left[tubes] = _with_cut_tubes(posed, camera, tubes)
    balls = np.flatnonzero(posed.balls)
    if len(balls):
        posed, left[balls] = _with_shrunk_balls(posed, camera, balls)
    return posed, left


def _room(posed: Posed, camera: Camera, share: float) -> Points:
    """(K,) metres by which tubes clear the cone's edge at a share of their axes, 0 to 1."""
    every = np.arange(len(posed.starts))
    return _room_at(posed, camera, every, np.full(len(every), share))


def _room_at(posed: Posed, camera: Camera, rows: NDArray[np.int64], shares: Points) -> Points:
    """(N,) the same for some tubes, each at a share of its own."""
    s = shares[:, None]
    places = (1 - s) * posed.starts[rows] + s * posed.ends[rows]
    radii = (1 - s) * posed.start_radii[rows] + s * posed.end_radii[rows]
    room: Points = _clearance(camera, places)[0] - radii.max(axis=1) - np.maximum(posed.bulges[rows], 0)
    return room


def _clearance(camera: Camera, places: Points) -> tuple[Points, Points]:
    """(N,) metres from places to the cone's edge, negative outside, and (N, 3) the unit directions it grows in."""
    sight = places - camera.position
    depth = dot(sight, camera.R[2])
    aside = sight - depth[:, None] * camera.R[2]
    angle = _half_angle(camera)
    inwards = np.sin(angle) * camera.R[2] - np.cos(angle) * unit(aside)
    return dot(sight, inwards), inwards


def _half_angle(camera: Camera) -> float:
    """The cone's, radians."""
    corner = np.arctan(np.hypot(camera.width / 2 / camera.K[0, 0], camera.height / 2 / camera.K[1, 1]))
    return float(min(max(_WIDEST_RAD, corner + _BESIDE_RAD), _WIDEST_OF_ALL_RAD))


def _with_cut_tubes(posed: Posed, camera: Camera, tubes: NDArray[np.int64]) -> tuple[Posed, NDArray[np.bool_]]:
    rooms = np.stack([_room_at(posed, camera, tubes, np.full(len(tubes), share)) for share in _SAMPLES], axis=1)
    best = _SAMPLES[rooms.argmax(axis=1)]
    left = rooms.max(axis=1) > 0
    # The cone is convex: what of an axis has room is one piece.
    span = np.stack([_last_inside(posed, camera, tubes, best, outermost) for outermost in (0.0, 1.0)], axis=1)
    return _shortened(posed, tubes[left], span[left]), left


def _last_inside(posed: Posed, camera: Camera, tubes: NDArray[np.int64], inside: Points, outermost: float) -> Points:
    """(N,) the share nearest to `outermost` that has room, by halving."""
    outside = np.full(len(tubes), outermost)
    inside = np.where(_room_at(posed, camera, tubes, outside) > 0, outside, inside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        has_room = _room_at(posed, camera, tubes, middle) > 0
        inside, outside = np.where(has_room, middle, inside), np.where(has_room, outside, middle)
    return inside


def _shortened(posed: Posed, tubes: NDArray[np.int64], span: Points) -> Posed:
    """Some tubes reduced to these shares (N, 2) of their axes, ends that were cut off being flat."""
    starts, ends, start_radii, end_radii = (
        column.copy() for column in (posed.starts, posed.ends, posed.start_radii, posed.end_radii)
    )
    bulges, caps, spans = posed.bulges.copy(), posed.caps.copy(), posed.spans.copy()
    for side, (places, radii) in enumerate(((starts, start_radii), (ends, end_radii))):
        s = span[:, side : side + 1]
        places[tubes] = (1 - s) * posed.starts[tubes] + s * posed.ends[tubes]
        bulge = 4 * posed.bulges[tubes, None] * s * (1 - s)
        radii[tubes] = (1 - s) * posed.start_radii[tubes] + s * posed.end_radii[tubes] + bulge
        caps[tubes, side] = np.where(span[:, side] == side, caps[tubes, side], FLAT)
    bulges[tubes] *= (span[:, 1] - span[:, 0]) ** 2
    spans[tubes] = span
    return replace(
        posed,
        starts=starts,
        ends=ends,
        start_radii=start_radii,
        end_radii=end_radii,
        bulges=bulges,
        caps=caps,
        spans=spans,
    )


def _with_shrunk_balls(posed: Posed, camera: Camera, balls: NDArray[np.int64]) -> tuple[Posed, NDArray[np.bool_]]:
    room, inwards = _clearance(camera, posed.starts[balls])
    radii = np.concatenate([posed.start_radii[balls], posed.up_radii[balls, None]], axis=1)
    arms = posed.frames[balls] * radii[:, :, None]
    # The ball's half-width across the cone's edge, and from its centre the point that lies farthest inwards.
    along = (arms * inwards[:, None]).sum(axis=2)
    reach = np.maximum(length(along)[:, 0], 1e-9)
    size = np.clip((room / reach + 1) / 2, 0, 1)
    left = size > 0
    if (size == 1).all():
        return posed, left
    size = np.maximum(size, 1e-3)  # What is not drawn still needs a surface.
    innermost = (arms * along[:, :, None]).sum(axis=1) / reach[:, None]
    starts, start_radii, up_radii = posed.starts.copy(), posed.start_radii.copy(), posed.up_radii.copy()
    starts[balls] += (1 - size)[:, None] * innermost
    start_radii[balls] *= size[:, None]
    up_radii[balls] *= size
    return replace(posed, starts=starts, start_radii=start_radii, up_radii=up_radii), left
