from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.scene import Wall
from keyreid_stream.world.solids import Solids
from keyreid_stream.world.steering import BODY_SPACE_M, best_velocities, kept_apart

OPEN = Solids([])
SHY = np.ones(2)


def walk(positions: np.ndarray, goals: np.ndarray, solids: Solids = OPEN, ticks: int = 120) -> np.ndarray:
    """Where people were at each tick who walk to their goals at 1.2 m/s."""
    velocities, track = np.zeros_like(positions), [positions]
    for _ in range(ticks):
        away = goals - positions
        wanted = 1.2 * away / np.maximum(np.hypot(*away.T), 1.2)[:, None]
        velocities = best_velocities(positions, velocities, wanted, np.ones(len(positions)), solids)
        positions = kept_apart(positions + 0.1 * velocities, np.ones(len(positions)), solids, 0.15)
        track.append(positions)
    return np.array(track)


def test_who_is_alone_takes_the_wanted_velocity() -> None:
    wanted = np.array([[1.0, 0.3]])

    assert best_velocities(np.zeros((1, 2)), np.zeros((1, 2)), wanted, np.ones(1), OPEN) == pytest.approx(wanted)


def test_two_who_meet_pass_each_other_and_arrive() -> None:
    track = walk(np.array([[0.0, 0.0], [8.0, 0.0]]), np.array([[8.0, 0.0], [0.0, 0.0]]))
    apart = np.hypot(*(track[:, 0] - track[:, 1]).T)

    assert apart.min() >= BODY_SPACE_M
    assert np.hypot(*(track[-1] - [[8.0, 0.0], [0.0, 0.0]]).T).max() < 0.3


def test_nobody_walks_into_a_wall() -> None:
    wall = Solids([Wall(start=(2.0, -2.0), end=(2.0, 2.0)).solid("wall")])
    track = walk(np.array([[0.0, 0.1]]), np.array([[4.0, 0.1]]), wall, ticks=60)

    assert wall.clearance(track.reshape(-1, 2)).min() >= 0.14


def test_who_stays_is_not_pushed() -> None:
    positions = np.array([[0.0, 0.0], [0.2, 0.0]])
    moved = kept_apart(positions, np.array([0.0, 1.0]), OPEN, 0.15)

    assert moved[0] == pytest.approx([0.0, 0.0])
    assert moved[1] == pytest.approx([BODY_SPACE_M, 0.0])
