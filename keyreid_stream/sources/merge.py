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
    t + window_s. It therefore holds one frame or none of each camera; ticks follow each other in time. Cameras may
    differ in rate and may end early. At most one frame per camera is read ahead.

    Args:
        sources: the cameras; a tick's frames are in this order.
        window_s: how far apart in seconds the frames of a tick may lie; by default half the shortest nominal frame
            interval.

    Returns:
        The ticks. Closing this iterator, or an exception in any camera, closes all cameras.

    Raises:
        InputError: there is no source, or the window is not above 0.
    """
    if not sources:
        raise InputError("no source was given; give at least one camera")
    if window_s is None:
        window_s = 0.5 / max(source.fps for source in sources)
    if not window_s > 0:
        raise InputError(f"window_s is {window_s:g}; it must be above 0")
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
