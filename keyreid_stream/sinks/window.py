"""A live window with the mosaic, where there is a display."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import cv2

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.mosaic import Mosaic
from keyreid_stream.structures import Tick

_QUIT_KEYS = frozenset({ord("q"), ord("Q"), 27})
_PROBE = "import av, cv2; cv2.namedWindow('probe'); cv2.waitKey(1); cv2.destroyAllWindows()"
_PROBE_LIMIT_S = 30


def display_available() -> bool:
    """Whether a window can be opened here.

    Without a display the window toolkit ends the whole process instead of raising, so a child process tries first.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=_PROBE_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def require_display() -> None:
    """Make sure that a window can be opened here.

    Raises:
        InputError: it cannot.
    """
    if not display_available():
        raise InputError("no display to open a window on; run without --show and look at the videos, or set DISPLAY")


class WindowSink:
    """Shows the mosaic in a window; `q`, Escape or closing the window stops the run as Ctrl-C does.

    Call `require_display` before, and early: opening a window where there is no display ends the whole process.

    Args:
        cameras: nominal frames per second by camera, in the order of the mosaic.
        title: of the window.

    Raises:
        InputError: there is no camera.
    """

    def __init__(self, cameras: Mapping[str, float], *, title: str = "keyreid") -> None:
        self._mosaic = Mosaic(cameras)
        self._title = title

    def __enter__(self) -> Self:
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with suppress(cv2.error):  # the user may have closed it before us
            cv2.destroyWindow(self._title)

    def write(self, tick: Tick) -> None:
        """Show the tick.

        Raises:
            KeyboardInterrupt: the user asked to stop.
        """
        mosaic = self._mosaic.update(tick)
        if mosaic is None:
            return
        cv2.imshow(self._title, cv2.cvtColor(mosaic, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(1) & 0xFF in _QUIT_KEYS or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            raise KeyboardInterrupt
