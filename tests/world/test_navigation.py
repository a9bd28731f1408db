from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from keyreid_stream.world.navigation import FloorMap
from keyreid_stream.world.scene import Wall
from keyreid_stream.world.solids import Solids

SIZE = (10.0, 8.0)
SCREEN = Solids([Wall(start=(5.0, 0.0), end=(5.0, 6.0)).solid("screen")])
CLOSED = Solids([Wall(start=(5.0, 0.0), end=(5.0, 8.0)).solid("wall")])


def length(corners: np.ndarray) -> float:
    return float(np.hypot(*np.diff(corners, axis=0).T).sum())


def test_across_an_open_floor_one_walks_straight() -> None:
    start, goal = np.array([1.0, 1.0]), np.array([9.0, 7.0])

    assert FloorMap(SIZE, Solids([])).route(start, goal) == pytest.approx(goal[None])


def test_a_way_leads_round_a_wall_with_room_for_shoulders_and_little_detour() -> None:
    start, goal = np.array([3.0, 2.0]), np.array([7.0, 2.0])
    way = np.concatenate([start[None], FloorMap(SIZE, SCREEN).route(start, goal)])
    on_the_way = np.concatenate([a + np.linspace(0, 1, 50)[:, None] * (b - a) for a, b in pairwise(way)])
    tight = 2 * np.hypot(2.0, 4.3) + 0.1

    assert way[-1] == pytest.approx(goal)
    assert SCREEN.clearance(on_the_way).min() > 0.15
    assert length(way) < 1.15 * tight


def test_what_is_walled_off_cannot_be_reached() -> None:
    floor_map = FloorMap(SIZE, CLOSED)

    assert not floor_map.is_reachable(np.array([1.0, 1.0]), np.array([9.0, 1.0]))
    assert floor_map.is_reachable(np.array([1.0, 1.0]), np.array([4.0, 7.0]))


def test_places_have_room_and_are_on_the_near_side_of_a_wall() -> None:
    start = np.array([1.0, 1.0])
    places = FloorMap(SIZE, CLOSED).places(np.random.default_rng(0), 10, start=start, clearance_m=0.5)
    between = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + 9 * np.eye(len(places))

    assert len(places) == 10
    assert (places[:, 0] < 5).all()
    assert CLOSED.clearance(places).min() >= 0.5
    assert between.min() > 1.0
