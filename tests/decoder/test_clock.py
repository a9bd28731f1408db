"""Times of a live stream's frames, from hand-made arrivals."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.decoder.clock import LATEST_S, SLOWEST, WINDOW_S, LowerEnvelope, WallClock

BEGAN_S = 1_800_000_000.0


def test_jitter_of_arrival_does_not_reach_the_times() -> None:
    clock = WallClock()
    delays = [0.02, 0.0, 0.09, 0.03, 0.15, 0.01, 0.07, 0.0, 0.2]
    times = [clock.read(index / 10, BEGAN_S + index / 10 + delay, None) for index, delay in enumerate(delays)]
    assert times[1:] == pytest.approx([BEGAN_S + index / 10 for index in range(1, len(delays))])
    assert clock.repaired == 0
    assert math.isnan(clock.latency_s)


@pytest.mark.parametrize("latency_s", [0.3, 3.0])
def test_the_cameras_own_wall_clock_is_taken_where_it_can_be_right(latency_s: float) -> None:
    clock = WallClock()
    times = []
    for index in range(200):
        wall_s = BEGAN_S + index / 10
        times.append(clock.read(index / 10, wall_s + latency_s, wall_s if index >= 5 else None))
    assert times[4] == pytest.approx(BEGAN_S + 0.4 + latency_s)
    assert times[-1] == pytest.approx(BEGAN_S + 19.9)
    steps = [after - before for before, after in pairwise(times)]
    assert min(steps) >= 0.1 * SLOWEST - 1e-6  # times never stand still
    assert clock.latency_s == pytest.approx(latency_s)
    assert clock.is_plausible


def test_frames_that_were_held_up_and_come_at_once_are_not_put_into_the_future() -> None:
    clock = WallClock()
    times = [clock.read(index / 10, BEGAN_S + 3.0 + index * 1e-3, None) for index in range(30)]
    assert times[-1] < BEGAN_S + 3.2


@pytest.mark.parametrize("wrong_by_s", [3600.0, 1.0, -2 * LATEST_S])
def test_a_wall_clock_that_cannot_be_right_is_passed_over(wrong_by_s: float) -> None:
    clock = WallClock()
    for index in range(20):
        wall_s = BEGAN_S + index / 10
        time_s = clock.read(index / 10, wall_s + 0.1, wall_s + wrong_by_s)
        assert time_s == pytest.approx(wall_s + 0.1)
    assert not clock.is_plausible
    assert clock.latency_s == pytest.approx(0.1 - wrong_by_s)


def test_a_wall_clock_can_be_passed_over_on_request() -> None:
    clock = WallClock("arrival")
    assert clock.read(0.0, BEGAN_S + 0.3, BEGAN_S) == BEGAN_S + 0.3
    assert clock.latency_s == pytest.approx(0.3)


@pytest.mark.parametrize("stream_s", [None, 0.0, 1.9, 500.0])
def test_a_time_that_is_missing_goes_back_or_jumps_is_that_of_arrival(stream_s: float | None) -> None:
    clock = WallClock()
    for index in range(20):
        clock.read(index / 10, BEGAN_S + index / 10, None)
    assert clock.read(stream_s, BEGAN_S + 2.0, None) == pytest.approx(BEGAN_S + 2.0)
    assert clock.repaired == 1
    after = None if stream_s is None else stream_s + 0.1
    assert clock.read(after, BEGAN_S + 2.1, None) == pytest.approx(BEGAN_S + 2.1)


def test_a_camera_whose_clock_runs_slow_is_followed() -> None:
    clock = WallClock()
    for index in range(36_000):
        arrival_s = BEGAN_S + index / 10
        time_s = clock.read(index / 10 * 0.9999, arrival_s, None)
    assert abs(time_s - arrival_s) < 2 * WINDOW_S * 1e-4


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e6, 1e6)),
            st.floats(0, 1e4),
            st.one_of(st.none(), st.floats(-1e9, 1e10)),
        ),
        max_size=60,
    )
)
def test_times_always_increase(given_times: list[tuple[float | None, float, float | None]]) -> None:
    clock = WallClock()
    arrivals = sorted(arrival for _, arrival, _ in given_times)
    times = [
        clock.read(stream_s, BEGAN_S + arrival_s, wall_s)
        for (stream_s, _, wall_s), arrival_s in zip(given_times, arrivals, strict=True)
    ]
    assert times == sorted(set(times))


def test_the_envelope_forgets() -> None:
    envelope = LowerEnvelope()
    assert envelope.add(0.0, 1.0) == 1.0
    assert envelope.add(30.0, 5.0) == 1.0
    assert envelope.add(WINDOW_S + 10, 5.0) == 5.0
    envelope.clear()
    assert envelope.add(WINDOW_S + 11, 7.0) == 7.0
