from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sources.timing import PresentationClock, RateLimit, checked_fps


def read_all(time_stamps: list[int | None]) -> tuple[list[float], int]:
    clock = PresentationClock(Fraction(1, 10), interval_s=0.1)
    return [clock.read(pts) for pts in time_stamps], clock.repaired


def test_clock_starts_at_zero_and_keeps_irregular_distances() -> None:
    assert read_all([50, 51, 57, 58]) == ([0.0, 0.1, 0.7, 0.8], 0)


def test_clock_repairs_missing_and_backward_times_by_the_nominal_interval() -> None:
    seconds, repaired = read_all([10, None, 5, 14, 14])
    assert seconds == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.5])
    assert repaired == 3


def test_clock_takes_its_origin_from_the_first_known_time() -> None:
    seconds, repaired = read_all([None, 100, 103])
    assert seconds == pytest.approx([0.0, 0.1, 0.3])
    assert repaired == 2


@given(st.lists(st.none() | st.integers(-(10**12), 10**12)))
def test_clock_always_increases(time_stamps: list[int | None]) -> None:
    seconds, repaired = read_all(time_stamps)
    assert all(before < after for before, after in pairwise(seconds))
    assert 0 <= repaired <= len(time_stamps)


def test_rate_limit_thins_ten_to_four_a_second_on_average() -> None:
    limit = RateLimit(4)
    assert [i for i in range(20) if limit.admits(i / 10)] == [0, 3, 5, 8, 10, 13, 15, 18]


@given(st.integers(1, 60), st.floats(0.5, 120), st.integers(1, 200))
def test_rate_limit_never_exceeds_its_rate(native_fps: int, fps: float, frames: int) -> None:
    limit = RateLimit(fps)
    admitted = sum(limit.admits(i / native_fps) for i in range(frames))
    if fps >= native_fps:
        assert admitted == frames
    assert admitted <= (frames - 1) / native_fps * fps + 1.001


def test_no_rate_limit_admits_everything() -> None:
    limit = RateLimit(None)
    assert all(limit.admits(0.0) for _ in range(5))


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_rates_must_be_above_zero(fps: float) -> None:
    with pytest.raises(InputError, match="must be a number above 0"):
        checked_fps(fps)
