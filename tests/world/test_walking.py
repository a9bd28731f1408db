from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.appearance import make_people
from keyreid_stream.world.plan import Visit
from keyreid_stream.world.scene import Scene
from keyreid_stream.world.walker import TICK_S
from keyreid_stream.world.walking import Walk, walk_of

PERSON = make_people(Scene(name="x"), 1)[0]


def straight_walk(speed: float, seconds: float = 10.0, stop_s: float | None = None) -> Walk:
    """Along the x axis at a constant speed, up to `stop_s`."""
    times = np.arange(0, seconds, TICK_S)
    x = speed * np.minimum(times, stop_s if stop_s is not None else seconds)
    rows = np.column_stack([x, np.zeros((len(x), 3)), np.full(len(x), 0.45)])
    return walk_of(Visit(PERSON, 0.0, rows))


@pytest.mark.parametrize("speed", [0.6, 1.0, 1.4])
def test_steps_follow_from_speed_and_height(speed: float) -> None:
    walk = straight_walk(speed)
    cadence = (walk.at(8.0).phase - walk.at(2.0).phase) / 6.0
    step = speed / cadence

    assert 0.2 * PERSON.height_m < step < 0.45 * PERSON.height_m
    assert 1.2 < cadence < 2.4


def test_faster_walkers_take_longer_and_more_steps() -> None:
    cadences = [(walk.at(8.0).phase - walk.at(2.0).phase) / 6.0 for walk in map(straight_walk, (0.9, 1.2, 1.5))]

    assert cadences == sorted(cadences)
    assert [speed / cadence for speed, cadence in zip((0.9, 1.2, 1.5), cadences, strict=True)] == sorted(
        speed / cadence for speed, cadence in zip((0.9, 1.2, 1.5), cadences, strict=True)
    )


def test_one_foot_is_always_on_the_floor_and_feet_take_turns() -> None:
    walk = straight_walk(1.2)
    moments = [walk.at(t) for t in np.arange(1, 9, 0.02)]
    swings = np.array([(moment.left.swing > 0, moment.right.swing > 0) for moment in moments])

    assert not swings.all(axis=1).any()
    assert np.mean(~swings.any(axis=1)) == pytest.approx(0.2, abs=0.05)
    assert swings[:, 0].mean() == pytest.approx(swings[:, 1].mean(), abs=0.06)


def test_left_is_left() -> None:
    moment = straight_walk(1.2).at(5.0)

    assert moment.left.landed[1] > 0 > moment.right.landed[1]


def test_a_walk_ends_with_both_feet_under_the_body() -> None:
    moment = straight_walk(1.2, stop_s=5.0).at(8.0)

    assert moment.speed_m_s < 0.05
    assert moment.left.swing == moment.right.swing == 0
    assert moment.phase == pytest.approx(round(moment.phase))
    # What a foot that stands is asked for is where it landed last.
    for foot in (moment.left, moment.right):
        held = foot.landed if foot.age < 1 else foot.lifted
        assert held[0] == pytest.approx(6.0, abs=0.08)
        assert abs(held[1]) < 0.12


def test_the_body_is_where_the_plan_says() -> None:
    walk = straight_walk(1.2)

    for time_s in (0.0, 0.33, 5.05, 9.8):
        assert walk.at(time_s).x == pytest.approx(1.2 * time_s, abs=0.01)
