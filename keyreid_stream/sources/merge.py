"""Many cameras into one run of ticks, by time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Source
from keyreid_stream.structures import Frame


def merge(sources: Sequence[Source], *, window_s: float | None = None) -> Generator[list[Frame]]:
    """Gather frames that belong together in time; every frame comes exactly once.

    A tick starts at the earliest waiting frame, of time t, and takes each camera's waiting frame if its time is below
    t + window_s. It therefore holds one frame or none of each camera. A tick starts after the one before it; while
    cameras keep their nominal rates, it even starts after all frames of the one before it. Cameras may differ in rate
    and may end early. At most one frame per camera is read ahead.

    Args:
        sources: the cameras; a tick's frames are in this order.
        window_s: how far apart in seconds the frames of a tick may lie, at most the shortest nominal frame interval:
            more would join a frame to others that are nearer to its camera's next. By default half that interval.

    Returns:
        The ticks. Closing this iterator, or an exception in any camera, closes all cameras.

    Raises:
        InputError: there is no source, or the window is not above 0 or longer than the shortest frame interval.
    """
    if not sources:
        raise InputError("no source was given; give at least one camera")
    shortest_interval_s = 1 / max(source.fps for source in sources)
    if window_s is None:
        window_s = shortest_interval_s / 2
    if not 0 < window_s <= shortest_interval_s:
        raise InputError(
            f"window_s is {window_s:g}; it must be above 0 and at most {shortest_interval_s:g}, the shortest frame "
            "interval of the cameras: give a shorter one, or leave it out"
        )
    return _ticks(sources, window_s)


def _ticks(sources: Sequence[Source], window_s: float) -> Generator[list[Frame]]:
    with ExitStack() as stack:
        cameras = [source.frames() for source in sources]
        for camera in cameras:
            # A protocol's iterator need not be a generator; one without `close` has nothing to release.
            if (close := getattr(camera, "close", None)) is not None:
                stack.callback(close)
        waiting: dict[int, Frame] = {}
        running = dict(enumerate(cameras))
        while True:
            _refill(waiting, running)
            if not waiting:
                return
            end_s = min(frame.timestamp_s for frame in waiting.values()) + window_s
            due = [place for place in sorted(waiting) if waiting[place].timestamp_s < end_s]
            yield [waiting.pop(place) for place in due]


def _refill(waiting: dict[int, Frame], running: dict[int, Iterator[Frame]]) -> None:
    """Read one frame from every running camera that has none waiting; forget cameras that have ended."""
    for place in [place for place in running if place not in waiting]:
        frame = next(running[place], None)
        if frame is None:
            del running[place]
        else:
            waiting[place] = frame
