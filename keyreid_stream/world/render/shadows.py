"""Shadows that people throw on the floor, drawn on the plan: see `floor_plan`."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.render.floor_plan import PlanGrid
from keyreid_stream.world.render.lighting import Lighting
from keyreid_stream.world.structures import JOINTS, Body, Points

_LIMBS = (
    ("left_shoulder", "left_elbow", 0.055),
    ("left_elbow", "left_wrist", 0.045),
    ("right_shoulder", "right_elbow", 0.055),
    ("right_elbow", "right_wrist", 0.045),
    ("left_hip", "left_knee", 0.085),
    ("left_knee", "left_ankle", 0.06),
    ("right_hip", "right_knee", 0.085),
    ("right_knee", "right_ankle", 0.06),
    ("left_ankle", "left_toe", 0.045),
    ("right_ankle", "right_toe", 0.045),
    ("neck", "head_centre", 0.06),
    ("head_centre", "head_centre", 0.1),
    ("pelvis", "neck", 0.14),
    ("left_shoulder", "right_shoulder", 0.07),
    ("left_hip", "right_hip", 0.11),
)
_ROWS = [(JOINTS.index(start), JOINTS.index(end), radius) for start, end, radius in _LIMBS]
_FEET = [JOINTS.index(name) for name in ("left_ankle", "right_ankle", "left_toe", "right_toe")]
_CAST_BLUR_M = 0.05
_CONTACT_BLUR_M = 0.09
_CONTACT_RADIUS_M = 0.12
_CONTACT = 0.55
"""How dark the floor is right under a shoe."""
_CONTACT_HEIGHT_M = 0.35
_UMBRELLA_RADIUS_M = 0.48


def darkness(
    grid: PlanGrid, bodies: Sequence[Body], lighting: Lighting, direct_share: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """(rows, columns) of the plan: how much light people take from the floor, 255 for all of it.

    Args:
        grid: the plan.
        bodies: who stands there.
        lighting: where the light comes from.
        direct_share: (rows, columns) how much of the floor's light shadows can take.
    """
    cast = np.zeros((grid.rows, grid.columns), np.uint8)
    contact = np.zeros_like(cast)
    for body in bodies:
        _throw(cast, grid, body, lighting.shadow_step)
        _touch(contact, grid, body)
    cast = cv2.GaussianBlur(cast, (0, 0), _CAST_BLUR_M / grid.cell_m)
    contact = cv2.GaussianBlur(contact, (0, 0), _CONTACT_BLUR_M / grid.cell_m)
    taken: NDArray[np.uint8] = np.maximum((cast * direct_share).astype(np.uint8), contact)
    return taken


def _throw(plan: NDArray[np.uint8], grid: PlanGrid, body: Body, step: Points) -> None:
    """Every limb's shadow: a thick line between its joints' shadows."""
    places = body.joints_m[:, :2] + np.maximum(body.joints_m[:, 2:], 0) * step
    points = _whole_cells(grid, places)
    for start, end, radius in _ROWS:
        thickness = max(1, round(2 * radius * body.person.build**0.5 / grid.cell_m))
        cv2.line(plan, points[start], points[end], 255, thickness)
    if any(kind == "umbrella" for kind, _ in body.person.accessories):
        hand = JOINTS.index("right_hand")
        canopy = places[hand] + 0.68 * step
        cv2.circle(plan, _whole_cells(grid, canopy[None])[0], round(_UMBRELLA_RADIUS_M / grid.cell_m), 255, cv2.FILLED)


def _touch(plan: NDArray[np.uint8], grid: PlanGrid, body: Body) -> None:
    """Darkness under the feet, less while a foot is lifted."""
    points = _whole_cells(grid, body.joints_m[_FEET, :2])
    for point, height in zip(points, body.joints_m[_FEET, 2].tolist(), strict=True):
        closeness = min(1.0, max(0.0, 1 - height / _CONTACT_HEIGHT_M))
        cv2.circle(plan, point, round(_CONTACT_RADIUS_M / grid.cell_m), round(255 * _CONTACT * closeness), cv2.FILLED)


def _whole_cells(grid: PlanGrid, places: Points) -> list[tuple[int, int]]:
    # OpenCV's drawing clips at the plan's edge, but only for coordinates that fit its integers.
    cells = np.clip(np.rint(grid.cells(places)), -(1 << 14), 1 << 14).astype(int)
    return [(int(column), int(row)) for column, row in cells]
