"""Presentation times: from a container's time stamps to seconds that start at 0 and increase, and thinning by them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

from keyreid_stream.errors import InputError

_SLOT_TOLERANCE = 1e-6
"""Shares of a slot by which a time may miss its slot through rounding and still count as on time."""

_LONGEST_UNCONFIRMED_PAUSE_S = 10.0
"""How far a single time stamp may jump ahead when no other bears it out."""

_Item = TypeVar("_Item")


def checked_fps(fps: float) -> float:
    """The rate, if it is one.

    Raises:
        InputError: it is zero, negative or not finite.
    """
    if not (math.isfinite(fps) and fps > 0):
        raise InputError(f"fps is {fps:g}; it must be a number above 0: leave it out for every frame")
    return fps


class PresentationClock:
    """Turns presentation time stamps (pts) into seconds: 0 for the first, then strictly increasing.

    A time stamp is believed if it is after the last time and the next frame's stamp is not between the two; so a long
    pause is kept. Where the next frame cannot tell (there is none, or its stamp is missing or goes back further), only
    a pause of up to 10 s is believed.

    All others are repaired, and counted in `repaired`: the frame comes a nominal interval after the last one, or
    half-way to the next where that is nearer. If the next stamp does not go on from the last time either, as after a
    restart of the camera, times are counted from the repaired frame, so that later distances stay true.

    One far-off stamp therefore moves no other frame; two in a row that agree with each other are believed.
    """

    def __init__(self, time_base: Fraction, interval_s: float) -> None:
        self.repaired = 0
        self._time_base = time_base
        self._interval_s = interval_s
        # Less than this between two times is rounding, and no room to put a frame in.
        self._least_step_s = float(time_base) / 4
        self._origin_s: Fraction | None = None
        self._last_s = -interval_s

    def read(self, pts: int | None, following: int | None) -> float:
        """Seconds of the next frame.

        Args:
            pts: its time stamp in units of the time base; None if it has none.
            following: the time stamp of the frame after it; None if that has none, or there is none.
        """
        due_s = self._last_s + self._interval_s
        if self._origin_s is None:  # the first stamp there is: nothing to doubt it by
            self.repaired += pts is None
            self._count_from(pts, due_s)
            self._last_s = due_s
        else:
            self._last_s = self._believed_or_repaired(pts, following, due_s)
        return self._last_s

    def _believed_or_repaired(self, pts: int | None, following: int | None, due_s: float) -> float:
        seconds, next_s = self._seconds(pts), self._seconds(following)
        if next_s is not None and next_s - self._last_s < self._least_step_s:
            next_s = None  # it does not go on from the last time, so it cannot tell about this one
        latest_s = due_s + _LONGEST_UNCONFIRMED_PAUSE_S if next_s is None else next_s
        if seconds is not None and self._last_s < seconds <= latest_s:
            return seconds
        self.repaired += 1
        if next_s is not None:
            return min(due_s, (self._last_s + next_s) / 2)
        self._count_from(pts, due_s)
        return due_s

    def _count_from(self, pts: int | None, seconds: float) -> None:
        """Let this time stamp, if there is one, mean so many seconds."""
        if pts is not None:
            self._origin_s = pts * self._time_base - Fraction(seconds)

    def _seconds(self, pts: int | None) -> float | None:
        return None if pts is None or self._origin_s is None else float(pts * self._time_base - self._origin_s)


def with_following(items: Iterable[_Item]) -> Iterator[tuple[_Item, _Item | None]]:
    """Each item with the one after it, None after the last; reads one item ahead."""
    iterator = iter(items)
    item = next(iterator, None)
    while item is not None:
        following = next(iterator, None)
        yield item, following
        item = following


class RateLimit:
    """Thins frames to at most `fps` a second by their times; None lets all through.

    Time is cut into slots of 1/fps; the first frame of each slot passes. Thinning 10 fps to 4 thus gives 4 a second
    on average, which a minimum distance between frames would not.
    """

    def __init__(self, fps: float | None) -> None:
        self._fps = fps
        self._last_slot = -1

    def admits(self, timestamp_s: float) -> bool:
        """Whether the frame of this time passes; ask once per frame, in order."""
        if self._fps is None:
            return True
        slot = math.floor(timestamp_s * self._fps + _SLOT_TOLERANCE)
        if slot <= self._last_slot:
            return False
        self._last_slot = slot
        return True
