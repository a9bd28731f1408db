"""The map's pixels against places on the floor."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from keyreid_stream.report.floor_map import MapFrame, draw_floor_map
from keyreid_stream.report.plan import FloorPlan
from keyreid_stream.report.trails import Trail
from keyreid_stream.sinks.palette import identity_colour
from keyreid_stream.world.scene import Furniture, Wall
from tests.world.small_worlds import YARD

SCENE = YARD.model_copy(
    update={
        "walls": (Wall(start=(2.0, 1.0), end=(8.0, 1.0), thickness=0.4, colour=(9, 9, 9)),),
        "furniture": (Furniture(centre=(2.0, 6.0), size=(1.0, 1.0, 0.7)),),
    }
)
PLAN = FloorPlan.of(SCENE)
FRAME = MapFrame(PLAN.size)


def standing(identity_id: int, x: float, y: float, until_s: float = 1.0) -> Trail:
    return Trail(identity_id, "east", np.array([0.0, until_s / 2, until_s]), np.tile([x, y], (3, 1)))


def colour_at(image: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    column, row = FRAME.pixels(np.array([x, y])).round().astype(int)
    return tuple(image[row, column].tolist())


def test_the_map_is_the_floor_seen_from_above_with_y_upwards() -> None:
    height, width = FRAME.shape
    assert max(height, width) == 1400
    corner, opposite = FRAME.pixels(np.array([(0.0, 0.0), (10.0, 8.0)]))
    assert corner == pytest.approx((40, height - 40), abs=1)
    assert opposite == pytest.approx((width - 40, 40), abs=1)


@pytest.mark.parametrize("place", [(3.0, 4.0), (7.5, 2.5), (5.0, 7.0)])
def test_a_person_is_at_the_pixel_of_their_place_in_their_colour(place: tuple[float, float]) -> None:
    empty, image = draw_floor_map(PLAN, []), draw_floor_map(PLAN, [standing(3, *place)])
    assert colour_at(empty, *place) != identity_colour(3)
    assert colour_at(image, *place) == identity_colour(3)
    rows, columns = np.nonzero((image == identity_colour(3)).all(axis=2))
    x, y = FRAME.pixels(np.array(place))
    assert np.hypot(columns - x, rows - y).max() < 60  # the dot and its name, and nothing elsewhere


def test_a_trail_runs_along_the_way() -> None:
    xs = np.linspace(3, 7, 9)
    trail = Trail(2, "east", np.arange(9) / 10, np.stack([xs, np.full(9, 4.0)], axis=1))
    image = draw_floor_map(PLAN, [trail])
    for x in np.linspace(3, 7, 33):
        assert colour_at(image, x, 4.0) == identity_colour(2)


def test_walls_and_furniture_are_drawn_and_differ_from_the_floor_and_from_each_other() -> None:
    image = draw_floor_map(PLAN, [])
    wall, furniture = colour_at(image, 5.0, 1.0), colour_at(image, 2.0, 6.0)
    floor = colour_at(image, 5.0, 7.8)
    assert len({wall, furniture, floor}) == 3
    assert colour_at(image, 2.4, 6.4) == furniture
    assert colour_at(image, 2.7, 6.0) not in (furniture, wall)


def test_names_of_people_who_stand_together_do_not_cover_each_other() -> None:
    image = draw_floor_map(PLAN, [standing(number, 5.0, 4.0) for number in (1, 2, 3)])
    extents = []
    for number in (1, 2, 3):
        rows, columns = np.nonzero((image == identity_colour(number)).all(axis=2))
        beside = columns > FRAME.pixels(np.array([5.0, 4.0]))[0] + 8  # not the dots, which are on one another
        extents.append((rows[beside].min(), rows[beside].max()))
    extents.sort()
    assert all(below[0] > above[1] for above, below in pairwise(extents))


def test_the_same_trails_give_the_same_picture() -> None:
    trails = [standing(1, 4.0, 4.0), standing(2, 6.0, 5.0)]
    assert (draw_floor_map(PLAN, trails) == draw_floor_map(PLAN, trails)).all()
