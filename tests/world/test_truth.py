from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.structures import JOINTS, Body, Rendered, WorldState
from keyreid_stream.world.truth import FrameTruth, frame_truth
from tests.world.staged import VIEW, body, paint, picture

CAMERA = Camera.of(VIEW)
SHOULDER, WRIST, HIP = (JOINTS.index(f"left_{name}") for name in ("shoulder", "wrist", "hip"))


def truth_of(rendered: Rendered, *bodies: Body) -> FrameTruth:
    return frame_truth(WorldState(3.5, bodies), CAMERA, rendered)


def visibility(rendered: Rendered, one: Body, joint: int) -> int:
    return int(truth_of(rendered, one).keypoints[0, joint, 2])


def test_one_person_in_the_open() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 1, (95, 40, 105, 60), 9.95)
    truth = truth_of(rendered, body())
    assert truth.time_s == 3.5
    assert truth.person_ids.tolist() == [1]
    assert truth.boxes_xyxy.tolist() == truth.visible_boxes_xyxy.tolist() == [[95, 40, 105, 60]]
    assert truth.visible_pixels.tolist() == truth.silhouette_pixels.tolist() == [200]
    assert truth.occlusion.tolist() == [0]
    assert truth.floor_xy.tolist() == [[10, 0]]
    assert truth.heading_rad.tolist() == [0.5]
    assert truth.actions == ("standing",)
    assert (truth.keypoints[0, :, 2] == 2).all()


def test_keypoints_are_the_camera_s_projection() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 1, (90, 40, 110, 60), 9.9)
    one = body()
    one.joints_m[SHOULDER] = (10, 0.5, 1.3)
    # By hand: f = 100 px; 0.5 m to the left at 10 m is 5 px left of the centre 99.5; 0.2 m below the axis is 2 px down.
    assert truth_of(rendered, one).keypoints[0, SHOULDER] == pytest.approx((94.5, 51.5, 2))


def test_who_is_half_behind_another() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 2, (95, 40, 115, 60), 9.9)
    paint(rendered, 1, (100, 30, 110, 90), 5.0)
    truth = truth_of(rendered, body(2), body(1, at=(5.0, 0.0)))
    assert truth.person_ids.tolist() == [1, 2]
    assert truth.occlusion.tolist() == [0, 0.5]
    assert truth.boxes_xyxy[1].tolist() == [95, 40, 115, 60]
    assert truth.visible_boxes_xyxy[1].tolist() == [95, 40, 115, 60]


def test_the_visible_box_holds_only_what_is_seen() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 2, (95, 40, 115, 60), 9.9)
    paint(rendered, 1, (90, 50, 120, 100), 5.0)
    assert truth_of(rendered, body(2)).visible_boxes_xyxy.tolist() == [[95, 40, 115, 50]]


def test_who_is_wholly_hidden_is_still_there() -> None:
    rendered = picture(CAMERA, wall_m=4.0)
    paint(rendered, 1, (95, 40, 115, 60), 9.9)
    truth = truth_of(rendered, body())
    assert truth.occlusion.tolist() == [1]
    assert truth.visible_boxes_xyxy.tolist() == [[0, 0, 0, 0]]
    assert truth.visible_pixels.tolist() == [0]
    assert (truth.keypoints[0, :, 2] == 1).all()


def test_a_person_cut_by_the_edge() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 1, (-10, 40, 10, 60), 9.9)
    one = body()
    one.joints_m[WRIST] = (10, 10.4, 1.0)  # 104 px to the left of the centre
    one.joints_m[HIP] = (10, 9.7, 1.0)
    truth = truth_of(rendered, one)
    assert truth.boxes_xyxy.tolist() == [[-10, 40, 10, 60]]
    assert truth.visible_boxes_xyxy.tolist() == [[0, 40, 10, 60]]
    assert truth.occlusion.tolist() == [0]
    assert truth.keypoints[0, WRIST] == pytest.approx((-4.5, 54.5, 0))
    assert truth.keypoints[0, HIP, 2] == 2


def test_a_joint_behind_the_camera_is_outside() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 1, (0, 0, 200, 100), 0.3)
    one = body(at=(0.3, 0.0), joint_z=1.5)
    one.joints_m[WRIST] = (-0.2, 0, 1.5)
    keypoints = truth_of(rendered, one).keypoints
    assert keypoints[0, WRIST].tolist() == [0, 0, 0]
    assert np.isfinite(keypoints).all()


def test_someone_who_covers_no_pixel_is_left_out() -> None:
    truth = truth_of(picture(CAMERA), body())
    assert len(truth) == 0
    assert truth.boxes_xyxy.shape == truth.visible_boxes_xyxy.shape == (0, 4)
    assert truth.keypoints.shape == (0, 17, 3)
    assert truth.floor_xy.shape == (0, 2)


@pytest.mark.parametrize(
    ("joint", "in_front_m", "seen"),
    [(WRIST, 0.05, 2), (WRIST, 0.25, 1), (SHOULDER, 0.12, 2), (SHOULDER, 0.40, 1), (HIP, 0.16, 2), (HIP, 0.35, 1)],
)
def test_one_s_own_body_hides_a_joint_that_lies_deep_behind_it(joint: int, in_front_m: float, seen: int) -> None:
    rendered = picture(CAMERA)
    paint(rendered, 1, (95, 40, 105, 60), 10 - in_front_m)
    assert visibility(rendered, body(), joint) == seen


def test_a_broad_body_covers_its_hips_more() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 1, (95, 40, 105, 60), 10 - 0.23)
    assert visibility(rendered, body(build=1.0), HIP) == 1
    assert visibility(rendered, body(build=1.3), HIP) == 2
    assert visibility(rendered, body(build=1.3), WRIST) == 1


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_joint_may_miss_its_body_by_a_pixel(offset: int) -> None:
    rendered = picture(CAMERA)
    one = body()
    x, y = np.rint(CAMERA.project(one.joints_m[:1])[0][0]).astype(int)
    paint(rendered, 1, (x + offset, y, x + offset + 1, y + 1), 9.95)
    assert visibility(rendered, one, WRIST) == 2


def test_a_joint_beside_its_body_is_not_seen() -> None:
    rendered = picture(CAMERA)
    one = body()
    x, y = np.rint(CAMERA.project(one.joints_m[:1])[0][0]).astype(int)
    paint(rendered, 1, (x + 2, y, x + 5, y + 1), 9.95)
    assert visibility(rendered, one, WRIST) == 1


def test_another_person_at_the_same_depth_does_not_make_a_joint_visible() -> None:
    rendered = picture(CAMERA)
    paint(rendered, 2, (90, 40, 110, 60), 9.95)
    paint(rendered, 1, (90, 40, 110, 60), 9.96)
    assert visibility(rendered, body(1), WRIST) == 1


@given(
    st.lists(
        st.tuples(st.integers(-20, 190), st.integers(-20, 90), st.integers(1, 60), st.integers(1, 60)), max_size=6
    ),
    st.integers(0, 2**32 - 1),
)
def test_what_is_seen_never_exceeds_what_is_there(rectangles: list[tuple[int, int, int, int]], seed: int) -> None:
    rendered = picture(CAMERA)
    depths = np.random.default_rng(seed).uniform(2, 28, len(rectangles))
    for person_id, ((x, y, width, height), depth) in enumerate(zip(rectangles, depths, strict=True), 1):
        paint(rendered, person_id, (x, y, x + width, y + height), float(depth))
    for person_id in [known for known, silhouette in rendered.silhouettes.items() if silhouette.pixels == 0]:
        del rendered.silhouettes[person_id]
    truth = truth_of(rendered, *(body(person_id) for person_id in range(len(rectangles), 0, -1)))
    assert truth.person_ids.tolist() == sorted(rendered.silhouettes)
    assert ((truth.occlusion >= 0) & (truth.occlusion <= 1)).all()
    for row, person_id in enumerate(truth.person_ids):
        seen = rendered.person_ids == person_id
        assert truth.visible_pixels[row] == seen.sum()
        x1, y1, x2, y2 = truth.visible_boxes_xyxy[row].astype(int)
        assert seen[y1:y2, x1:x2].sum() == seen.sum()
        if seen.any():
            edges = (seen[y1, x1:x2], seen[y2 - 1, x1:x2], seen[y1:y2, x1], seen[y1:y2, x2 - 1])
            assert all(edge.any() for edge in edges)
            full = truth.boxes_xyxy[row]
            assert (full[:2] <= (x1, y1)).all()
            assert (full[2:] >= (x2, y2)).all()
