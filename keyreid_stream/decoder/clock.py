"""A live stream's own times on the wall clock."""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, TypeAlias

WINDOW_S, _BUCKET_S = 60.0, 5.0
"""How long the shortest delay is remembered: clocks drift apart by milliseconds in a minute."""

LARGEST_JUMP_S = 5.0
"""A stream whose time runs so far away from that of arrival has begun to count anew."""

EARLIEST_S, LATEST_S = -0.25, 10.0
"""Latencies by a camera's own clock that can be true: a clock may lead by a little, and streams are buffered."""

_LEAST_STEP_S = 1e-4

SLOWEST = 0.5
"""Where times turn out to have been ahead, they go on at this share of the pace until they are right: they never stand
still, which would make everybody seem to jump."""

ClockName: TypeAlias = Literal["auto", "arrival"]


class LowerEnvelope:
    """The least of the numbers seen in the last minute: delay varies, and what varies is only ever added to it."""

    def __init__(self) -> None:
        self._buckets: deque[tuple[float, float]] = deque()

    def add(self, at_s: float, value: float) -> float:
        """Take a number; the least of the window."""
        begun = math.floor(at_s / _BUCKET_S) * _BUCKET_S
        if self._buckets and self._buckets[-1][0] == begun:
            self._buckets[-1] = begun, min(value, self._buckets[-1][1])
        else:
            self._buckets.append((begun, value))
        while self._buckets[0][0] < at_s - WINDOW_S:
            self._buckets.popleft()
        return min(least for _, least in self._buckets)

    def clear(self) -> None:
        """Begin anew."""
        self._buckets.clear()


class WallClock:
    """Unix times for a stream's frames, increasing.

    The stream's own time is even, so it is kept and only shifted: by what the camera says its wall clock showed (RTCP
    sender reports), if that can be true; otherwise by the least delay of arrival in the last minute. Arrival itself
    would turn a network's jitter into wrong times.

    Args:
        source: `auto`, or `arrival` to pass over what the camera says.

    Attributes:
        repaired: frames whose time was missing, went back or jumped.
        latency_s: by how much frames came after the camera's wall clock, newest; NaN where it does not tell.
        is_plausible: whether the camera's wall clock can be right.
    """

    def __init__(self, source: ClockName = "auto") -> None:
        self.repaired = 0
        self.latency_s = math.nan
        self.is_plausible = True
        self._source = source
        self._shift = LowerEnvelope()
        self._latency = LowerEnvelope()
        self._last: tuple[float, float] | None = None
        self._last_s = -math.inf

    def read(self, stream_s: float | None, arrival_s: float, wall_s: float | None) -> float:
        """The unix time of the next frame.

        Args:
            stream_s: its presentation time on the stream's clock; None if it has none.
            arrival_s: unix seconds, when it was decoded.
            wall_s: unix seconds by the camera's wall clock; None if it does not tell.
        """
        if stream_s is None or self._has_jumped(stream_s, arrival_s):
            self.repaired += 1
            self._shift.clear()
        time_s = arrival_s if stream_s is None else stream_s + self._shift.add(arrival_s, arrival_s - stream_s)
        if wall_s is not None:
            self.latency_s = arrival_s - wall_s
            self.is_plausible = EARLIEST_S <= self._latency.add(arrival_s, self.latency_s) <= LATEST_S
            if self._source == "auto" and self.is_plausible:
                time_s = wall_s
        self._last_s = max(time_s, self._last_s + self._least_step_s(stream_s, arrival_s))
        if stream_s is not None:
            self._last = stream_s, arrival_s
        return self._last_s

    def _least_step_s(self, stream_s: float | None, arrival_s: float) -> float:
        """How far this frame's time must be ahead of the last one's."""
        if self._last is None or stream_s is None:
            return _LEAST_STEP_S
        # Frames that were held up and now come at once have no time to pass between them.
        passed_s = min(stream_s - self._last[0], arrival_s - self._last[1])
        return max(_LEAST_STEP_S, SLOWEST * passed_s) if passed_s < LARGEST_JUMP_S else _LEAST_STEP_S

    def _has_jumped(self, stream_s: float, arrival_s: float) -> bool:
        if self._last is None:
            return False
        passed_s = stream_s - self._last[0]
        return passed_s <= 0 or abs(passed_s - (arrival_s - self._last[1])) > LARGEST_JUMP_S
