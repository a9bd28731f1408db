from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.geometry.floor import ANKLE_HEIGHT_M, floor_position, floor_positions
from keyreid_stream.world.film import Film
from keyreid_stream.world.scene import load_scene
from keyreid_stream.world.truth import VISIBLE
from keyreid_stream.world.world import World
from tests.geometry.views import view

CAMERA = view(at=(0.0, -6.0, 3.0))


def person(x: float, y: float, ankle_confidence: tuple[float, float] = (0.9, 0.9)) -> tuple[np.ndarray, np.ndarray]:
    """Box and keypoints of somebody 1.7 m high who stands with feet 0.3 m apart."""
    ankles, _ = CAMERA.project(np.array([[x - 0.15, y, ANKLE_HEIGHT_M], [x + 0.15, y, ANKLE_HEIGHT_M]]))
    (foot, head), _ = CAMERA.project(np.array([[x, y, 0.0], [x, y, 1.7]]))
    half = abs(foot[1] - head[1]) / 5
    # A box ends on pixels' edges, half a pixel beyond their centres.
    box = np.array([foot[0] - half, head[1], foot[0] + half, foot[1]], np.float32) + np.float32(0.5)
    keypoints = np.zeros((17, 3), np.float32)
    keypoints[15:17, :2], keypoints[15:17, 2] = ankles, ankle_confidence
    return box, keypoints


def test_between_the_ankles() -> None:
    box, keypoints = person(0.4, 0.2)
    wrong_box = box + np.float32(25)

    assert floor_position(CAMERA, wrong_box, keypoints) == pytest.approx((0.4, 0.2), abs=0.01)


@pytest.mark.parametrize("ankles", [(0.9, 0.1), (0.1, 0.9)])
def test_with_one_ankle_by_the_box(ankles: tuple[float, float]) -> None:
    box, keypoints = person(0.4, 0.2, ankles)
    keypoints[15:17, :2] += 30

    assert floor_position(CAMERA, box, keypoints) == pytest.approx((0.4, 0.2), abs=0.01)


def test_without_keypoints_by_the_box() -> None:
    box, _ = person(-1.0, 1.0)

    assert floor_position(CAMERA, box) == pytest.approx((-1.0, 1.0), abs=0.01)


def test_hidden_feet_have_no_place() -> None:
    box, keypoints = person(0.4, 0.2, (0.1, 0.1))

    assert floor_position(CAMERA, box, keypoints) is None


def test_a_box_at_the_lower_edge_has_no_place() -> None:
    box = np.array([300, 200, 340, CAMERA.height], np.float32)

    assert floor_position(CAMERA, box) is None
    assert floor_position(CAMERA, box - np.float32([0, 0, 0, 10])) is not None


def test_ankles_outside_the_picture_are_not_seen() -> None:
    box, keypoints = person(0.4, 0.2)
    box[3] = CAMERA.height
    keypoints[15:17, 1] = CAMERA.height + 20

    assert floor_position(CAMERA, box, keypoints) is None


def test_too_far_to_tell_is_nowhere() -> None:
    # From 3 m, focal length 457: a pixel is (d^2 + 9) / 3 / 457 m, 0.2 m at 16.3 m.
    near, far = person(0.0, 9.0)[0], person(0.0, 12.0)[0]

    assert floor_position(CAMERA, near) == pytest.approx((0.0, 9.0), abs=0.01)
    assert floor_position(CAMERA, far) is None


def test_above_the_horizon_and_nan_are_nowhere() -> None:
    boxes = np.array([[300, 0, 320, 5], [np.nan] * 4], np.float32)

    assert np.isnan(floor_positions(CAMERA, boxes)).all()


def test_many_are_as_each() -> None:
    people = [person(0.4, 0.2), person(-1.0, 1.0, (0.9, 0.2)), person(1.0, -1.0, (0.0, 0.0)), person(0.0, 12.0)]
    boxes, keypoints = (np.stack(column) for column in zip(*people, strict=True))
    together = floor_positions(CAMERA, boxes, keypoints)

    for row, (box, points) in enumerate(people):
        alone = floor_position(CAMERA, box, points)
        assert tuple(together[row]) == alone if alone else np.isnan(together[row]).all()


def test_nobody_is_nowhere() -> None:
    empty = np.zeros((0, 4), np.float32)

    assert floor_positions(CAMERA, empty).shape == (0, 2)
    assert floor_positions(CAMERA, empty, np.zeros((0, 17, 3), np.float32)).shape == (0, 2)


def test_true_boxes_and_keypoints_of_a_world_lead_to_where_people_stand() -> None:
    world = World(load_scene("plaza"), seed=3, seconds=8)
    film, camera = Film(world, 0), world.cameras[0]
    errors, seen = [], 0
    for index in range(0, len(film), 10):
        truth = film.shot(index).truth
        shown = truth.visible_pixels >= 100
        keypoints = truth.keypoints[shown].copy()
        keypoints[..., 2] = keypoints[..., 2] == VISIBLE
        places = floor_positions(camera, truth.visible_boxes_xyxy[shown], keypoints)
        seen += int(shown.sum())
        errors += np.linalg.norm(places - truth.floor_xy[shown], axis=1).tolist()
    known = np.array(errors)[np.isfinite(errors)]

    assert len(known) > 0.5 * seen > 10
    assert np.median(known) < 0.2
    assert known.max() < 0.9
