"""A world's camera as a source of the pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from keyreid_stream.structures import Frame
from keyreid_stream.world.film import Film
from keyreid_stream.world.world import World


class LiveClock:
    """Tells the cameras of a live world what time it is there; starts at 0 when it is first asked.

    Args:
        now: a clock in seconds.
        sleep: how to wait.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._start: float | None = None

    def time_s(self) -> float:
        """The world's time."""
        if self._start is None:
            self._start = self._now()
        return self._now() - self._start

    def wait_until(self, time_s: float) -> None:
        """Return once the world's time is this; at once if it is later already."""
        left_s = time_s - self.time_s()
        if left_s > 0:
            self._sleep(left_s)


class WorldSource:
    """The frames of one camera of a world; see `interfaces.Source`.

    Timestamps are the camera's own clock's: its offset is in them, as it would be in a real camera's.

    As fast as possible, every frame comes and a run is repeatable. Live, a frame comes when its time has come, and
    frames whose time has passed by more than a frame interval are skipped (counted in `skipped_frames`).

    Args:
        world: the world; cameras of one world share it.
        place: the camera's place in `world.scene.cameras`.
        live: the clock that paces it, shared by the cameras of one world; None for as fast as possible.
    """

    def __init__(self, world: World, place: int, *, live: LiveClock | None = None) -> None:
        self.skipped_frames = 0
        self._film = Film(world, place)
        self._live = live

    @property
    def camera_id(self) -> str:
        """The camera's name in the scene."""
        return self._film.view.name

    @property
    def fps(self) -> float:
        """Nominal frames per second."""
        return self._film.view.fps

    def frames(self) -> Iterator[Frame]:
        """Film the world from its start."""
        self.skipped_frames = 0
        indices = range(len(self._film)) if self._live is None else self._due_indices(self._live)
        return map(self._film.frame, indices)

    def _due_indices(self, clock: LiveClock) -> Iterator[int]:
        """Indices of the frames to show, each when it is due."""
        for index, time_s in enumerate(self._film.times_s):
            if clock.time_s() - time_s > 1 / self.fps:
                self.skipped_frames += 1
            else:
                clock.wait_until(time_s)
                yield index
