"""A world's camera as a source of the pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Frame
from keyreid_stream.world.film import Film
from keyreid_stream.world.truth import FrameTruth
from keyreid_stream.world.world import World

REMEMBERED_FRAMES = 64
"""Frames whose truth a source still knows. Merging cameras by time reads a frame or two ahead of the pipeline."""


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
        keep_truth: remember the truth of the last `REMEMBERED_FRAMES` frames, for `truth_of`.
    """

    def __init__(self, world: World, place: int, *, live: LiveClock | None = None, keep_truth: bool = False) -> None:
        self.skipped_frames = 0
        self._world = world
        self._film = Film(world, place)
        self._live = live
        self._keeps_truth = keep_truth
        self._truths: dict[int, FrameTruth] = {}

    @property
    def camera_id(self) -> str:
        """The camera's name in the scene."""
        return self._film.view.name

    @property
    def fps(self) -> float:
        """Nominal frames per second."""
        return self._film.view.fps

    @property
    def world(self) -> World:
        """The world that it films."""
        return self._world

    @property
    def frame_count(self) -> int:
        """How many frames there are to come, all in all; live, some of them may be skipped."""
        return len(self._film)

    @property
    def keeps_truth(self) -> bool:
        """Whether `truth_of` and `truth_at` may be asked."""
        return self._keeps_truth

    def frames(self) -> Iterator[Frame]:
        """Film the world from its start."""
        self.skipped_frames = 0
        self._truths.clear()
        indices = range(len(self._film)) if self._live is None else self._due_indices(self._live)
        return map(self._film_with_truth if self._keeps_truth else self._film.frame, indices)

    def truth_of(self, frame: Frame) -> FrameTruth:
        """What is true about a frame: one of the last `REMEMBERED_FRAMES` that `frames` gave.

        Raises:
            InputError: the source keeps no truth, the frame is another camera's, or it is too old or still to come.
        """
        if frame.camera_id != self.camera_id:
            raise InputError(
                f"camera {self.camera_id!r} was asked for the truth of a frame of camera {frame.camera_id!r}; "
                "ask the camera that took it"
            )
        return self.truth_at(frame.frame_index)

    def truth_at(self, frame_index: int) -> FrameTruth:
        """What is true about the frame of this index: one of the last `REMEMBERED_FRAMES` that `frames` gave.

        Raises:
            InputError: the source keeps no truth, or the frame is too old or still to come.
        """
        if not self._keeps_truth:
            raise InputError(f"camera {self.camera_id!r} keeps no truth; open it with keep_truth=True")
        if frame_index not in self._truths:
            raise InputError(
                f"camera {self.camera_id!r} does not know the truth of frame {frame_index}; "
                f"ask for one of the last {REMEMBERED_FRAMES} frames that it gave"
            )
        return self._truths[frame_index]

    def _film_with_truth(self, index: int) -> Frame:
        shot = self._film.shot(index)
        self._truths[index] = shot.truth
        if len(self._truths) > REMEMBERED_FRAMES:
            del self._truths[next(iter(self._truths))]
        return shot.frame

    def _due_indices(self, clock: LiveClock) -> Iterator[int]:
        """Indices of the frames to show, each when it is due."""
        for index, time_s in enumerate(self._film.times_s):
            if clock.time_s() - time_s > 1 / self.fps:
                self.skipped_frames += 1
            else:
                clock.wait_until(time_s)
                yield index
