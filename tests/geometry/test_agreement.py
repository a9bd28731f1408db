from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.geometry.agreement import Sightings, Trials, agreement, shared_floor, trials
from tests.geometry.views import view

TIMES = np.arange(0.0, 40.0)
CAMERA = view(at=(0.0, -6.0, 3.0))


def sightings(places: dict[int, list[tuple[float, float]]]) -> Sightings:
    """Places by second."""
    rows = [second for second, here in places.items() for _ in here]
    floor_xy = np.array([place for here in places.values() for place in here], float).reshape(-1, 2)
    return Sightings(TIMES, np.array(rows, np.int64), floor_xy)


def test_confirmed_is_who_is_seen_at_the_place_at_the_time() -> None:
    of = sightings({0: [(0, 0)], 10: [(0, 0)], 20: [(2, 1)]})
    by = sightings({0: [(0.5, 0.5)], 10: [(0.6, 0.6)], 20: [(0.1, 0)], 30: [(2, 1)]})
    found = trials(of, by, CAMERA)

    assert found.times_s.tolist() == [0, 10, 20]
    assert found.confirmed.tolist() == [True, False, False]  # 0.71 m, 0.85 m, elsewhere


def test_chance_is_the_share_of_other_times() -> None:
    of = sightings({0: [(0, 0)]})
    by = sightings({second: [(0, 0)] for second in (0, 3, 5, 6, 20, 39)})
    found = trials(of, by, CAMERA)

    # 3 and 5 s are too near; 34 of the 40 seconds are more than 5 s away, 3 of them have somebody there.
    assert found.by_chance.tolist() == [pytest.approx(3 / 34)]


def test_places_that_the_other_camera_never_has_anybody_at_do_not_count() -> None:
    behind_a_wall = sightings({0: [(0, 2)], 20: [(0, 2)]})
    by = sightings({second: [(0, 0)] for second in range(40)})

    assert len(trials(behind_a_wall, by, CAMERA).times_s) == 0


def test_places_outside_the_other_picture_do_not_count() -> None:
    of = sightings({0: [(0, -8)], 20: [(0, 0)]})
    by = sightings({second: [(0, -8), (0, 0)] for second in range(40)})

    assert trials(of, by, CAMERA).times_s.tolist() == [20]


def test_floor_seen_too_coarsely_is_not_shared() -> None:
    assert shared_floor(CAMERA, np.array([[0.0, 0.0], [0.0, 9.0], [0.0, 12.0], [0.0, -8.0]])).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_nobody_gives_no_trials() -> None:
    nobody, somebody = sightings({}), sightings({0: [(0, 0)]})

    for of, by in ((nobody, somebody), (somebody, nobody), (nobody, nobody)):
        assert len(trials(of, by, CAMERA).times_s) == 0
    none = agreement([])
    assert np.isnan(none.beyond_chance)
    assert none.trials == 0


def test_agreement_is_kappa_and_its_error_the_blocks() -> None:
    # Blocks of 10 s. First: 2 of 2 confirmed, second: 1 of 2; chance 0.2.
    made = Trials(np.array([0.0, 1, 10, 11]), np.array([True, True, True, False]), np.full(4, 0.2))
    found = agreement([made])

    kappa = (3 - 0.8) / (4 * 0.8)
    residuals = np.array([1.6 - kappa * 1.6, 0.6 - kappa * 1.6])
    assert found.beyond_chance == pytest.approx(kappa)
    assert found.error == pytest.approx(np.sqrt((residuals**2).sum() * 2) / 3.2)
    assert (found.trials, found.blocks) == (4, 2)


def test_a_seat_that_is_always_taken_says_nothing() -> None:
    made = Trials(np.arange(40.0), np.ones(40, bool), np.ones(40))

    assert np.isnan(agreement([made]).beyond_chance)
