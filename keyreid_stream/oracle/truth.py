"""What oracles know: the truth about every camera's frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Source
from keyreid_stream.world.truth import FrameTruth


@runtime_checkable
class TruthSource(Protocol):
    """What a camera must offer, besides being a `Source`, to be asked for the truth.

    `WorldSource` does, and `RecordedTruthSource` for recordings whose truth is in files.
    """

    @property
    def world(self) -> object:
        """The world that it films: in all its cameras, a number is the same person."""
        ...

    @property
    def keeps_truth(self) -> bool:
        """Whether `truth_at` may be asked."""
        ...

    def truth_at(self, frame_index: int) -> FrameTruth:
        """What is true about one of the frames that it gave last."""
        ...


class Truth:
    """The truth about the frames of several cameras of one world.

    Args:
        sources: the cameras; those of synthetic worlds that keep their truth.

    Raises:
        InputError: a camera has no truth or does not keep it, or the cameras film different worlds, in which one
            number means different people.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.camera_id: _truth_source(source) for source in sources}
        worlds = list(self._sources.values())
        if any(source.world is not worlds[0].world for source in worlds):
            raise InputError(
                "the cameras film different worlds, and oracles know the people of one; give one world:// address"
            )

    def at(self, camera_id: str, frame_index: int) -> FrameTruth:
        """What is true about one of the frames that a camera gave last.

        Raises:
            InputError: the camera is unknown, or the frame is too old or still to come.
        """
        source = self._sources.get(camera_id)
        if source is None:
            raise InputError(f"no truth is known of camera {camera_id!r}; choose from: {', '.join(self._sources)}")
        return source.truth_at(frame_index)


def _truth_source(source: Source) -> TruthSource:
    if not isinstance(source, TruthSource):
        raise InputError(
            f"camera {source.camera_id!r} has no ground truth to take; oracles (--oracle) work with world:// cameras"
        )
    if not source.keeps_truth:
        raise InputError(f"camera {source.camera_id!r} keeps no truth for oracles; open it with keep_truth=True")
    return source
