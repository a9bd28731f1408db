from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.background import Stage
from keyreid_stream.world.render.obstacles import Block, Column, may_meet, obstacles_of
from keyreid_stream.world.scene import CameraView, Floor, Furniture, Light, Pillar, Scene, Wall
from keyreid_stream.world.structures import Points

BENT = CameraView(
    name="bent",
    at=(4, -3, 3),
    look_at=(4, 4, 0.5),
    fov_deg=80,
    width=160,
    height=90,
    distortion=(-0.2, 0.03, 0.001, 0, 0),
)


def depth_where(camera: Camera, depth_m: np.ndarray, point: Points) -> tuple[float, float]:
    """Depth in the picture where a point should be seen, and the point's own."""
    (pixel,), (own,) = camera.project(point[None])
    column, row = np.rint(pixel).astype(int)
    return float(depth_m[row, column]), float(own)


@pytest.mark.parametrize("style", ["tiles", "concrete", "carpet", "paving"])
def test_the_floors_depth_closes_with_the_projection_under_distortion(style: str) -> None:
    camera = Camera.of(BENT)
    scene = Scene(name="x", floor=Floor(size=(8, 8), style=style))  # type: ignore[arg-type]
    stage = Stage(scene)
    background = stage.background(camera)
    # Cells far outside the plan are not kept.
    rows, columns = np.nonzero(background.floor & (background.floor_cells > -8).all(axis=2))
    assert len(rows) > 5000
    # Back from the plan's cell to a place, and by the projection to the pixel and depth that it came from.
    places = stage.grid.places_of(background.floor_cells[rows, columns].astype(float))
    pixels, depths = camera.project(np.column_stack([places, np.zeros(len(places))]))
    near = depths < 15
    np.testing.assert_allclose(pixels[near], np.column_stack([columns, rows])[near], atol=0.02)
    np.testing.assert_allclose(background.depth_m[rows, columns][near], depths[near], rtol=1e-3)


def test_the_sky_is_infinitely_far_and_obstacles_are_not() -> None:
    camera = Camera.of(BENT.model_copy(update={"look_at": (4, 4, 3)}))
    open_sky = Stage(Scene(name="x")).background(camera).depth_m
    assert np.isinf(open_sky[0]).all()
    assert np.isfinite(open_sky[-1]).all()
    walled = Stage(Scene(name="x", walls=(Wall(start=(-60, 6), end=(60, 6), height=40),))).background(camera).depth_m
    assert np.isfinite(walled).all()


def test_a_boxs_top_and_a_pillars_side_are_where_they_stand() -> None:
    camera = Camera.of(BENT)
    scene = Scene(
        name="x",
        furniture=(Furniture(centre=(3, 3), size=(1.0, 0.6, 0.8), heading_deg=30),),
        pillars=(Pillar(centre=(6, 4), radius=0.3, height=2.0),),
    )
    depth = Stage(scene).background(camera).depth_m
    seen, own = depth_where(camera, depth, np.array([3.0, 3.0, 0.8]))
    assert seen == pytest.approx(own, abs=0.08)
    towards = camera.position[:2] - [6, 4]
    side = np.array([*(np.array([6, 4]) + 0.3 * towards / np.linalg.norm(towards)), 1.0])
    seen, own = depth_where(camera, depth, side)
    assert seen == pytest.approx(own, abs=0.03)


def test_rays_meet_a_turned_box_where_geometry_says() -> None:
    (box,) = obstacles_of(Scene(name="x", furniture=(Furniture(centre=(2, 0), size=(2, 2, 2), heading_deg=45),)))
    assert isinstance(box, Block)
    ray = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0]], np.float32)
    distance, _ = box.meet(np.array([0.0, 0.0, 1.0]), ray)
    # An edge points at the origin: half the square's diagonal before its centre.
    assert distance[0] == pytest.approx(2 - np.sqrt(2), abs=1e-4)
    assert np.isinf(distance[1:]).all()


def test_rays_meet_a_pillars_side_and_top() -> None:
    pillar = Column(np.array([3.0, 0.0]), 0.5, 1.0, (0, 0, 0))
    rays = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    distance, normal = pillar.meet(np.array([0.0, 0.0, 0.5]), rays)
    assert distance[0] == pytest.approx(2.5, abs=1e-5)
    np.testing.assert_allclose(normal[0], [-1, 0, 0], atol=1e-5)
    assert np.isinf(distance[1])
    distance, normal = pillar.meet(np.array([3.0, 0.1, 4.0]), np.array([[0, 0, -1]], np.float32))
    assert distance[0] == pytest.approx(3.0, abs=1e-4)
    np.testing.assert_allclose(normal[0], [0, 0, 1], atol=1e-5)


def test_leaving_rays_out_loses_no_hit() -> None:
    scene = Scene(
        name="x",
        walls=(Wall(start=(0, 5), end=(9, 6)),),
        furniture=(Furniture(centre=(1, 1), size=(3, 0.2, 0.1), heading_deg=20),),
        pillars=(Pillar(centre=(-2, 3)),),
    )
    rays = np.random.default_rng(1).standard_normal((20000, 3)).astype(np.float32)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    origin = np.array([0.0, -1.0, 1.5])
    for obstacle in obstacles_of(scene):
        hits = np.flatnonzero(np.isfinite(obstacle.meet(origin, rays)[0]))
        assert len(hits) > 0
        assert set(hits) <= set(may_meet(obstacle, origin, rays))


def test_the_floor_behind_a_wall_is_in_shadow() -> None:
    scene = Scene(
        name="x", walls=(Wall(start=(2, 4), end=(6, 4), height=2),), light=Light(azimuth_deg=90, elevation_deg=45)
    )
    _, direct = Stage(scene).light_at(np.array([[4.0, 3.0], [4.0, 1.0], [4.0, 6.0], [1.0, 3.0]]))
    # The sun stands over +y: two metres of wall shade two metres towards -y.
    np.testing.assert_allclose(direct, [0, 1, 1, 1], atol=0.02)
