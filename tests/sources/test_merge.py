from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sources import merge
from keyreid_stream.structures import Frame

IMAGE = np.zeros((1, 1, 3), np.uint8)


@dataclass
class ListSource:
    """A camera whose frames come at the given times; it records how far it was read and whether it was closed."""

    camera_id: str
    times: Sequence[float]
    fps: float = 10.0
    fails_at: int | None = None
    read: int = field(default=0, init=False)
    closed: bool = field(default=False, init=False)

    def frames(self) -> Iterator[Frame]:
        try:
            for index, time in enumerate(self.times):
                if index == self.fails_at:
                    raise RuntimeError("the camera fell off")
                self.read = index + 1
                yield Frame(self.camera_id, index, time, IMAGE)
        finally:
            self.closed = True


def labels(ticks: Iterator[list[Frame]]) -> list[list[str]]:
    return [[f"{frame.camera_id}{frame.frame_index}" for frame in tick] for tick in ticks]


def test_jittered_cameras_of_one_rate_share_their_ticks() -> None:
    a = ListSource("a", [0.00, 0.10, 0.20])
    b = ListSource("b", [0.02, 0.11, 0.19])
    assert labels(merge([a, b])) == [["a0", "b0"], ["a1", "b1"], ["a2", "b2"]]


def test_different_rates() -> None:
    fast = ListSource("f", [0.0, 0.1, 0.2, 0.3, 0.4], fps=10)
    slow = ListSource("s", [0.0, 0.2, 0.4], fps=5)
    assert labels(merge([slow, fast])) == [["s0", "f0"], ["f1"], ["s1", "f2"], ["f3"], ["s2", "f4"]]


def test_one_camera_ends_early_and_one_is_empty() -> None:
    sources = [ListSource("a", [0.0]), ListSource("b", []), ListSource("c", [0.0, 0.1])]
    assert labels(merge(sources)) == [["a0", "c0"], ["c1"]]


def test_the_window_is_open_at_its_end() -> None:
    sources = [ListSource("a", [0.0], fps=1), ListSource("b", [0.5], fps=1)]
    assert labels(merge(sources, window_s=0.5)) == [["a0"], ["b0"]]
    assert labels(merge(sources, window_s=0.500001)) == [["a0", "b0"]]


def test_at_most_one_frame_is_read_ahead() -> None:
    sources = [ListSource("a", np.arange(9).tolist()), ListSource("b", [5.0, 6.0])]
    ticks = merge(sources, window_s=0.1)
    for ticked in range(1, 5):
        next(ticks)
        assert sources[0].read <= ticked
        assert sources[1].read == 1


def test_nothing_is_read_before_the_first_tick_is_asked_for() -> None:
    source = ListSource("a", [0.0])
    merge([source])
    assert source.read == 0


def test_closing_closes_every_camera() -> None:
    sources = [ListSource("a", [0.0, 1.0]), ListSource("b", [0.0, 1.0])]
    ticks = merge(sources)
    next(ticks)
    ticks.close()  # type: ignore[attr-defined]
    assert [source.closed for source in sources] == [True, True]


def test_a_failing_camera_closes_the_others_and_is_heard() -> None:
    sources = [ListSource("a", [0.0, 1.0]), ListSource("b", [0.0, 1.0], fails_at=1)]
    ticks = merge(sources)
    next(ticks)
    with pytest.raises(RuntimeError, match="fell off"):
        next(ticks)
    assert [source.closed for source in sources] == [True, True]


def test_iterators_without_close_are_fine() -> None:
    class Plain:
        camera_id, fps = "a", 10.0

        def frames(self) -> Iterator[Frame]:
            return iter([Frame("a", 0, 0.0, IMAGE)])

    assert labels(merge([Plain()])) == [["a0"]]


@pytest.mark.parametrize("window_s", [0, -1, 0.101, float("nan"), float("inf")])
def test_bad_windows_are_refused_at_once(window_s: float) -> None:
    sources = [ListSource("a", [0.0], fps=5), ListSource("b", [0.0], fps=10)]
    with pytest.raises(InputError, match=r"window_s is .* above 0 and at most 0\.1, the shortest") as caught:
        merge(sources, window_s=window_s)
    assert "\n" not in str(caught.value)


def test_the_widest_window_is_the_shortest_frame_interval() -> None:
    """Frames 0.09 s apart share ticks, and every tick still lies behind the one before it."""
    a = ListSource("a", [0.0, 0.1, 0.2])
    b = ListSource("b", [0.09, 0.19, 0.29])
    assert labels(merge([a, b], window_s=0.1)) == [["a0", "b0"], ["a1", "b1"], ["a2", "b2"]]


def test_no_source_is_refused() -> None:
    with pytest.raises(InputError, match="at least one camera"):
        merge([])


increasing_times = st.lists(st.floats(0, 20, width=32), unique=True, max_size=30).map(sorted)


@given(st.lists(increasing_times, min_size=1, max_size=6), st.floats(0.001, 2))
def test_every_frame_once_in_order_and_one_per_camera_in_a_tick(cameras: list[list[float]], window_s: float) -> None:
    sources = [ListSource(str(place), times, fps=0.5) for place, times in enumerate(cameras)]
    ticks = list(merge(sources, window_s=window_s))
    for place, times in enumerate(cameras):
        own = [frame.timestamp_s for tick in ticks for frame in tick if frame.camera_id == str(place)]
        assert own == times
    starts = [min(frame.timestamp_s for frame in tick) for tick in ticks]
    assert all(before < after for before, after in pairwise(starts))
    for start, tick in zip(starts, ticks, strict=True):
        places = [int(frame.camera_id) for frame in tick]
        assert places == sorted(set(places))
        assert all(frame.timestamp_s < start + window_s for frame in tick)


@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 7)), min_size=1, max_size=4),
    st.sampled_from([0.25, 0.5, 0.75, 1.0]),
)
def test_ticks_of_steady_cameras_follow_each_other(cameras: list[tuple[int, int]], share: float) -> None:
    """Each camera a frame every so many eighths of a second, and a late start of its own."""
    sources = [
        ListSource(str(place), [(late + interval * i) / 8 for i in range(12)], fps=8 / interval)
        for place, (interval, late) in enumerate(cameras)
    ]
    window_s = share * min(interval for interval, _ in cameras) / 8
    ticks = list(merge(sources, window_s=window_s))
    for before, after in pairwise(ticks):
        assert max(frame.timestamp_s for frame in before) < min(frame.timestamp_s for frame in after)
