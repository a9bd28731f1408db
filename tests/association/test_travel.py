import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keyreid_stream.association.travel import _EDGES_S, TravelTime, TravelTimes, _bins
from keyreid_stream.errors import ConfigError


def between(*pinned: TravelTime) -> TravelTimes:
    times = TravelTimes(pinned)
    for camera_id in ("gate", "hall", "yard"):
        times.camera(camera_id)
    return times


def learned(seconds: float, people: int, others: int = 200) -> TravelTimes:
    """From gate to hall people take `seconds`; strangers appear there at any time up to 100 s."""
    times = between()
    gaps = np.concatenate([np.full(people, seconds), np.linspace(-20, 100, others)])
    same = np.arange(len(gaps)) < people
    times.learn(np.zeros(len(gaps), np.int64), np.ones(len(gaps), np.int64), gaps, same=same)
    return times


def odds(times: TravelTimes, gap_s: float, way: tuple[int, int] = (0, 1)) -> float:
    origin, destination = (np.array([camera]) for camera in way)
    return float(times.log_odds(origin, destination, np.array([gap_s]))[0])


def test_nothing_is_known_at_first() -> None:
    times = between()
    assert times.knows_nothing
    assert odds(times, 5.0) == 0
    assert times.learned() == ()


def test_a_usual_time_speaks_for_one_person_and_an_unusual_one_against() -> None:
    times = learned(12.0, 40)
    assert odds(times, 10.0) > 1  # of the same bin, 8 to 16 s
    assert odds(times, 70.0) < -1
    assert odds(times, -5.0) < -1
    assert odds(times, 12.0, way=(1, 0)) == 0  # the way back is another way


def test_more_experience_is_believed_more_up_to_a_limit() -> None:
    few, many, crowds = (odds(learned(12.0, people), 12.0) for people in (2, 20, 2000))
    assert 0 < few < many
    assert crowds <= 3
    assert odds(learned(12.0, 5000), 70.0) >= -3


def test_learned_times_can_be_exported_and_pinned() -> None:
    (way,) = learned(12.0, 40).learned()
    assert way == TravelTime(from_camera="gate", to_camera="hall", min_s=8.0, max_s=16.0)
    pinned = between(way)
    assert not pinned.knows_nothing
    gaps = np.array([7.0, 8.0, 15.0, 17.0, -3.0])
    zeros, ones = np.zeros(5, np.int64), np.ones(5, np.int64)
    assert pinned.impossible(zeros, ones, gaps).tolist() == [True, False, False, True, True]
    assert not pinned.impossible(ones, zeros, gaps).any()


def test_being_in_view_at_once_is_possible_where_the_way_may_take_no_time() -> None:
    times = between(TravelTime(from_camera="gate", to_camera="hall", max_s=5.0))
    zeros, ones = np.zeros(3, np.int64), np.ones(3, np.int64)
    assert times.impossible(zeros, ones, np.array([-2.0, 0.0, 6.0])).tolist() == [False, False, True]


def test_a_way_to_a_camera_that_is_not_there_rules_out_nothing() -> None:
    times = between(TravelTime(from_camera="gate", to_camera="roof", max_s=1.0))
    assert not times.impossible(np.array([0]), np.array([1]), np.array([50.0])).any()


@pytest.mark.parametrize(
    ("pinned", "fault"),
    [
        ([TravelTime(from_camera="a", to_camera="b", min_s=9, max_s=3)], "takes 9 to 3 s"),
        ([TravelTime(from_camera="a", to_camera="b", max_s=3)] * 2, "pinned more than once"),
    ],
)
def test_contradictions_are_named(pinned: list[TravelTime], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        TravelTimes(pinned)


@given(arrays.arrays(np.float64, 20, elements=st.floats(-1e4, 1e4)))
def test_bins_are_what_numpy_would_say(gaps_s: np.ndarray) -> None:
    gaps_s[:4] = [0.0, 1.0, 1024.0, 4096.0]
    np.testing.assert_array_equal(_bins(gaps_s), np.digitize(gaps_s, _EDGES_S))
