"""Stopping a run in good order."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignals:
    """Turns Ctrl-C and SIGTERM into an orderly stop. A sink: put it last, so that it is the first to be left.

    The first signal stops the run after the tick in hand was written, a second one at once (a tick can hang). Once
    ticks are over, files are being finished and further signals are passed over.
    """

    def __init__(self) -> None:
        self._requested = False
        self._ticks_are_over = False
        self._previous: dict[signal.Signals, Callable[..., Any] | int | None] = {}

    def __enter__(self) -> Self:
        """Take over the signals."""
        self._previous = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Pass signals over from now on; `restore` gives them back."""
        self._ticks_are_over = True

    def write(self, _tick: object, /) -> None:
        """Stop here if it was requested.

        Raises:
            KeyboardInterrupt: it was.
        """
        if self._requested:
            self._ticks_are_over = True
            raise KeyboardInterrupt

    def restore(self) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        if self._ticks_are_over:
            return
        if self._requested:
            self._ticks_are_over = True
            raise KeyboardInterrupt
        self._requested = True
