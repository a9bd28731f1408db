from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.cutting import cut
from keyreid_stream.world.render.figure import figure
from keyreid_stream.world.render.posed import Posed
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.scene import CameraView, Scene
from keyreid_stream.world.structures import WorldState
from tests.world.render.bodies import NEAR_VIEW, SHIRT, plain_person, standing, varied_people

CLOSE = CameraView(name="close", at=(0, 0, 1.5), look_at=(3, 0, 1.2), fov_deg=80, width=240, height=160)
LOW = CameraView(
    name="low",
    at=(0, 0, 2.2),
    look_at=(1.5, 0, 1.0),
    fov_deg=95,
    width=200,
    height=150,
    distortion=(-0.06, 0.008, 0, 0, 0),
)


def test_a_trunk_that_reaches_out_of_the_cone_is_drawn_as_far_as_it_is_in_view() -> None:
    body = standing(plain_person(), (0.25, 0.2), 0.5, 0.3)
    rendered = Renderer(Scene(name="empty"), CLOSE, Camera.of(CLOSE)).render(WorldState(0.0, (body,)))
    # A chest's width a foot away: the shirt takes most of the lower picture, and no skin of the neck shows through.
    low = rendered.image[100:150, 20:160].reshape(-1, 3).astype(float)
    blue = low @ SHIRT / np.linalg.norm(low, axis=1) / np.linalg.norm(SHIRT)
    assert (blue > np.cos(np.radians(12))).mean() > 0.9
    x1, y1, x2, y2 = rendered.silhouettes[1].box_xyxy
    rows, columns = np.nonzero(rendered.person_ids)
    assert x1 <= columns.min() + 1
    assert y1 <= rows.min() + 1
    assert x2 >= columns.max()
    assert y2 >= rows.max()


@pytest.mark.parametrize(("row", "aside"), [(0, 0.15), (3, -0.7)])
def test_who_is_below_and_behind_a_camera_does_not_fill_its_picture(row: int, aside: float) -> None:
    body = standing(varied_people()[row], (-0.2, aside), 0.5, 0.3)
    rendered = Renderer(Scene(name="empty"), LOW, Camera.of(LOW)).render(WorldState(0.0, (body,)))
    assert (rendered.person_ids != 0).mean() < 0.02


def posed_at(x: float) -> Posed:
    body = standing(plain_person(), (x, 0.1))
    return Posed.of([figure(body.person)], [body])


def test_what_is_well_in_view_stays_whole() -> None:
    posed = posed_at(4.0)
    same, left = cut(posed, Camera.of(NEAR_VIEW))
    assert left.all()
    assert same is posed


def test_cut_tubes_lie_on_the_whole_ones_and_within_the_cone() -> None:
    posed, camera = posed_at(0.3), Camera.of(NEAR_VIEW)
    shorter, left = cut(posed, camera)
    rows = np.flatnonzero(left & ~posed.balls & ((shorter.spans != [0, 1]).any(axis=1)))
    assert len(rows) > 3
    axes = posed.ends - posed.starts
    for places, share in ((shorter.starts, shorter.spans[:, 0]), (shorter.ends, shorter.spans[:, 1])):
        np.testing.assert_allclose(places[rows], (posed.starts + share[:, None] * axes)[rows], atol=1e-9)
        sight = places[rows] - camera.position
        angle = np.degrees(np.arccos(sight @ camera.R[2] / np.linalg.norm(sight, axis=1)))
        assert (angle < 70).all()


def test_balls_shrink_on_the_side_that_leaves_the_cone_until_nothing_is_left() -> None:
    camera = Camera.of(NEAR_VIEW)
    sizes = []
    for x in (2.0, 0.2, 0.15, 0.1, 0.05, -0.3):
        posed = posed_at(x)
        smaller, left = cut(posed, camera)
        head = int(np.flatnonzero(posed.balls)[0])
        sizes.append(float(smaller.up_radii[head] / posed.up_radii[head]) if left[head] else 0.0)
    assert sizes[0] == 1
    assert sizes[-1] == 0
    assert sizes == sorted(sizes, reverse=True)
    assert any(0 < size < 1 for size in sizes)
