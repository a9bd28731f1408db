"""Presentation times: from a container's time stamps to seconds that start at 0 and increase, and thinning by them."""

from __future__ import annotations

import math
from fractions import Fraction

from keyreid_stream.errors import InputError

_SLOT_TOLERANCE = 1e-6
"""Shares of a slot by which a time may miss its slot through rounding and still count as on time."""


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

    A missing or backward time stamp is repaired: it becomes the last time plus the nominal interval. `repaired` counts
    them.
    """

    def __init__(self, time_base: Fraction, interval_s: float) -> None:
        self.repaired = 0
        self._time_base = time_base
        self._interval_s = interval_s
        self._origin: int | None = None
        self._last_s: float | None = None

    def read(self, pts: int | None) -> float:
        """Seconds of the next frame, whose time stamp in units of the time base is `pts`."""
        if self._origin is None:
            self._origin = pts
        seconds = None if pts is None or self._origin is None else float((pts - self._origin) * self._time_base)
        if self._last_s is None:
            # Whatever the first frame says, it is the origin; only a missing time stamp had to be made up.
            self.repaired += pts is None
            self._last_s = 0.0
        elif seconds is None or seconds <= self._last_s:
            self.repaired += 1
            self._last_s += self._interval_s
        else:
            self._last_s = seconds
        return self._last_s


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
