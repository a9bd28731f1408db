"""Progress of a run on the terminal: one row per camera, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.structures import LiveCounts, Tick

PLAIN_INTERVAL_S = 10.0
"""Seconds between lines where the output is no terminal, such as a log file."""


class Progress:
    """A sink: a live table where there is a terminal, a line every ten seconds where there is none.

    Args:
        statistics: what to show.
        expected_frames: of all cameras together; None where nobody knows how many will come.
        live: how live cameras are doing, by camera; without it there are none.
        console: where to show it; standard error by default.
    """

    def __init__(
        self,
        statistics: RunStatistics,
        *,
        expected_frames: int | None = None,
        live: Callable[[], Mapping[str, LiveCounts]] = dict,
        console: Console | None = None,
    ) -> None:
        self._statistics = statistics
        self._live_counts = live
        self._expected_frames = expected_frames
        self._console = console or Console(stderr=True)
        self._started = self._last_line = time.monotonic()
        self._live = Live(console=self._console, refresh_per_second=4, transient=False, get_renderable=self.table)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leave the last state on the screen."""
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._console.print(self.line(), highlight=False, soft_wrap=True)

    def write(self, _tick: Tick, /) -> None:
        """Show the counts after this tick."""
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line >= PLAIN_INTERVAL_S:
            self._last_line = now
            self._console.print(self.line(), highlight=False, soft_wrap=True)

    def table(self) -> Table:
        """Frames, frames per second, people in view now, tracks and identities of each camera."""
        elapsed_s = max(time.monotonic() - self._started, 1e-9)
        live = self._live_counts()
        numbers = ("frames", "fps", "people", "tracks", "identities", "time", *(("dropped",) if live else ()))
        columns = [Column(name, justify="right") for name in numbers]
        table = Table("camera", *columns, *(("state",) if live else ()), caption=self._outlook(elapsed_s))
        for camera_id, camera in self._statistics.cameras.items():
            table.add_row(
                camera_id,
                str(camera.frames),
                f"{camera.frames / elapsed_s:.1f}",
                str(camera.people_now),
                str(camera.tracks),
                str(len(camera.identities)),
                clock_text(camera.last_timestamp_s),
                *((str(live[camera_id].dropped), _state(live[camera_id])) if camera_id in live else ()),
            )
        return table

    def line(self) -> str:
        """The same in one line, all cameras together."""
        elapsed_s = max(time.monotonic() - self._started, 1e-9)
        frames = self._statistics.frames
        cameras = ", ".join(
            f"{camera_id}: {camera.frames} frames, {camera.people_now} people, {len(camera.identities)} identities"
            for camera_id, camera in self._statistics.cameras.items()
        )
        troubles = [
            f"; {camera_id} {_state(counts)}"
            for camera_id, counts in self._live_counts().items()
            if not _is_well(counts)
        ]
        dropped = sum(counts.dropped for counts in self._live_counts().values())
        of_all = "" if self._expected_frames is None else f" of {self._expected_frames}"
        lost = f", {dropped} dropped" if dropped else ""
        return f"{frames}{of_all} frames at {frames / elapsed_s:.1f} fps{lost}; {cameras}{''.join(troubles)}"

    def _outlook(self, elapsed_s: float) -> str | None:
        """How far it is and how long it will take, where the end is known."""
        frames = self._statistics.frames
        if self._expected_frames is None or not frames:
            return None
        left_s = round(elapsed_s * max(0, self._expected_frames - frames) / frames)
        return f"{frames} of {self._expected_frames} frames, about {left_s // 60}:{left_s % 60:02d} left"


def _is_well(counts: LiveCounts) -> bool:
    return counts.state == "streaming"


def _state(counts: LiveCounts) -> str:
    return counts.state if _is_well(counts) or not counts.reason else f"{counts.state}: {counts.reason}"
