"""What is true about a rendered frame: who is in it, where, and what of them can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from keyreid_stream.structures import FloatArray, Frame, IntArray
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.structures import JOINTS, KEYPOINTS, Body, Person, Points, Rendered, WorldState

OUTSIDE, OCCLUDED, VISIBLE = 0, 1, 2
"""COCO's visibility of a keypoint."""

MIN_VISIBLE_PIXELS = 100
"""People who show fewer pixels are not to be found: about a hand's worth, which no detector could call a person."""

_NEIGHBOURS = 1
"""Pixels around a joint's own that may show it: a thin wrist may miss the pixel that its joint rounds to."""

_REFERENCE_HEIGHT_M = 1.7

_COVER_M = np.array(
    [
        *(0.07, 0.07, 0.07, 0.09, 0.09),  # nose and eyes, on the face; ears, beside the head
        *(0.17, 0.17),  # shoulders
        *(0.10, 0.10),  # elbows
        *(0.09, 0.09),  # wrists
        *(0.20, 0.20),  # hips, deep inside the body
        *(0.15, 0.15),  # knees, under cloth
        *(0.11, 0.11),  # ankles, in shoes
    ]
)
"""How much of a body of 1.7 m may lie in front of a joint that is still seen, metres; more hides it."""

_TRUNK = np.array([name.endswith(("shoulder", "hip")) for name in JOINTS[:KEYPOINTS]])
"""Joints whose cover grows with a person's build: shoulders and hips."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameTruth:
    """The K people who cover a pixel of a frame, or would if nothing stood in front of them; by person id.

    Boxes and keypoints are pixels of the frame, x to the right, y down. Keypoints are what the camera's calibration
    gives: the centre of the upper left pixel is (0, 0). A box's corners lie on the edges of pixels, so that
    `image[y1:y2, x1:x2]` is what it holds.

    Attributes:
        time_s: of the world's clock, which no camera's clock offset touches.
        person_ids: (K,) int64, rising.
        boxes_xyxy: (K, 4) float32, whole people: through occluders and beyond the picture's edge.
        visible_boxes_xyxy: (K, 4) float32, around the pixels that show the person; zeros for none.
        keypoints: (K, 17, 3) float32, x, y and visibility: 2 visible, 1 occluded (by someone, by something or by the
            person's own body), 0 outside the picture. Places outside are kept; behind the camera they are 0, 0.
        visible_pixels: (K,) int64, pixels that show the person.
        silhouette_pixels: (K,) int64, pixels of the picture that would if nothing stood in front.
        occlusion: (K,) float32, 1 - visible_pixels / silhouette_pixels.
        floor_xy: (K, 2) float64, where they stand, metres.
        heading_rad: (K,) float64, where they face.
        actions: K times `walking`, `standing` or `sitting`.
    """

    time_s: float
    person_ids: IntArray
    boxes_xyxy: FloatArray
    visible_boxes_xyxy: FloatArray
    keypoints: FloatArray
    visible_pixels: IntArray
    silhouette_pixels: IntArray
    occlusion: FloatArray
    floor_xy: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    actions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.person_ids)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame and the truth about it."""

    frame: Frame
    truth: FrameTruth


def frame_truth(state: WorldState, camera: Camera, rendered: Rendered) -> FrameTruth:
    """The truth about one camera's view of a moment: a pure function of what is given.

    A keypoint inside the picture is visible if the person is seen at its pixel or a pixel beside it, with no more in
    front of the joint than the thickness of the body there. A joint on the far side of its own body (the nose from
    behind, a hip from the other side, a wrist behind the back, eyes under an umbrella) is therefore occluded.

    Args:
        state: everyone in the world.
        camera: the camera that `rendered` is the view of.
        rendered: the view, before what a sensor does to it.
    """
    bodies = sorted(
        (body for body in state.bodies if body.person.person_id in rendered.silhouettes),
        key=lambda body: body.person.person_id,
    )
    silhouettes = [rendered.silhouettes[body.person.person_id] for body in bodies]
    ids = np.array([body.person.person_id for body in bodies], np.int64)
    visible_boxes, visible_pixels = _visible_parts(rendered.person_ids, ids)
    silhouette_pixels = np.array([silhouette.pixels for silhouette in silhouettes], np.int64)
    return FrameTruth(
        time_s=state.time_s,
        person_ids=ids,
        boxes_xyxy=np.array([silhouette.box_xyxy for silhouette in silhouettes], np.float32).reshape(-1, 4),
        visible_boxes_xyxy=visible_boxes,
        keypoints=_keypoints(bodies, camera, rendered),
        visible_pixels=visible_pixels,
        silhouette_pixels=silhouette_pixels,
        occlusion=(1 - visible_pixels / np.maximum(silhouette_pixels, 1)).astype(np.float32),
        floor_xy=np.array([body.floor_xy for body in bodies], np.float64).reshape(-1, 2),
        heading_rad=np.array([body.heading_rad for body in bodies], np.float64),
        actions=tuple(body.action for body in bodies),
    )


def _visible_parts(person_ids: NDArray[np.int32], wanted: IntArray) -> tuple[FloatArray, IntArray]:
    """Boxes (K, 4) around the pixels of the wanted people, and the pixels' numbers (K,)."""
    boxes = np.zeros((len(wanted), 4), np.float32)
    most = int(wanted.max(initial=0))
    regions = find_objects(person_ids, max_label=most)
    for row, person_id in enumerate(wanted):
        region = regions[person_id - 1]
        if region is not None:
            rows, columns = region
            boxes[row] = columns.start, rows.start, columns.stop, rows.stop
    # People whom nobody asks for have higher ids or no silhouette; neither may disturb the count.
    counts = np.bincount(person_ids.ravel(), minlength=most + 1)
    return boxes, counts[wanted].astype(np.int64)


def _keypoints(bodies: list[Body], camera: Camera, rendered: Rendered) -> FloatArray:
    """(K, 17, 3), all bodies projected at once."""
    keypoints = np.zeros((len(bodies), KEYPOINTS, 3), np.float32)
    if not bodies:
        return keypoints
    pixels, depth_m = camera.project(np.concatenate([body.joints_m[:KEYPOINTS] for body in bodies]))
    in_front = (depth_m > 0) & np.isfinite(pixels).all(axis=1)
    pixels = np.where(in_front[:, None], pixels, 0.0).reshape(len(bodies), KEYPOINTS, 2)
    depth_m, in_front = depth_m.reshape(len(bodies), KEYPOINTS), in_front.reshape(len(bodies), KEYPOINTS)
    keypoints[..., :2] = pixels
    height, width = rendered.person_ids.shape
    nearest = np.rint(np.clip(pixels, -1, [width, height])).astype(int)
    inside = in_front & (nearest >= 0).all(axis=2) & (nearest < [width, height]).all(axis=2)
    for row, body in enumerate(bodies):
        deepest_m = depth_m[row] - _cover_m(body.person)
        for joint in np.flatnonzero(inside[row]):
            x, y = nearest[row, joint]
            seen = _shows(rendered, body.person.person_id, x, y, deepest_m[joint])
            keypoints[row, joint, 2] = VISIBLE if seen else OCCLUDED
    return keypoints


def _shows(rendered: Rendered, person_id: int, x: int, y: int, from_m: float) -> bool:
    """Whether the person is seen at a pixel or beside it, at this depth or behind."""
    rows = slice(max(0, y - _NEIGHBOURS), y + _NEIGHBOURS + 1)
    columns = slice(max(0, x - _NEIGHBOURS), x + _NEIGHBOURS + 1)
    own = rendered.person_ids[rows, columns] == person_id
    return bool((own & (rendered.depth_m[rows, columns] >= from_m)).any())


def _cover_m(person: Person) -> Points:
    """(17,) how much of this person may lie in front of each joint that is still seen."""
    cover: Points = _COVER_M * (person.height_m / _REFERENCE_HEIGHT_M)
    return np.where(_TRUNK, cover * max(1.0, person.build), cover)
