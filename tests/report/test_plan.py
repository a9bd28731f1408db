from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.report.plan import FloorPlan, clipped
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import CameraView, Furniture, Pillar, Wall, load_scene, scene_names
from tests.world.small_worlds import YARD

SCENE = YARD.model_copy(
    update={
        "walls": (Wall(start=(1.0, 2.0), end=(5.0, 2.0), thickness=0.2),),
        "furniture": (Furniture(centre=(3.0, 5.0), size=(2.0, 1.0, 0.7), heading_deg=90.0),),
        "pillars": (Pillar(centre=(7.0, 5.0), radius=0.5),),
    }
)


def area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def test_shapes_lie_where_the_scene_says() -> None:
    wall, furniture, pillar = FloorPlan.of(SCENE).shapes
    assert (wall.kind, furniture.kind, pillar.kind) == ("wall", "furniture", "pillar")
    assert sorted(map(tuple, wall.corners.round(6).tolist())) == [(1, 1.9), (1, 2.1), (5, 1.9), (5, 2.1)]
    # Turned by a quarter: one metre wide along x, two along y.
    assert sorted(map(tuple, furniture.corners.round(6).tolist())) == [(2.5, 4), (2.5, 6), (3.5, 4), (3.5, 6)]
    assert np.linalg.norm(pillar.corners - (7, 5), axis=1) == pytest.approx(np.full(len(pillar.corners), 0.5))


def inside(polygon: np.ndarray, place: np.ndarray) -> bool:
    """By the number of edges that a ray to the right crosses."""
    (x1, y1), (x2, y2) = polygon.T, np.roll(polygon, 1, axis=0).T
    crosses = (y1 > place[1]) != (y2 > place[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x1 + (place[1] - y1) * (x2 - x1) / (y2 - y1)
    return bool((crosses & (place[0] < at)).sum() % 2)


@pytest.mark.parametrize("name", scene_names())
def test_a_camera_sees_exactly_the_floor_that_projects_into_its_picture(name: str) -> None:
    scene = load_scene(name)
    plan = FloorPlan.of(scene)
    places = np.random.default_rng(5).uniform((0, 0), scene.floor.size, (400, 2))
    for view, sight in zip(scene.cameras, plan.sights, strict=True):
        pixels, depth_m = Camera.of(view).project(np.column_stack([places, np.zeros(len(places))]))
        size = (view.width - 1, view.height - 1)
        for place, pixel, depth in zip(places, pixels, depth_m, strict=True):
            margin = np.minimum(pixel, size - pixel).min()
            if depth > 0.1 and abs(margin) > 2:  # not too near to the edge to tell
                assert inside(sight.area, place) == (margin > 0), (view.name, place, pixel)


def test_a_camera_that_looks_up_sees_no_floor() -> None:
    up = CameraView(name="up", at=(5.0, 4.0, 2.0), look_at=(5.0, 4.5, 9.0), fov_deg=40)
    (sight,) = FloorPlan.of(YARD.model_copy(update={"cameras": (up,)})).sights
    assert sight.place == pytest.approx([5.0, 4.0])
    assert sight.area.shape == (0, 2)


def test_what_reaches_over_the_edge_is_cut_off() -> None:
    square = np.array([(-1.0, -1.0), (2.0, -1.0), (2.0, 2.0), (-1.0, 2.0)])
    assert area(clipped(square, (5.0, 1.0))) == pytest.approx(2.0)
    assert len(clipped(square + 50, (5.0, 1.0))) == 0
    assert len(clipped(np.zeros((0, 2)), (5.0, 1.0))) == 0


@given(st.lists(st.tuples(st.floats(-5, 9), st.floats(-5, 9)), min_size=3, max_size=8))
def test_nothing_of_a_cut_polygon_is_outside(corners: list[tuple[float, float]]) -> None:
    result = clipped(np.array(corners), (4.0, 3.0))
    assert (result >= -1e-9).all()
    assert (result <= np.array([4.0, 3.0]) + 1e-9).all()
