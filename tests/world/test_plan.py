from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.world.appearance import make_people
from keyreid_stream.world.plan import Visit, make_plan
from keyreid_stream.world.scene import Scene, Wall, load_scene, scene_names
from keyreid_stream.world.walker import TICK_S

SECONDS = 60.0


@cache
def plan(name: str, seed: int = 7, **people: object) -> tuple[Scene, tuple[Visit, ...]]:
    scene = load_scene(name)
    scene = scene.model_copy(update={"people": scene.people.model_copy(update=people)})
    return scene, make_plan(scene, make_people(scene, seed), seed, SECONDS)


def rows_at(visits: tuple[Visit, ...], time_s: float) -> np.ndarray:
    present = [visit for visit in visits if visit.start_s <= time_s <= visit.end_s]
    return np.array([visit.rows[round((time_s - visit.start_s) / TICK_S)] for visit in present]).reshape(-1, 5)


@pytest.mark.parametrize("name", scene_names())
def test_nobody_walks_through_anything(name: str) -> None:
    scene, visits = plan(name)
    places = np.concatenate([visit.rows[:, :2] for visit in visits])

    assert scene.solids().clearance(places).min() > 0.1
    assert (places >= 0).all()
    assert (places <= scene.floor.size).all()


@pytest.mark.parametrize("name", scene_names())
def test_people_keep_apart_and_are_never_too_many(name: str) -> None:
    scene, visits = plan(name)
    nearest = []
    for tick in range(int(SECONDS / TICK_S)):
        places = rows_at(visits, tick * TICK_S)[:, :2]
        apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + 9 * np.eye(len(places))
        nearest.append(apart.min(initial=9))
        assert 0 < len(places) <= scene.people.together
    assert np.mean(np.array(nearest) < 0.4) < 0.01


@pytest.mark.parametrize("name", scene_names())
def test_people_walk_stand_and_sit(name: str) -> None:
    scene, visits = plan(name, sit_share=1.0, group_share=0.0)
    rows = np.concatenate([visit.rows for visit in visits])
    moves = np.concatenate([np.hypot(*np.gradient(visit.rows[:, :2], axis=0).T) / TICK_S for visit in visits])
    seats = np.array([seat.feet for seat in scene.seats])
    sitting = rows[rows[:, 3] > 0.5, :2]

    assert 0.2 < np.mean(moves > 0.3) < 0.95
    assert moves.max() < 2.5
    assert len(sitting) > 100
    assert np.hypot(*(sitting[:, None] - seats).transpose(2, 0, 1)).min(axis=1).max() < 0.1


def test_visits_begin_and_end_at_entrances() -> None:
    scene, visits = plan("office", stay_s=(8.0, 15.0), away_s=(2.0, 5.0))
    doors = np.array([entrance.at for entrance in scene.entrances])
    ended = [visit for visit in visits if visit.end_s < SECONDS]

    assert len(ended) > 5
    for visit in ended:
        assert np.hypot(*(doors - visit.rows[0, :2]).T).min() < 0.6
        assert np.hypot(*(doors - visit.rows[-1, :2]).T).min() < 0.35


@pytest.mark.parametrize(("share", "most"), [(1.0, 9), (0.0, 1)])
def test_return_share_says_who_comes_back(share: float, most: int) -> None:
    _, visits = plan("office", return_share=share, group_share=0.0, stay_s=(8.0, 12.0), away_s=(2.0, 5.0))
    starts: dict[int, list[Visit]] = {}
    for visit in visits:
        starts.setdefault(visit.person.person_id, []).append(visit)

    assert (max(len(stays) for stays in starts.values()) > 1) == (most > 1)
    for stays in starts.values():
        assert len(stays) <= most
        assert all(later.start_s > earlier.end_s for earlier, later in pairwise(stays))
        assert all(stay.person is stays[0].person for stay in stays)


def test_pairs_walk_side_by_side() -> None:
    _, visits = plan("plaza", group_share=1.0)
    together = {}
    for visit in visits:
        together.setdefault(visit.start_s, []).append(visit)
    pairs = [members for members in together.values() if len(members) == 2]
    gaps = []
    for one, other in pairs:
        both = min(len(one.rows), len(other.rows))
        gaps.append(np.hypot(*(one.rows[20:both, :2] - other.rows[20:both, :2]).T))

    assert len(pairs) >= 3
    assert np.median(np.concatenate(gaps)) < 1.2


def test_a_walled_in_entrance_is_refused() -> None:
    scene = load_scene("plaza")
    entrance = scene.entrances[0].model_copy(update={"name": "cellar", "at": (2.0, 2.0)})
    corners = [(1.2, 1.2), (2.8, 1.2), (2.8, 2.8), (1.2, 2.8), (1.2, 1.2)]
    cellar = tuple(Wall(start=start, end=end, height=1.0) for start, end in pairwise(corners))
    closed = scene.model_copy(update={"entrances": (*scene.entrances, entrance), "walls": (*scene.walls, *cellar)})

    with pytest.raises(ConfigError, match="no way leads from entrance 'south' to entrance 'cellar'"):
        make_plan(closed, make_people(closed, 0), 0, 1.0)
