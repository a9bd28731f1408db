from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView, load_scene, scene_names

BENT = (-0.2, 0.03, 0.002, -0.001, 0.001)


def camera(at: tuple[float, float, float] = (0.0, -5.0, 3.0), **settings: object) -> Camera:
    return Camera.of(CameraView(name="a", at=at, look_at=(0.0, 0.0, 1.0), **settings))  # type: ignore[arg-type]


def test_what_it_looks_at_is_in_the_middle_and_up_is_up() -> None:
    pixels, depth = camera().project(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.5], [0.5, 0.0, 1.0]]))

    assert pixels[0] == pytest.approx([319.5, 179.5])
    assert depth[0] == pytest.approx(np.hypot(5, 2))
    assert pixels[1, 1] < pixels[0, 1]
    assert pixels[2, 0] > pixels[0, 0]
    assert pixels[2, 1] == pytest.approx(pixels[0, 1])


def test_the_field_of_view_is_horizontal() -> None:
    view = camera(at=(0.0, -4.0, 1.0), fov_deg=90.0)
    pixels, _ = view.project(np.array([[4.0, 0.0, 1.0]]))

    assert pixels[0] == pytest.approx([319.5 + 320, 179.5])


def test_it_agrees_with_opencv() -> None:
    view = camera(distortion=BENT)
    points = np.random.default_rng(1).uniform([-2, -2, 0], [2, 6, 2], (500, 3))
    pixels, _ = view.project(points)
    expected, _ = cv2.projectPoints(points, cv2.Rodrigues(view.R)[0], view.t, view.K, view.distortion)

    assert np.abs(pixels - expected[:, 0]).max() < 1e-6


def test_points_behind_have_no_pixel() -> None:
    pixels, depth = camera().project(np.array([[0.0, -9.0, 3.0], [0.0, 0.0, 1.0]]))

    assert depth[0] <= 0
    assert np.isnan(pixels[0]).all()
    assert np.isfinite(pixels[1]).all()


def test_points_far_outside_do_not_fold_back_into_the_picture() -> None:
    view = camera(at=(0.0, 0.0, 1.0001), distortion=(-0.15, 0.0, 0.0, 0.0, 0.0))
    forward = view.R[2]
    sideways = view.R[0]
    angles = np.radians(np.linspace(40, 89, 200))
    points = view.position + 5 * (np.cos(angles)[:, None] * forward + np.sin(angles)[:, None] * sideways)
    pixels, _ = view.project(points)

    assert (np.diff(pixels[:, 0]) > 0).all()
    assert (pixels[:, 0] > view.width - 1).all()


@given(st.floats(0, 639), st.floats(150, 359))
def test_a_floor_point_projects_back_to_its_pixel(x: float, y: float) -> None:
    view = camera(distortion=BENT)
    place = view.floor_point((x, y))
    pixels, _ = view.project(np.array([[*place, 0.0]]))

    assert pixels[0] == pytest.approx([x, y], abs=1e-3)


def test_above_the_horizon_there_is_no_floor() -> None:
    assert np.isnan(camera(at=(0.0, -5.0, 1.0)).floor_point((320, 10))).all()


@pytest.mark.parametrize("name", scene_names())
def test_floor_points_seen_by_two_cameras_close(name: str) -> None:
    scene = load_scene(name)
    cameras = [Camera.of(view) for view in scene.cameras]
    places = np.random.default_rng(0).uniform(0, scene.floor.size, (300, 2))
    points = np.column_stack([places, np.zeros(len(places))])
    pixels = np.array([view.project(points)[0] for view in cameras])
    sizes = np.array([[[view.width, view.height]] for view in cameras])
    seen = ((pixels >= 0) & (pixels < sizes)).all(axis=2)
    again = np.array([[view.floor_point(pixel) for pixel in row] for view, row in zip(cameras, pixels, strict=True)])

    assert seen.any(axis=1).all()
    assert np.linalg.norm(again - places, axis=2)[seen].max() < 0.02


def test_rays_of_two_cameras_meet_at_the_point_they_see() -> None:
    cameras = [camera(distortion=BENT), camera(at=(5.0, 1.0, 2.5), distortion=BENT)]
    point = np.array([0.4, 0.3, 1.2])
    system, right = [], []
    for view in cameras:
        direction = view.rays(view.project(point[None])[0])[0]
        across = np.eye(3) - np.outer(direction, direction)
        system.append(across)
        right.append(across @ view.position)

    met = np.linalg.lstsq(np.concatenate(system), np.concatenate(right), rcond=None)[0]

    assert np.linalg.norm(met - point) < 0.001


def test_a_camera_may_look_straight_down() -> None:
    view = Camera.of(CameraView(name="top", at=(2.0, 2.0, 4.0), look_at=(2.0, 2.0, 0.0)))

    assert view.floor_point((319.5, 179.5)) == pytest.approx([2.0, 2.0])
    assert np.linalg.det(view.R) == pytest.approx(1.0)


def test_the_calibration_says_it_all_in_json() -> None:
    view = camera(distortion=BENT)
    read = json.loads(json.dumps(view.as_json()))
    point = np.array([[0.3, 0.2, 0.9]])
    rotation = cv2.Rodrigues(np.array(read["R"]))[0]
    expected, _ = cv2.projectPoints(
        point, rotation, np.array(read["t"]), np.array(read["K"]), np.array(read["distortion"])
    )

    assert view.project(point)[0] == pytest.approx(expected[0], abs=1e-9)
    assert (read["camera_id"], read["width"], read["height"]) == ("a", 640, 360)
