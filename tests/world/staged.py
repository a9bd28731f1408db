"""Bodies, cameras and pictures made by hand, for tests of truth and of what is written of it."""

from __future__ import annotations

import numpy as np

from keyreid_stream.structures import Frame
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView
from keyreid_stream.world.structures import JOINTS, Body, Garment, Person, Rendered, Silhouette
from keyreid_stream.world.truth import FrameTruth, Shot

VIEW = CameraView(name="door", at=(0.0, 0.0, 1.5), look_at=(10.0, 0.0, 1.5), width=200, height=100, fov_deg=90)
"""Looks along x at eye height: y on the plan runs to the left of the picture, one metre at 10 m is 10 pixels."""


def person(person_id: int = 1, *, height_m: float = 1.7, build: float = 1.0) -> Person:
    shirt = Garment("t_shirt", (200, 0, 0), (0, 0, 0))
    trousers = Garment("trousers", (0, 0, 90), (0, 0, 0))
    return Person(
        person_id, height_m, build, (220, 180, 150), (40, 30, 20), "short", (20, 20, 20), top=shirt, bottom=trousers
    )


def body(
    person_id: int = 1, *, at: tuple[float, float] = (10.0, 0.0), joint_z: float = 1.0, build: float = 1.0
) -> Body:
    """A body whose joints are all in one place above the spot; tests move those they are about."""
    joints = np.tile([*at, joint_z], (len(JOINTS), 1)).astype(float)
    return Body(person(person_id, build=build), joints, 0.5, np.array(at), "standing")


def picture(camera: Camera, wall_m: float = 30.0) -> Rendered:
    """Nobody, in front of a wall."""
    size = (camera.height, camera.width)
    return Rendered(np.zeros((*size, 3), np.uint8), np.zeros(size, np.int32), np.full(size, wall_m, np.float32), {})


def paint(rendered: Rendered, person_id: int, box: tuple[int, int, int, int], depth_m: float) -> None:
    """Put a rectangular person into the picture, before what is farther away; `box` may reach beyond the edge."""
    x1, y1, x2, y2 = box
    height, width = rendered.person_ids.shape
    region = np.zeros((height, width), bool)
    region[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = True
    nearer = region & (rendered.depth_m > depth_m)
    rendered.person_ids[nearer] = person_id
    rendered.depth_m[nearer] = depth_m
    rendered.silhouettes[person_id] = Silhouette(tuple(map(float, box)), int(region.sum()))  # type: ignore[arg-type]


def shot(
    frame_index: int = 0,
    people: dict[int, tuple[float, float, float, float]] | None = None,
    *,
    camera_id: str = "door",
    occlusion: float = 0.0,
    size: tuple[int, int] = (60, 80),
    fps: float = 10.0,
    clock_offset_s: float = 0.0,
) -> Shot:
    """A shot of size (height, width) with people in these boxes, as if by hand.

    A person's keypoints are the middle of the box, visible; the nose is occluded, the right ankle outside at (-5, 70).
    """
    people = people or {}
    boxes = np.array(list(people.values()), np.float32).reshape(-1, 4)
    height, width = size
    visible = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    keypoints = np.zeros((len(people), 17, 3), np.float32)
    keypoints[:, :, :2] = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    keypoints[:, :, 2] = 2
    keypoints[:, 0, 2] = 1
    keypoints[:, 16] = (-5, 70, 0)
    silhouette = np.prod(visible[:, 2:] - visible[:, :2], axis=1)
    time_s = frame_index / fps
    truth = FrameTruth(
        time_s=time_s,
        person_ids=np.array(list(people), np.int64),
        boxes_xyxy=boxes,
        visible_boxes_xyxy=visible,
        keypoints=keypoints,
        visible_pixels=np.round(silhouette * (1 - occlusion)).astype(np.int64),
        silhouette_pixels=silhouette.astype(np.int64),
        occlusion=np.full(len(people), occlusion, np.float32),
        floor_xy=np.array([[person_id, 2.5] for person_id in people], np.float64).reshape(-1, 2),
        heading_rad=np.full(len(people), 0.25),
        actions=("walking",) * len(people),
    )
    image = np.full((height, width, 3), 40, np.uint8)
    for person_id, (x1, y1, x2, y2) in zip(people, visible.astype(int), strict=True):
        image[y1:y2, x1:x2] = (200, 20 * person_id, 0)
    return Shot(Frame(camera_id, frame_index, time_s + clock_offset_s, image), truth)
