from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.render.lighting import Lighting
from keyreid_stream.world.scene import Light

SIZE = (14.0, 7.0)


def test_light_comes_from_where_the_scene_says() -> None:
    lighting = Lighting.of(Light(azimuth_deg=90, elevation_deg=30))
    np.testing.assert_allclose(lighting.towards, [0, np.cos(np.pi / 6), 0.5], atol=1e-12)
    np.testing.assert_allclose(lighting.shadow_step, [0, -np.sqrt(3)], atol=1e-12)


def test_a_side_that_faces_the_light_is_brightest_and_a_blocked_one_is_as_dark_as_one_that_turns_away() -> None:
    lighting = Lighting.of(Light(azimuth_deg=0, elevation_deg=45, ambient=0.4))
    normals = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0]], np.float32)
    towards, beside, away, blocked = lighting.shade(normals, np.array([1, 1, 1, 0], np.float32))
    assert towards > 1.5 * beside
    assert beside == pytest.approx(away)
    assert blocked == pytest.approx(away)


def test_by_day_it_is_equally_bright_everywhere() -> None:
    assert (Lighting.of(Light()).level_at(np.array([[1.0, 1.0], [90.0, 3.0]]), SIZE) == 1).all()


def test_at_night_lamps_hang_over_the_floor_and_nowhere_else() -> None:
    night = Lighting.of(Light(time="night"))
    # Two lamps over 14 m: at 3.5 and at 10.5 m.
    under, between, other, outside = night.level_at(np.array([[3.5, 3.5], [7.0, 3.5], [10.5, 3.5], [24.5, 3.5]]), SIZE)
    np.testing.assert_allclose(under, other)
    assert under.mean() > 1.3 * between.mean()
    assert outside.mean() < between.mean()
    assert under[0] > under[2]
    assert outside[2] > outside[0]
