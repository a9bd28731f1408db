from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.world.render.floor_plan import PlanGrid, openness, sunlight
from keyreid_stream.world.render.lighting import Lighting
from keyreid_stream.world.render.obstacles import obstacles_of
from keyreid_stream.world.render.shadows import darkness
from keyreid_stream.world.scene import Light, Pillar, Scene
from tests.world.render.bodies import plain_person, standing, varied_people

GRID = PlanGrid.over((8.0, 6.0))


def at(plan: np.ndarray, x: float, y: float) -> float:
    column, row = np.rint(GRID.cells(np.array([x, y]))).astype(int)
    return float(plan[row, column])


@given(x=st.floats(-2, 10), y=st.floats(-2, 8))
def test_cells_and_places_are_each_others_inverse(x: float, y: float) -> None:
    np.testing.assert_allclose(GRID.places_of(GRID.cells(np.array([x, y]))), [x, y], atol=1e-9)


def test_a_large_floor_keeps_a_bounded_number_of_cells() -> None:
    grid = PlanGrid.over((300.0, 40.0))
    assert grid.columns <= 901
    assert grid.cell_m > GRID.cell_m


def test_a_pillars_shadow_is_as_long_as_the_sun_is_low() -> None:
    (pillar,) = obstacles_of(Scene(name="x", pillars=(Pillar(centre=(4, 3), radius=0.3, height=1.0),)))
    lit = sunlight(GRID, (pillar,), Lighting.of(Light(azimuth_deg=0, elevation_deg=26.565)))
    # The sun stands over +x, half as high as far: one metre of pillar shades two metres towards -x.
    assert [at(lit, x, 3.0) for x in (2.2, 3.5)] == [0, 0]
    assert [at(lit, x, 3.0) for x in (1.2, 4.8)] == [255, 255]
    beside = openness(GRID, (pillar,))
    assert at(beside, 4.35, 3.0) < 230
    assert at(beside, 6.0, 3.0) == 255


@pytest.mark.parametrize("azimuth_deg", [0, 90, 200])
def test_a_heads_shadow_lies_where_its_light_is_blocked(azimuth_deg: float) -> None:
    lighting = Lighting.of(Light(azimuth_deg=azimuth_deg, elevation_deg=60))
    body = standing(plain_person(), (4.0, 3.0))
    plan = darkness(GRID, (body,), lighting, np.ones((GRID.rows, GRID.columns), np.float32))
    azimuth = np.radians(azimuth_deg)
    away = -0.93 * 1.75 / np.tan(np.radians(60)) * np.array([np.cos(azimuth), np.sin(azimuth)])
    assert at(plan, *(np.array([4.0, 3.0]) + away)) > 200
    assert at(plan, *(np.array([4.0, 3.0]) - away)) == 0


def test_where_no_direct_light_falls_only_contact_darkens() -> None:
    lighting = Lighting.of(Light(azimuth_deg=0, elevation_deg=45))
    body = standing(plain_person(), (4.0, 3.0))
    shade = darkness(GRID, (body,), lighting, np.zeros((GRID.rows, GRID.columns), np.float32))
    assert at(shade, 4.0, 3.09) > 30
    assert at(shade, 2.5, 3.0) == 0


def test_an_umbrella_shades_what_its_carrier_does_not() -> None:
    lighting = Lighting.of(Light(azimuth_deg=0, elevation_deg=90))
    ones = np.ones((GRID.rows, GRID.columns), np.float32)
    carrier = varied_people()[5]
    without = plain_person(6)
    area = [(darkness(GRID, (standing(who, (4.0, 3.0)),), lighting, ones) > 128).sum() for who in (without, carrier)]
    assert area[1] > 2 * area[0]


def test_people_far_outside_the_plan_draw_nothing() -> None:
    ones = np.ones((GRID.rows, GRID.columns), np.float32)
    body = standing(plain_person(), (1e7, -1e7))
    assert not darkness(GRID, (body,), Lighting.of(Light()), ones).any()
