"""A few seconds of a camera, to see how it does before a run depends on it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TypeAlias

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import LiveSource, Source
from keyreid_stream.sources.addresses import without_secrets
from keyreid_stream.sources.config import SourcesConfig
from keyreid_stream.sources.image_folder import ImageFolderSource
from keyreid_stream.sources.open import open_sources
from keyreid_stream.sources.stream import StreamSource
from keyreid_stream.sources.trial_findings import (
    Observed,
    Size,
    corrupt_notes,
    fault_of,
    live_notes,
    size_notes,
)
from keyreid_stream.sources.video_file import VideoFileSource

_START_S = 2.0
"""What starting a decoder's process may take besides."""

_LOOK_S = 0.1

CAMERA_CLOCK, ARRIVAL_CLOCK = "camera (RTCP)", "arrival"


@dataclass(frozen=True, slots=True)
class CameraTrial:
    """What a few seconds of a camera showed.

    Attributes:
        camera_id: its name; as the user wrote it, without secrets, where it could not be opened.
        address: where it is, as the user wrote it, without secrets.
        live: whether it does not wait.
        codec: of its stream; empty where it has none or did not say.
        sizes: of its pictures, in the order in which they came; more than one if it changed.
        frames: how many were taken.
        fps: how many it gives in a second of its own time, dropped and damaged ones too; None if that cannot be told.
        first_frame_s: how long the first took; None if there was none.
        clock: where its times come from; empty if it gave no frame.
        latency_s: how long after the camera's own wall clock frames came; None where it does not tell.
        fault: why it cannot be used, and what to do; empty if it can.
        notes: what is not as it should be though it can be used, and what to do.
    """

    camera_id: str
    address: str
    live: bool = False
    codec: str = ""
    sizes: tuple[Size, ...] = ()
    frames: int = 0
    fps: float | None = None
    first_frame_s: float | None = None
    clock: str = ""
    latency_s: float | None = None
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def uses_its_clock(self) -> bool:
        """Whether its times are of its own wall clock."""
        return self.clock == CAMERA_CLOCK


_Told: TypeAlias = tuple[str, str, list[str]]
"""Codec, clock, notes."""


def try_cameras(
    spec: str, config: SourcesConfig | None = None, *, seconds: float = 6.0, stop: threading.Event | None = None
) -> list[CameraTrial]:
    """Open what a user wrote as a camera and take its frames for a while; nothing that is wrong with it is raised.

    Live cameras are tried once, not again and again.

    Args:
        spec: as `open_source` takes it; a world's address is all its cameras.
        config: how cameras are reached; the `cameras` in it are not looked at.
        seconds: how long to take frames, from the first; of files and worlds, at most so many seconds of them.
        stop: ends it early when set, with what was seen until then.

    Returns:
        One trial per camera; a single one, with its fault, if nothing could be opened.
    """
    config = config or SourcesConfig()
    name, address = _name_and_address(without_secrets(spec))
    once = config.live.model_copy(update={"max_attempts": 1})
    try:
        sources = open_sources([spec], live=once)  # not thinned: what the camera gives is to be seen
    except InputError as error:
        return [CameraTrial(name or address, address, fault=str(error))]
    return [_try(source, address, config, seconds, stop or threading.Event()) for source in sources]


def _name_and_address(shown: str) -> tuple[str, str]:
    """The two sides of `NAME=ADDRESS`; an empty name, where there is none."""
    name, _, address = shown.partition("=")
    return (name, address) if address and not set(name) & set(":/") else ("", shown)


def _try(source: Source, address: str, config: SourcesConfig, seconds: float, stop: threading.Event) -> CameraTrial:
    seen, fault = Observed(), ""
    try:
        if isinstance(source, LiveSource):
            _watch_live(source, seen, config.live.stall_s + _START_S, seconds, stop)
        else:
            _watch(source, seen, seconds, stop)
    except InputError as error:
        fault = str(error)
    if not seen.frames and not fault:
        fault = "it has no frames; give another one" if seen.counts is None else fault_of(seen.counts.reason)
    codec, clock, notes = _told(source, seen, config)
    return CameraTrial(
        camera_id=source.camera_id,
        address=address,
        live=seen.counts is not None,
        codec=codec,
        sizes=tuple(seen.sizes),
        frames=seen.frames,
        fps=seen.fps,
        first_frame_s=seen.first_frame_s,
        clock=clock if seen.frames else "",
        latency_s=None if seen.counts is None else seen.counts.latency_s,
        fault=fault,
        notes=() if fault else tuple(notes),
    )


def _watch(source: Source, seen: Observed, seconds: float, stop: threading.Event) -> None:
    frames = source.frames()
    try:
        for frame in frames:
            seen.take(frame)
            if stop.is_set() or seen.has_lasted(seconds):
                return
    finally:
        if (close := getattr(frames, "close", None)) is not None:  # not every iterator is a generator
            close()


def _watch_live(source: LiveSource, seen: Observed, patience_s: float, seconds: float, stop: threading.Event) -> None:
    came = threading.Event()
    source.open(came.set)
    try:
        while not (stop.is_set() or seen.has_lasted(seconds)):
            came.clear()
            if (frame := source.newest()) is not None:
                seen.take(frame)
            elif source.has_ended or (not seen.frames and time.monotonic() - seen.began_s > patience_s):
                return
            else:
                came.wait(_LOOK_S)
    finally:
        seen.counts = source.counts  # before it is closed
        source.close()


def _told(source: Source, seen: Observed, config: SourcesConfig) -> _Told:
    """What is told of a camera of this kind."""
    if seen.counts is not None:
        opened = source.opened if isinstance(source, StreamSource) else None
        plausible = not isinstance(source, StreamSource) or source.clock_is_plausible
        uses_cameras = seen.counts.latency_s is not None and plausible and config.live.clock == "auto"
        notes = live_notes(seen, config.live, config.max_fps, clock_is_plausible=plausible)
        return "" if opened is None else opened.codec, CAMERA_CLOCK if uses_cameras else ARRIVAL_CLOCK, notes
    if isinstance(source, VideoFileSource):
        notes = corrupt_notes(source.corrupt_frames, source.repaired_timestamps)
        return source.codec, "file", [*notes, *size_notes(seen)]
    if isinstance(source, ImageFolderSource):
        return "images", "constant rate", [*corrupt_notes(source.corrupt_frames), *size_notes(seen)]
    return "", "its own", size_notes(seen)
