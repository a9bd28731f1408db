from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.report.trails import Trail, trails_of
from keyreid_stream.sinks import FloorPath
from keyreid_stream.structures import TrackKey

FLOOR = (10.0, 8.0)
TIMES = np.arange(20) / 10
WALK = np.stack([2 + TIMES, np.full(20, 3.0)], axis=1)
"""One metre a second to the right."""


def pieces(times_s: np.ndarray, floor_xy: np.ndarray, identity_id: int = 4) -> tuple[Trail, ...]:
    return trails_of([FloorPath(TrackKey("hall", 1), identity_id, times_s, floor_xy)], FLOOR)


def test_a_steady_walk_stays_where_it_is() -> None:
    (trail,) = pieces(TIMES, WALK)
    assert (trail.identity_id, trail.camera_id) == (4, "hall")
    assert trail.times_s.tolist() == TIMES.tolist()
    assert trail.floor_xy[4:-4] == pytest.approx(WALK[4:-4])
    assert trail.floor_xy == pytest.approx(WALK, abs=0.25)  # its ends are drawn in a little


def test_somebody_who_stands_is_a_point() -> None:
    (trail,) = pieces(TIMES, np.tile([5.0, 5.0], (20, 1)))
    assert (trail.floor_xy == 5).all()


def test_one_wrong_position_leaves_no_mark() -> None:
    wrong = WALK.copy()
    wrong[10] += (0.0, 3.0)
    (trail,) = pieces(TIMES, wrong)
    assert trail.floor_xy[:, 1] == pytest.approx(np.full(20, 3.0))


def test_hidden_feet_are_bridged_while_short_and_part_the_trail_when_long() -> None:
    hidden = WALK.copy()
    hidden[8:12] = np.nan
    assert len(pieces(TIMES, hidden)) == 1
    later = np.where(np.arange(20) < 10, TIMES, TIMES + 1.5)
    assert [len(trail.times_s) for trail in pieces(later, WALK)] == [10, 10]


def test_a_jump_parts_the_trail() -> None:
    jumped = WALK.copy()
    jumped[10:] += (3.0, 2.0)
    assert [len(trail.times_s) for trail in pieces(TIMES, jumped)] == [10, 10]


def test_positions_off_the_floor_are_left_out() -> None:
    away = WALK.copy()
    away[:5] = (-30.0, 3.0)
    (trail,) = pieces(TIMES, away)
    assert trail.times_s.tolist() == TIMES[5:].tolist()


def test_nothing_is_drawn_of_the_undecided_and_of_glimpses() -> None:
    assert pieces(TIMES, WALK, identity_id=0) == ()
    assert pieces(TIMES[:2], WALK[:2]) == ()
    assert pieces(TIMES[:0], WALK[:0]) == ()
    assert pieces(TIMES, np.full((20, 2), np.nan)) == ()
