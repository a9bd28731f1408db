"""A body's own directions, and places on a body that follow its joints.

A place on a body is written once per person, as a linear combination of the body's joints and directions (the basis),
and found for every pose by one small product. So a figure is designed in plain arithmetic:
`joint("neck") + 0.03 * UP`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.structures import JOINTS, Body, Points

Place = NDArray[np.float64]
"""(B,) coefficients over the basis: a place, or a direction where they cancel out."""

_DIRECTIONS = (
    "torso_left",
    "torso_front",
    "torso_up",
    "hips_left",
    "hips_front",
    "head_left",
    "head_front",
    "head_up",
    "left_foot",
    "right_foot",
    "world_up",
)
_NAMES = JOINTS + _DIRECTIONS
_INDEX = {name: row for row, name in enumerate(_NAMES)}
_WORLD_UP = np.array([0.0, 0.0, 1.0])


def joint(name: str) -> Place:
    """The place of a joint or, for a direction's name, that unit direction."""
    place = np.zeros(len(_NAMES))
    place[_INDEX[name]] = 1
    return place


def between(start: str, end: str, share: float) -> Place:
    """The place at this share of the way from one joint to another."""
    return (1 - share) * joint(start) + share * joint(end)


LEFT, FRONT, UP = joint("torso_left"), joint("torso_front"), joint("torso_up")
HIPS_LEFT, HIPS_FRONT = joint("hips_left"), joint("hips_front")
HEAD_LEFT, HEAD_FRONT, HEAD_UP = joint("head_left"), joint("head_front"), joint("head_up")
WORLD_UP = joint("world_up")
SHOULDERS = between("left_shoulder", "right_shoulder", 0.5)
HIPS = between("left_hip", "right_hip", 0.5)


def basis(body: Body) -> Points:
    """What places are combinations of: the joints, metres, then unit directions, (B, 3) in world coordinates."""
    at = {name: body.joints_m[row] for row, name in enumerate(JOINTS)}
    facing = np.array([np.cos(body.heading_rad), np.sin(body.heading_rad), 0.0])
    sideways = np.array([-facing[1], facing[0], 0.0])
    up = _unit(at["neck"] - at["pelvis"], _WORLD_UP)
    left, front = _frame(at["left_shoulder"] - at["right_shoulder"], up, sideways)
    hips_left, hips_front = _frame(at["left_hip"] - at["right_hip"], up, sideways)
    head_left = _unit(at["left_ear"] - at["right_ear"], sideways)
    head_front = _across(at["nose"] - (at["left_ear"] + at["right_ear"]) / 2, head_left, facing)
    head_up = _cross(head_front, head_left)
    feet = [_across(at[f"{side}_toe"] - at[f"{side}_ankle"], _WORLD_UP, facing) for side in ("left", "right")]
    directions = [left, front, up, hips_left, hips_front, head_left, head_front, head_up, *feet, _WORLD_UP]
    return np.concatenate([body.joints_m, directions])


def _frame(sideways: Points, up: Points, instead: Points) -> tuple[Points, Points]:
    """Left and front of a part of the trunk."""
    left = _across(sideways, up, instead)
    return left, _cross(left, up)


def _across(vector: Points, axis: Points, instead: Points) -> Points:
    """The unit direction of what of the vector is at right angles to the unit axis."""
    return _unit(vector - float((vector * axis).sum()) * axis, instead)


def _unit(vector: Points, instead: Points) -> Points:
    length = float(np.sqrt((vector * vector).sum()))
    return vector / length if length > 1e-6 else instead


def _cross(a: Points, b: Points) -> Points:
    # np.cross costs ten times as much for one pair.
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
