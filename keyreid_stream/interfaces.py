"""The seams: one small Protocol at every arrow of the pipeline. Implement one and hand it to `Pipeline`.

`keyreid_stream.fakes` ships a fake of each for users' tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from keyreid_stream.structures import (
    Clip,
    ClipEmbeddings,
    Crops,
    CropSpec,
    Detections,
    EmbeddingLayout,
    Encodings,
    Event,
    FloatArray,
    Frame,
    Identity,
    LiveCounts,
    Tick,
    TrackEvidence,
    TrackKey,
    Tracks,
)


class Source(Protocol):
    """One camera: a finite or endless run of frames with timestamps that increase."""

    @property
    def camera_id(self) -> str:
        """The camera's name, unique in a deployment."""
        ...

    @property
    def fps(self) -> float:
        """Nominal frames per second, for merging cameras and for writing video."""
        ...

    def frames(self) -> Iterator[Frame]:
        """The frames in order. Called once; closing the iterator releases the camera."""
        ...


@runtime_checkable
class LiveSource(Source, Protocol):
    """A camera that does not wait: its newest frame is taken when there is time for it.

    Times of its frames are unix seconds and increase.
    """

    def open(self, wake: Callable[[], None]) -> None:
        """Start, and return at once. `wake` is called, from any thread, when a frame has come or none will any more."""
        ...

    def newest(self) -> Frame | None:
        """The newest frame that was not given before, None if there is none; never blocks.

        Frames that it passes over are counted as dropped.
        """
        ...

    def close(self) -> None:
        """Release everything within 2 s; may be called twice, and before `open`."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether no frame will come any more."""
        ...

    @property
    def counts(self) -> LiveCounts:
        """How it is doing now."""
        ...


class PoseDetector(Protocol):
    """Finds people, and their keypoints where it can."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One `Detections` per frame, all frames (of all cameras) in one batched call."""
        ...


class FrameEncoder(Protocol):
    """The first half of KeyRe-ID: crops to tokens, once per crop."""

    @property
    def crop_spec(self) -> CropSpec:
        """The crops it wants."""
        ...

    def encode(self, crops: Crops) -> Encodings:
        """Encode N crops (N may be 0)."""
        ...


class ClipHead(Protocol):
    """The second half of KeyRe-ID: a clip's tokens and part weights to an embedding."""

    @property
    def frames_per_clip(self) -> int:
        """T, the most crops that a clip may hold."""
        ...

    @property
    def layout(self) -> EmbeddingLayout:
        """The layout of its embeddings."""
        ...

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        """One embedding per clip (there may be none); shorter clips are padded as the model defines."""
        ...


class Tracker(Protocol):
    """One camera's tracker."""

    def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:
        """Advance by one frame; `appearance` is (N, D), one row per detection."""
        ...

    def write_back(self, embeddings: Mapping[int, FloatArray]) -> None:
        """Put clip embeddings' global parts (D,) into the live tracks of these ids, for the next association."""
        ...


class Associator(Protocol):
    """Decides across cameras which tracks are the same person."""

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence of all cameras; return what was decided, in order."""
        ...

    def identity_of(self, key: TrackKey) -> int | None:
        """The identity of a track, None while undecided."""
        ...

    def identities(self) -> list[Identity]:
        """Everyone known now, by identity id."""
        ...


class Sink(Protocol):
    """Writes ticks somewhere. A context manager: what it wrote is complete and readable after `__exit__`."""

    def __enter__(self) -> Self:
        """Open what it writes to."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Finish and close, also after an error or an interruption."""
        ...

    def write(self, tick: Tick, /) -> None:
        """Take one tick."""
        ...
