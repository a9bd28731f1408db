from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sources.timing import PresentationClock, RateLimit, checked_fps, with_following


def read_all(time_stamps: Sequence[int | None]) -> tuple[list[float], int]:
    """Times in seconds of stamps in tenths of a second, for a camera of ten frames a second."""
    clock = PresentationClock(Fraction(1, 10), interval_s=0.1)
    return [clock.read(pts, after) for pts, after in pairwise([*time_stamps, None])], clock.repaired


@pytest.mark.parametrize(
    ("time_stamps", "seconds", "repaired"),
    [
        pytest.param([50, 51, 57, 58], [0.0, 0.1, 0.7, 0.8], 0, id="irregular"),
        pytest.param([0, 1, 601, 602], [0.0, 0.1, 60.1, 60.2], 0, id="a pause of a minute"),
        pytest.param([0, 1, 601, 1202, 1203], [0.0, 0.1, 60.1, 120.2, 120.3], 0, id="two pauses in a row"),
        pytest.param([0, 1, 101], [0.0, 0.1, 10.1], 0, id="a pause before the last frame"),
        pytest.param([0, 1, 10**6, 3, 4, 5], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 1, id="one far ahead"),
        pytest.param([0, 1, 2, -(10**6), 4, 5], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 1, id="one far back"),
        pytest.param([10**6, 1, 2, 3], [0.0, 0.1, 0.2, 0.3], 1, id="the first far ahead"),
        pytest.param([0, 1, 10**6], [0.0, 0.1, 0.2], 1, id="the last far ahead"),
        pytest.param([0, 1, 10**6, None, 3, 4], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 3, id="far ahead, next missing"),
        pytest.param([0, 1, 10**6, -5, -4], [0.0, 0.1, 0.2, 0.3, 0.4], 2, id="far ahead, then a restart"),
        pytest.param([7, 8, 9, 0, 1, 5, 6], [0.0, 0.1, 0.2, 0.3, 0.4, 0.8, 0.9], 1, id="a restart keeps distances"),
        pytest.param([0, 1, 1, 2, 3], [0.0, 0.1, 0.15, 0.2, 0.3], 1, id="a duplicate goes between"),
        pytest.param([0, None, 1, 2], [0.0, 0.05, 0.1, 0.2], 1, id="a missing one goes between"),
        pytest.param([0, 1, None, 9], [0.0, 0.1, 0.2, 0.9], 1, id="a missing one before a pause"),
        pytest.param([10, None, 5, 14, 14], [0.0, 0.1, 0.2, 0.4, 0.5], 3, id="missing, backward and equal"),
        pytest.param([None, 1, 2, 3, 4], [0.0, 0.1, 0.2, 0.3, 0.4], 1, id="the first is missing"),
        pytest.param([None, None, 100, 103], [0.0, 0.1, 0.2, 0.5], 2, id="the first two are missing"),
        pytest.param([None, None, None], [0.0, 0.1, 0.2], 3, id="none at all"),
    ],
)
def test_clock(time_stamps: list[int | None], seconds: list[float], repaired: int) -> None:
    read, counted = read_all(time_stamps)
    assert read == pytest.approx(seconds)
    assert counted == repaired


increasing_stamps = st.lists(st.integers(1, 45), min_size=3, max_size=12).map(lambda steps: [0, *accumulate(steps)])


@given(increasing_stamps, st.data())
def test_one_far_off_stamp_moves_no_other_frame(time_stamps: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(time_stamps) - 2))
    far_off = data.draw(st.integers(10**4, 10**9) | st.integers(-(10**9), -1))
    read, repaired = read_all([*time_stamps[:place], far_off, *time_stamps[place + 1 :]])
    del read[place]
    assert read == pytest.approx([pts / 10 for at, pts in enumerate(time_stamps) if at != place])
    assert repaired == 1


@given(st.lists(st.none() | st.integers(-(10**12), 10**12) | st.integers(-5, 5)))
def test_clock_always_increases(time_stamps: list[int | None]) -> None:
    seconds, repaired = read_all(time_stamps)
    assert seconds[:1] in ([], [0.0])
    assert all(before < after for before, after in pairwise(seconds))
    assert 0 <= repaired <= len(time_stamps)


def test_no_frame_is_put_into_a_gap_that_is_only_rounding() -> None:
    """Nine tenths added up are a little less than 0.9, the time of the stamp 9."""
    assert sum([0.1] * 9) < 0.9
    seconds, _ = read_all([0, *range(1000, 991, -1), 900, 9, 10])
    assert all(before < after for before, after in pairwise(seconds))


@pytest.mark.parametrize("items", ["", "a", "abc"])
def test_each_item_comes_with_the_one_after_it(items: str) -> None:
    assert list(with_following(items)) == list(zip(items, [*items[1:], None], strict=bool(items)))


def test_only_one_item_is_read_ahead() -> None:
    items = iter("abc")
    assert next(with_following(items)) == ("a", "b")
    assert next(items) == "c"


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
