"""Stopping a run in good order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether someone asked to stop. The first request is honoured between ticks, a second one at once."""

    def __init__(self) -> None:
        self._requested = False

    def note(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Take a request; a signal handler.

        Raises:
            KeyboardInterrupt: it is not the first.
        """
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True

    def check(self) -> None:
        """Stop here if a stop was requested.

        Raises:
            KeyboardInterrupt: one was.
        """
        if self._requested:
            raise KeyboardInterrupt


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn Ctrl-C and SIGTERM into a stop request while the block runs."""
    request = StopRequest()
    previous = {number: signal.signal(number, request.note) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
