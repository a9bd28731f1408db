"""Who hides whom, without pictures: people as limbs of the right thickness, drawn far to near into an image of ids."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.background import Stage
from keyreid_stream.world.structures import JOINTS, Body, Points, Rendered, Silhouette, WorldState
from keyreid_stream.world.truth import FrameTruth, frame_truth

_LIMBS = (
    ("left_shoulder", "left_hip", 0.17),
    ("right_shoulder", "right_hip", 0.17),
    ("neck", "pelvis", 0.26),
    ("left_shoulder", "right_shoulder", 0.14),
    ("left_hip", "right_hip", 0.18),
    ("left_hip", "left_knee", 0.16),
    ("right_hip", "right_knee", 0.16),
    ("left_knee", "left_ankle", 0.12),
    ("right_knee", "right_ankle", 0.12),
    ("left_ankle", "left_toe", 0.09),
    ("right_ankle", "right_toe", 0.09),
    ("left_shoulder", "left_elbow", 0.11),
    ("right_shoulder", "right_elbow", 0.11),
    ("left_elbow", "left_hand", 0.09),
    ("right_elbow", "right_hand", 0.09),
    ("neck", "head_centre", 0.12),
    ("head_centre", "head_centre", 0.22),
)
"""From, to, and thickness in metres of a body of usual build, with its clothes."""

_PIECES = 3
"""Into how many a limb is cut: seen from above, its ends lie at different depths."""

_STARTS = np.array([JOINTS.index(start) for start, _, _ in _LIMBS])
_ENDS = np.array([JOINTS.index(end) for _, end, _ in _LIMBS])
_THICKNESS_M = np.repeat([thickness for _, _, thickness in _LIMBS], _PIECES)

_NEAREST_M = 0.2
"""Limbs nearer to the camera's plane are not drawn: they have no place in a picture."""

_FARTHEST_PX = 20_000.0


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """L pieces of one person's limbs as a camera sees them: ends (L, 2, 2) and thickness in pixels, and depth."""

    person_id: int
    ends: NDArray[np.int32]
    thickness_px: NDArray[np.int32]
    depth_m: NDArray[np.float32]


class StickFigures:
    """One camera's view of people as stick figures, behind what stands in the scene.

    Drawing them costs a third of real pictures, and says nearly the same about who can be seen.

    Args:
        stage: the scene.
        camera: the camera.
    """

    def __init__(self, stage: Stage, camera: Camera) -> None:
        self._camera = camera
        background = stage.background(camera)
        self._wall_depth_m = np.where(background.floor, np.float32(np.inf), background.depth_m)
        self._image = np.zeros((camera.height, camera.width, 3), np.uint8)

    def truth(self, state: WorldState) -> FrameTruth:
        """What is true about this camera's view of a moment, as of rendered pictures."""
        return frame_truth(state, self._camera, self._view(state))

    def _view(self, state: WorldState) -> Rendered:
        person_ids = np.zeros(self._wall_depth_m.shape, np.int32)
        depth_m = np.full(self._wall_depth_m.shape, np.inf, np.float32)
        people = [drawn for body in state.bodies if (drawn := self._limbs(body)) is not None]
        silhouettes = {one.person_id: found for one in people if (found := self._silhouette(one)) is not None}
        limbs = [(float(depth), one, limb) for one in people for limb, depth in enumerate(one.depth_m)]
        for depth, one, limb in sorted(limbs, key=lambda drawn: -drawn[0]):
            _draw(person_ids, one, limb, one.person_id)
            _draw(depth_m, one, limb, depth)
        hidden = self._wall_depth_m < depth_m
        person_ids[hidden] = 0
        return Rendered(self._image, person_ids, np.minimum(depth_m, self._wall_depth_m), silhouettes)

    def _limbs(self, body: Body) -> _Drawn | None:
        ends_m = _pieces(body.joints_m)
        flat, flat_depth_m = self._camera.project(ends_m.reshape(-1, 3))
        ends, depth_m = flat.reshape(-1, 2, 2), flat_depth_m.reshape(-1, 2)
        on_picture = (np.abs(np.nan_to_num(ends, nan=np.inf)) < _FARTHEST_PX).all(axis=(1, 2))
        drawable = (depth_m > _NEAREST_M).all(axis=1) & on_picture
        if not drawable.any():
            return None
        middle_m = depth_m[drawable].mean(axis=1)
        thickness_m = _THICKNESS_M[drawable] * body.person.build
        thickness_px = np.rint(self._camera.K[0, 0] * thickness_m / middle_m)
        # The surface that is seen lies in front of the bone.
        surface_m = (middle_m - thickness_m / 2).astype(np.float32)
        whole_px = np.rint(ends[drawable]).astype(np.int32)
        return _Drawn(body.person.person_id, whole_px, np.maximum(thickness_px, 1).astype(np.int32), surface_m)

    def _silhouette(self, one: _Drawn) -> Silhouette | None:
        alone = np.zeros(self._wall_depth_m.shape, np.uint8)
        for limb in range(len(one.depth_m)):
            _draw(alone, one, limb, 1)
        pixels = cv2.countNonZero(alone)
        if not pixels:
            return None
        half = one.thickness_px[:, None] / 2
        x1, y1 = (one.ends.min(axis=1) - half).min(axis=0)
        x2, y2 = (one.ends.max(axis=1) + half).max(axis=0) + 1
        return Silhouette((float(x1), float(y1), float(x2), float(y2)), pixels)


def _pieces(joints_m: Points) -> Points:
    """Both ends (L, 2, 3) of all limbs' pieces, metres."""
    starts, ends = joints_m[_STARTS], joints_m[_ENDS]
    steps = np.linspace(0, 1, _PIECES + 1)[None, :, None]
    places = starts[:, None] * (1 - steps) + ends[:, None] * steps
    return np.stack([places[:, :-1], places[:, 1:]], axis=2).reshape(-1, 2, 3)


def _draw(
    image: NDArray[np.uint8] | NDArray[np.int32] | NDArray[np.float32], one: _Drawn, limb: int, value: float
) -> None:
    start, end = one.ends[limb].tolist()
    cv2.line(image, start, end, value, int(one.thickness_px[limb]))
