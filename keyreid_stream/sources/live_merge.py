"""Live cameras into ticks: the newest frame of each, waiting for none of them for long."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from functools import partial
from threading import Event

from keyreid_stream.errors import ConfigError
from keyreid_stream.interfaces import LiveSource
from keyreid_stream.structures import Frame

HEARTBEAT_S = 0.5
"""A tick comes at least this often, without frames if need be: so long does a stop or a new camera wait at most."""

WAIT_INTERVALS = 0.5
"""How long a tick waits for the other cameras, in frame intervals of the fastest of them."""

_EXPECTED_INTERVALS = 3.0
"""A camera that gave nothing for so many frame intervals is not waited for."""


class LiveMerge:
    """Gathers the newest frame of every camera that has one; what comes while a tick is worked on is passed over.

    A tick begins with the first new frame and then waits for the other cameras, at most `wait_s` and only for those
    that were streaming just now. Where work takes longer than a frame interval, every camera has a new frame already
    and nobody waits: delay stays bounded by one tick, and cameras count what they dropped.

    A frame whose time lies before that of the tick before it is late: it is given all the same, being the newest that
    its camera has, and counted.

    `ticks` runs in one thread. Cameras are added and removed from any other through `between_ticks`.

    Args:
        cameras: those to begin with; `ticks` opens them.
        wait_s: how long to wait for other cameras; by default half a frame interval of the fastest.
        heartbeat_s: the longest time between ticks.

    Attributes:
        late: frames that were late, by camera.

    Raises:
        ConfigError: two cameras have the same name.
    """

    def __init__(
        self, cameras: Sequence[LiveSource] = (), *, wait_s: float | None = None, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self.late: Counter[str] = Counter()
        self._wait_s = wait_s
        self._heartbeat_s = heartbeat_s
        self._cameras = {source.camera_id: source for source in cameras}
        if len(self._cameras) != len(cameras):
            raise ConfigError("two cameras have the same name; give each its own: NAME=ADDRESS")
        self._last_given_s: dict[str, float] = {}
        self._ready: set[str] = set()
        self._paused: set[str] = set()
        self._changes: deque[Callable[[], None]] = deque()
        self._woken = Event()
        self._stopped = False
        self._begun_s = -math.inf

    @property
    def cameras(self) -> tuple[LiveSource, ...]:
        """The cameras, in the order in which they were added."""
        return tuple(self._cameras.values())

    @property
    def paused(self) -> frozenset[str]:
        """Cameras whose frames are not looked at."""
        return frozenset(self._paused)

    def add(self, source: LiveSource) -> None:
        """Open a camera and take its frames from now on. Call it `between_ticks`, as `remove`, `pause` and `resume`.

        Raises:
            ConfigError: there is one of this name.
        """
        camera_id = source.camera_id
        if camera_id in self._cameras:
            raise ConfigError(f"there is a camera {camera_id!r} already; give this one another name: NAME=ADDRESS")
        self._cameras[camera_id] = source
        self._open(source)

    def remove(self, camera_id: str) -> None:
        """Close a camera and forget it."""
        self._cameras.pop(camera_id).close()
        self._paused.discard(camera_id)
        self._ready.discard(camera_id)
        self._last_given_s.pop(camera_id, None)

    def pause(self, camera_id: str) -> None:
        """Do not look at a camera's frames until `resume`; its connection stays."""
        self._paused.add(camera_id)

    def resume(self, camera_id: str) -> None:
        """Look at a camera's frames again."""
        self._paused.discard(camera_id)
        self._wake(camera_id)

    def between_ticks(self, change: Callable[[], None]) -> None:
        """Have something done in the thread of `ticks`, before the next one; returns at once."""
        self._changes.append(change)
        self._woken.set()

    def stop(self) -> None:
        """End `ticks` before the next one."""
        self._stopped = True
        self._woken.set()

    def ticks(self) -> Generator[list[Frame]]:
        """Open the cameras and give frames that belong together, in the cameras' order; none after `heartbeat_s`.

        Ends after `stop`, and once every camera has ended. Closing it closes all cameras.
        """
        try:
            for source in self.cameras:
                self._open(source)
            while True:
                frames = self._gather()
                if self._stopped or (not frames and self._all_have_ended()):
                    return
                if frames:
                    self._note_times(frames)
                yield frames
        finally:
            for source in self._cameras.values():
                source.close()

    def _open(self, source: LiveSource) -> None:
        source.open(partial(self._wake, source.camera_id))

    def _gather(self) -> list[Frame]:
        """Wait for a first frame, then shortly for the others."""
        found: dict[str, Frame] = {}
        until = time.monotonic() + self._heartbeat_s
        while True:
            self._woken.clear()
            self._make_changes()
            waited_for_none = not found
            self._take(found)
            now = time.monotonic()
            if found and waited_for_none:
                until = now + self._longest_wait_s()
            if self._stopped or now >= until or (found and not self._expected(found, now)):
                return [found[camera_id] for camera_id in self._cameras if camera_id in found]
            if not found and self._all_have_ended():
                return []
            self._woken.wait(until - now)

    def _take(self, found: dict[str, Frame]) -> None:
        """Newest frames of the cameras that have called; those that have one in this tick keep theirs for the next."""
        for camera_id in [one for one in list(self._ready) if one not in found and one not in self._paused]:
            self._ready.discard(camera_id)
            source = self._cameras.get(camera_id)  # a call may come just after its camera was removed
            frame = None if source is None else source.newest()
            if frame is not None:
                found[camera_id] = frame
                self._last_given_s[camera_id] = time.monotonic()

    def _expected(self, found: dict[str, Frame], now: float) -> bool:
        """Whether a camera that streams has not given its frame yet."""
        return any(
            now - self._last_given_s.get(camera_id, -math.inf) < _EXPECTED_INTERVALS / source.fps
            for camera_id, source in self._cameras.items()
            if camera_id not in found and camera_id not in self._paused
        )

    def _longest_wait_s(self) -> float:
        if self._wait_s is not None:
            return self._wait_s
        return WAIT_INTERVALS / max(source.fps for source in self._cameras.values())

    def _note_times(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.timestamp_s < self._begun_s:
                self.late[frame.camera_id] += 1
        self._begun_s = max(self._begun_s, min(frame.timestamp_s for frame in frames))

    def _make_changes(self) -> None:
        while self._changes:
            self._changes.popleft()()

    def _all_have_ended(self) -> bool:
        """Whether nothing can come any more; without cameras, one may still be added."""
        return bool(self._cameras) and all(source.has_ended for source in self._cameras.values())

    def _wake(self, camera_id: str) -> None:
        if camera_id in self._cameras:
            self._ready.add(camera_id)
            self._woken.set()
