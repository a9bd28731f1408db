"""From what a user writes to sources: `PATH`, `ADDRESS`, `NAME=` before either, or the address of a synthetic world."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from keyreid_stream.camera_names import check_distinct, checked_camera_id
from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Source
from keyreid_stream.sources.addresses import Credentials, LiveAddress, read_credentials
from keyreid_stream.sources.config import LiveConfig
from keyreid_stream.sources.image_folder import ImageFolderSource
from keyreid_stream.sources.stream import StreamSource
from keyreid_stream.sources.timing import checked_fps
from keyreid_stream.sources.video_file import VideoFileSource
from keyreid_stream.world.address import SCHEME, open_world

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):/")
"""An address has a scheme of two letters or more (one letter is a Windows drive). A single slash is enough: a mistyped
address must not end up in a message as if it were a path, for it may hold a password."""


def open_source(
    spec: str, *, max_fps: float | None = None, keep_truth: bool = False, live: LiveConfig | None = None
) -> Source:
    """Open one camera: a folder is a run of images, a file is a video, `rtsp://…` and the like are live.

    Args:
        spec: `PATH`, the camera then being named after the file or folder, or `NAME=PATH`. A path that exists is taken
            as it is, even with `=` in it. Or the address of a live camera (see `LiveAddress`). Or
            `world://SCENE?cameras=1`, a synthetic world's only camera.
        max_fps: give at most so many frames a second; None for all.
        keep_truth: whether a world's camera can be asked for the truth of its frames; other cameras have none to keep.
        live: how live cameras are reached.

    Raises:
        SourceError: it cannot be opened. Live cameras are reached later: one that is away keeps nobody waiting.
        InputError: the name cannot be a camera's, max_fps is not above 0, or the world has several cameras.
    """
    sources = open_sources([spec], max_fps=max_fps, keep_truth=keep_truth, live=live)
    if len(sources) > 1:
        raise InputError(f"{spec} has {len(sources)} cameras, one is wanted; write cameras=1 in the address")
    return sources[0]


def open_sources(
    specs: Sequence[str],
    *,
    max_fps: float | None = None,
    keep_truth: bool = False,
    live: LiveConfig | None = None,
) -> list[Source]:
    """Open several cameras, in the order given; the address of a world opens all its cameras.

    Args:
        specs: the cameras, each as in `open_source`.
        max_fps: give at most so many frames a second of each camera; None for all.
        keep_truth: whether worlds' cameras can be asked for the truth of their frames; other cameras have none to keep.
        live: how live cameras are reached.

    Raises:
        InputError: none is given, or two have the same name; besides what `open_source` raises.
    """
    if not specs:
        raise InputError("no camera was given; give at least one video file or folder of images")
    opener = _Opener(max_fps, keep_truth, live or LiveConfig())
    opened = [(source, spec) for spec in specs for source in opener.open(spec)]
    check_distinct([(source.camera_id, _shown(source, spec)) for source, spec in opened])
    return [source for source, _ in opened]


class _Opener:
    """Opens cameras one way; a file of credentials is read once, and only if there is a live camera."""

    def __init__(self, max_fps: float | None, keep_truth: bool, live: LiveConfig) -> None:
        self._max_fps = max_fps
        self._keep_truth = keep_truth
        self._live = live

    def open(self, spec: str) -> list[Source]:
        """The cameras of one spec: one, except of a world."""
        name, location = _name_and_location(spec)
        if (address := _ADDRESS.match(location)) is not None:
            if address[1].lower() == SCHEME:
                return self._open_world(name, location)
            return [self._open_stream(name, location)]
        return [_open_path(name, location, self._max_fps)]

    def _open_world(self, name: str | None, address: str) -> list[Source]:
        if name is not None:
            raise InputError(f"a world's cameras have the names of its scene; write {address} without {name}=")
        limit = None if self._max_fps is None else checked_fps(self._max_fps)
        cameras = open_world(address, max_fps=limit, keep_truth=self._keep_truth)
        for camera in cameras:
            checked_camera_id(camera.camera_id)
        return list(cameras)

    def _open_stream(self, name: str | None, text: str) -> Source:
        address = LiveAddress.parse(text, self._credentials)
        source = StreamSource(address, camera_id=name, config=self._live, max_fps=self._max_fps)
        checked_camera_id(source.camera_id)
        return source

    @cached_property
    def _credentials(self) -> dict[str, Credentials]:
        return {} if self._live.credentials is None else read_credentials(Path(self._live.credentials).expanduser())


def _open_path(name: str | None, location: str, max_fps: float | None) -> Source:
    if name is not None:
        checked_camera_id(name)
    path = Path(location).expanduser()
    source: Source
    if _exists(path) and path.is_dir():
        source = ImageFolderSource(path, camera_id=name, max_fps=max_fps)
    else:
        source = VideoFileSource(path, camera_id=name, max_fps=max_fps)
    checked_camera_id(source.camera_id)
    return source


def _shown(source: Source, spec: str) -> str:
    """What a message may say of a camera: an address without its secrets."""
    return source.address if isinstance(source, StreamSource) else spec


def _name_and_location(spec: str) -> tuple[str | None, str]:
    if _ADDRESS.match(spec) or _exists(Path(spec)) or "=" not in spec:
        name, location = None, spec
    else:
        name, _, location = spec.partition("=")
    if not location.strip():
        raise InputError(f"camera {spec!r} names no path; write PATH or NAME=PATH")
    return name, location


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than any path can be, or not ours to look at
        return False
