from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.scene import CameraView, Furniture, Light, Scene, Wall
from keyreid_stream.world.structures import JOINTS, Body, Colour, Garment, Rendered, WorldState
from tests.world.render.bodies import NEAR_VIEW, SHIRT, SKIN, TROUSERS, plain_person, standing, varied_people

VIEW = NEAR_VIEW
TOWARDS, AWAY = np.pi, 0.0


def moment(*bodies: Body) -> WorldState:
    return WorldState(0.0, bodies)


def pixel_of(camera: Camera, body: Body, joint: str) -> tuple[int, int]:
    (pixel,), _ = camera.project(body.joints_m[[JOINTS.index(joint)]])
    x, y = np.rint(pixel).astype(int)
    return int(x), int(y)


def colour_at(rendered: Rendered, pixel: tuple[int, int]) -> np.ndarray:
    """Mean over the 3 x 3 pixels around: cloth and skin have grain."""
    x, y = pixel
    mean: np.ndarray = rendered.image[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)
    return mean


def hue_gap(seen: np.ndarray, paint: Sequence[int]) -> float:
    """How far apart two colours are whatever their brightness: the angle between them, degrees."""
    a, b = np.asarray(seen, float), np.asarray(paint, float)
    return float(np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


@pytest.mark.parametrize(
    ("joint", "paint"),
    [
        ("left_wrist", SKIN),
        ("right_wrist", SKIN),
        ("right_elbow", SKIN),
        ("left_knee", TROUSERS),
        ("right_knee", TROUSERS),
        ("left_shoulder", SHIRT),
        ("right_shoulder", SHIRT),
    ],
)
def test_joints_have_their_paints_colour_where_the_projection_says(
    near: Renderer, near_camera: Camera, joint: str, paint: Colour
) -> None:
    body = standing(plain_person(), (3.0, 0.0), TOWARDS)
    rendered = near.render(moment(body))
    assert hue_gap(colour_at(rendered, pixel_of(near_camera, body, joint)), paint) < 8
    others = {SKIN, SHIRT, TROUSERS} - {paint}
    assert all(hue_gap(colour_at(rendered, pixel_of(near_camera, body, joint)), other) > 12 for other in others)


def test_a_face_has_eyes_and_the_back_of_a_head_has_hair(near: Renderer, near_camera: Camera) -> None:
    front, back = (standing(plain_person(), (2.0, 0.0), heading) for heading in (TOWARDS, AWAY))
    seen_front, seen_back = near.render(moment(front)), near.render(moment(back))
    nose = colour_at(seen_front, pixel_of(near_camera, front, "nose"))
    assert hue_gap(nose, SKIN) < 8
    x, y = pixel_of(near_camera, front, "left_eye")
    assert seen_front.image[y, x].sum() < 0.6 * nose.sum()
    assert colour_at(seen_back, pixel_of(near_camera, back, "nose")).sum() < 0.6 * nose.sum()


def test_a_jackets_sleeve_covers_the_arm_that_a_t_shirt_shows(near: Renderer, near_camera: Camera) -> None:
    jacket = varied_people()[1]
    body = standing(jacket, (3.0, 0.0), TOWARDS)
    rendered = near.render(moment(body))
    assert hue_gap(colour_at(rendered, pixel_of(near_camera, body, "left_elbow")), jacket.top.colour) < 8


@pytest.mark.parametrize("stride", [1.0, 1.3, 1.5])
def test_trousers_cover_a_thigh_that_points_at_the_camera(stride: float) -> None:
    # From above and in front, as most cameras see someone who sits; the jacket leaves no other skin down there.
    view = CameraView(name="high", at=(0, 0, 2.8), look_at=(4, 0, 0.7), fov_deg=50, width=480, height=360)
    camera, body = (
        Camera.of(view),
        standing(plain_person(top=Garment("jacket", SHIRT, (0, 0, 0))), (4.0, 0.0), TOWARDS, stride),
    )
    rendered = Renderer(Scene(name="empty"), view, camera).render(moment(body))
    hip, knee = (body.joints_m[JOINTS.index(f"left_{joint}")] for joint in ("hip", "knee"))
    pixels, _ = camera.project(np.array([hip + share * (knee - hip) for share in np.linspace(0.3, 1, 12)]))
    for x, y in np.rint(pixels).astype(int):
        assert hue_gap(colour_at(rendered, (x, y)), SKIN) > hue_gap(colour_at(rendered, (x, y)), TROUSERS)


def test_the_nearer_person_wins_whatever_their_order(near: Renderer) -> None:
    front = standing(plain_person(1), (3.0, 0.0), TOWARDS)
    behind = standing(plain_person(2), (4.0, 0.0), TOWARDS)
    one, other = near.render(moment(front, behind)), near.render(moment(behind, front))
    np.testing.assert_array_equal(one.person_ids, other.person_ids)
    np.testing.assert_array_equal(one.image, other.image)
    alone = near.render(moment(front))
    np.testing.assert_array_equal(one.person_ids == 1, alone.person_ids == 1)


def test_depth_at_a_person_is_about_where_they_stand(near: Renderer, near_camera: Camera) -> None:
    body = standing(plain_person(), (3.5, 0.3), TOWARDS)
    rendered = near.render(moment(body))
    _, depths = near_camera.project(body.joints_m)
    own = rendered.depth_m[rendered.person_ids == 1]
    assert depths.min() - 0.25 < own.min() < own.max() < depths.max() + 0.25


def test_a_wall_hides_a_person_but_not_their_silhouette() -> None:
    wall = Scene(name="wall", walls=(Wall(start=(2, -3), end=(2, 3)),))
    body = standing(plain_person(), (3.0, 0.0), TOWARDS)
    rendered = Renderer(wall, VIEW, Camera.of(VIEW)).render(moment(body))
    assert not rendered.person_ids.any()
    free = Renderer(Scene(name="empty"), VIEW, Camera.of(VIEW)).render(moment(body))
    assert rendered.silhouettes == free.silhouettes


def test_a_desk_hides_the_legs_only() -> None:
    desk = Scene(name="desk", furniture=(Furniture(centre=(2.4, 0), size=(0.4, 3, 0.75)),))
    camera = Camera.of(VIEW)
    body = standing(plain_person(), (3.0, 0.0), TOWARDS)
    rendered = Renderer(desk, VIEW, camera).render(moment(body))

    def owner(joint: str) -> int:
        x, y = pixel_of(camera, body, joint)
        return int(rendered.person_ids[y, x])

    assert [owner("left_ankle"), owner("right_knee"), owner("left_shoulder"), owner("nose")] == [0, 0, 1, 1]


def test_silhouettes_count_the_pixels_of_those_whom_nobody_hides(near: Renderer) -> None:
    bodies = [standing(plain_person(1 + row), (5.0, 1.2 * row - 1.2), TOWARDS) for row in range(3)]
    rendered = near.render(moment(*bodies))
    counts = {person_id: int((rendered.person_ids == person_id).sum()) for person_id in (1, 2, 3)}
    assert counts == {person_id: seen.pixels for person_id, seen in rendered.silhouettes.items()}


def test_a_hidden_persons_silhouette_is_as_if_alone(near: Renderer) -> None:
    front = standing(plain_person(1), (3.0, 0.0), TOWARDS)
    behind = standing(plain_person(2), (4.0, 0.1), TOWARDS)
    assert near.render(moment(front, behind)).silhouettes[2] == near.render(moment(behind)).silhouettes[2]


@pytest.mark.parametrize("person", varied_people(), ids=lambda person: str(person.person_id))
@pytest.mark.parametrize("heading", [TOWARDS, 0.7])
def test_boxes_fit_the_pixels_and_hold_all_joints(
    near: Renderer, near_camera: Camera, person: object, heading: float
) -> None:
    body = standing(person, (4.5, 0.0), heading, stride_rad=0.3)  # type: ignore[arg-type]
    rendered = near.render(moment(body))
    box = np.array(rendered.silhouettes[body.person.person_id].box_xyxy)
    rows, columns = np.nonzero(rendered.person_ids)
    tight = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(box - tight).max() <= 0.75
    pixels, _ = near_camera.project(body.joints_m)
    assert (pixels > box[:2]).all()
    assert (pixels < box[2:]).all()


def test_a_box_goes_on_beyond_the_pictures_edge(near: Renderer) -> None:
    close = near.render(moment(standing(plain_person(), (1.5, 0.0), TOWARDS))).silhouettes[1]
    assert close.box_xyxy[3] > VIEW.height
    side = near.render(moment(standing(plain_person(), (4.0, 1.75), TOWARDS)))
    x1, _, x2, _ = side.silhouettes[1].box_xyxy
    assert x1 < 0 < x2
    assert side.silhouettes[1].pixels == int((side.person_ids == 1).sum())


@pytest.mark.parametrize("place", [(-3.0, 0.0), (0.0, 0.0), (4.0, 30.0), (0.02, 0.1), (-0.1, 0.3)])
def test_who_is_out_of_sight_or_in_the_lens_does_not_break_the_picture(
    near: Renderer, place: tuple[float, float]
) -> None:
    rendered = near.render(moment(standing(plain_person(), place, TOWARDS)))
    seen = int((rendered.person_ids == 1).sum())
    assert seen == (rendered.silhouettes[1].pixels if 1 in rendered.silhouettes else 0)
    if place in ((-3.0, 0.0), (4.0, 30.0)):
        assert rendered.silhouettes == {}


@settings(max_examples=25, deadline=None)
@given(
    x=st.floats(-2, 9), y=st.floats(-5, 5), heading=st.floats(-4, 4), stride=st.floats(-0.6, 0.6), row=st.integers(0, 7)
)
def test_ids_depths_and_silhouettes_agree_anywhere(
    near: Renderer, x: float, y: float, heading: float, stride: float, row: int
) -> None:
    empty = near.render(moment())
    rendered = near.render(moment(standing(varied_people()[row], (x, y), heading, stride)))
    changed = rendered.depth_m != empty.depth_m
    np.testing.assert_array_equal(changed, rendered.person_ids != 0)
    assert sum(seen.pixels for seen in rendered.silhouettes.values()) == int(changed.sum())


HIGH = CameraView(name="high", at=(0, 0, 3.2), look_at=(3, 0, 0.7), fov_deg=80, width=240, height=160)


@pytest.fixture(scope="module")
def high() -> Renderer:
    return Renderer(Scene(name="empty"), HIGH, Camera.of(HIGH))


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-2, 4), y=st.floats(-3, 3), heading=st.floats(-4, 4), row=st.integers(0, 7))
def test_every_drawn_pixel_lies_on_the_body_even_beside_and_below_the_camera(
    high: Renderer, x: float, y: float, heading: float, row: int
) -> None:
    camera = Camera.of(HIGH)
    rendered = high.render(moment(standing(varied_people()[row], (x, y), heading, 0.3)))
    rows, columns = np.nonzero(rendered.person_ids)
    if not len(rows):
        return
    rays = camera.rays(np.column_stack([columns, rows]).astype(float))
    places = camera.position + rays * (rendered.depth_m[rows, columns] / (rays @ camera.R[2]))[:, None]
    # A stride reaches half a metre; an umbrella a metre, and seen from beside it as if farther: it is large and near.
    away = np.hypot(*(places[:, :2] - [x, y]).T)
    assert (away < (1.6 if row == 5 else 0.75)).all()
    assert ((places[:, 2] > -0.25) & (places[:, 2] < 2.3)).all()


def test_same_state_same_bytes_whatever_the_threads_and_whatever_came_before() -> None:
    scene = Scene(name="night", light=Light(time="night"), furniture=(Furniture(centre=(5, 1), size=(1, 1, 1)),))
    state = moment(*(standing(person, (3 + row / 3, row / 2 - 2), row) for row, person in enumerate(varied_people())))
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        first = Renderer(scene, VIEW, Camera.of(VIEW)).render(state)
    finally:
        cv2.setNumThreads(threads)
    renderer = Renderer(scene, VIEW, Camera.of(VIEW))
    renderer.render(moment(standing(plain_person(9), (3.0, 0.0))))
    again = renderer.render(state)
    for name in ("image", "person_ids", "depth_m"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.silhouettes == again.silhouettes


def test_a_person_throws_a_shadow_away_from_the_sun(near_camera: Camera) -> None:
    scene = Scene(name="sun", light=Light(azimuth_deg=90, elevation_deg=45, ambient=0.3))
    renderer = Renderer(scene, VIEW, near_camera)
    empty, shaded = renderer.render(moment()), renderer.render(moment(standing(plain_person(), (4.0, 0.5), TOWARDS)))

    def brightness(rendered: Rendered, x: float, y: float) -> float:
        (pixel,), _ = near_camera.project(np.array([[x, y, 0.0]]))
        column, row = np.rint(pixel).astype(int)
        assert rendered.person_ids[row, column] == 0
        return float(rendered.image[row, column].mean())

    # The sun stands over +y at 45 degrees: a chest 1.2 m high darkens the floor 1.2 m towards -y.
    assert brightness(shaded, 4.0, -0.7) < 0.6 * brightness(empty, 4.0, -0.7)
    assert brightness(shaded, 4.0, 1.3) == pytest.approx(brightness(empty, 4.0, 1.3), abs=1)


def test_night_is_darker_and_bluer_than_day(near_camera: Camera) -> None:
    body = standing(plain_person(), (4.0, 0.0), TOWARDS)
    day, night = (
        Renderer(Scene(name="x", light=Light(time=time)), VIEW, near_camera).render(moment(body)).image.reshape(-1, 3)
        for time in ("day", "night")  # type: ignore[arg-type]
    )
    assert night.mean() < 0.75 * day.mean()
    assert (night == 0).all(axis=1).mean() < 0.01


def test_a_camera_of_another_size_than_its_view_is_refused(near_camera: Camera) -> None:
    with pytest.raises(ValueError, match="takes 480x360 pictures"):
        Renderer(Scene(name="x"), VIEW.model_copy(update={"width": 640}), near_camera)
