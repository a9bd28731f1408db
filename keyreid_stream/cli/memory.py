"""Giving memory that is free back to the system, so that a run of weeks stays the size it is."""

from __future__ import annotations

import ctypes
import sys
import time
from types import TracebackType
from typing import Self

INTERVAL_S = 30.0


class ReturnFreeMemory:
    """A sink that asks the C library, twice a minute, to return what the program has freed.

    Pictures and tensors of many sizes leave gaps in glibc's heap: it keeps hundreds of megabytes that nobody uses, and
    grows for hours. Elsewhere than on glibc this does nothing.
    """

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
        self._last_s = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close."""

    def write(self, _tick: object, /) -> None:
        """Return free memory if it is time."""
        now = time.monotonic()
        if self._trim is not None and now - self._last_s >= INTERVAL_S:
            self._last_s = now
            self._trim(0)
