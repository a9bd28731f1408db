"""From what a user writes to a source: `PATH` or `NAME=PATH`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from keyreid_stream.camera_names import check_distinct, checked_camera_id
from keyreid_stream.errors import InputError, SourceError
from keyreid_stream.interfaces import Source
from keyreid_stream.sources.image_folder import ImageFolderSource
from keyreid_stream.sources.video_file import VideoFileSource

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):/")
"""An address has a scheme of two letters or more (one letter is a Windows drive). A single slash is enough: a mistyped
address must not end up in a message as if it were a path, for it may hold a password."""


def open_source(spec: str, *, max_fps: float | None = None) -> Source:
    """Open one camera: a folder is a run of images, a file is a video.

    Args:
        spec: `PATH`, the camera then being named after the file or folder, or `NAME=PATH`. A path that exists is taken
            as it is, even with `=` in it.
        max_fps: give at most so many frames a second; None for all.

    Raises:
        SourceError: it cannot be opened, or is an address (live streams are not supported yet).
        InputError: the name cannot be a camera's, or max_fps is not above 0.
    """
    name, location = _name_and_location(spec)
    if (address := _ADDRESS.match(location)) is not None:
        # The address itself stays out of the message: it may hold a user name and a password.
        raise SourceError(
            f"live streams and other addresses ({address[1].lower()}://) are not supported in this version; "
            "give a video file or a folder of images"
        )
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


def open_sources(specs: Sequence[str], *, max_fps: float | None = None) -> list[Source]:
    """Open several cameras, in the order given.

    Raises:
        InputError: none is given, or two have the same name; besides what `open_source` raises.
    """
    if not specs:
        raise InputError("no camera was given; give at least one video file or folder of images")
    sources = [open_source(spec, max_fps=max_fps) for spec in specs]
    check_distinct([(source.camera_id, spec) for source, spec in zip(sources, specs, strict=True)])
    return sources


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
