"""The truth about what the pipeline saw, beside what it made of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self

from keyreid_stream.structures import Frame, Tick
from keyreid_stream.world.truth import FrameTruth, Shot
from keyreid_stream.world.writers import ShotWriter


class KnowsTruth(Protocol):
    """A camera that can be asked what is true about a frame it just gave."""

    def truth_of(self, frame: Frame, /) -> FrameTruth:
        """What is true about the frame."""
        ...


class TruthSink:
    """Hands every frame of a run, with its truth, to a writer of shots: exactly the frames that the run saw.

    Args:
        writer: what writes the truth.
        cameras: who knows the truth of each camera's frames.
    """

    def __init__(self, writer: ShotWriter, cameras: Mapping[str, KnowsTruth]) -> None:
        self._writer = writer
        self._cameras = dict(cameras)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, tick: Tick) -> None:
        """Write the truth of the tick's frames.

        Raises:
            InputError: a camera no longer knows it.
        """
        for seen in tick.cameras:
            self._writer.write(Shot(seen.frame, self._cameras[seen.frame.camera_id].truth_of(seen.frame)))
