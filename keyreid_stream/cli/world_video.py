"""Videos of a world's cameras, as the cameras see it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from keyreid_stream.sinks.camera_files import camera_file
from keyreid_stream.sinks.mp4 import Mp4File
from keyreid_stream.world.truth import Shot


class WorldVideoWriter:
    """Writes `<camera>.mp4`; frame n of the video is the frame of index n.

    Args:
        folder: where the files go.
        cameras: nominal frames per second of every camera.
    """

    def __init__(self, folder: Path, cameras: Mapping[str, float]) -> None:
        self._folder = folder
        self._files = {
            camera_id: Mp4File(camera_file(folder, camera_id, ".mp4"), fps) for camera_id, fps in cameras.items()
        }
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for file in self._files.values():
            self._stack.callback(file.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._stack.close()

    def write(self, shot: Shot) -> None:
        """Append the shot's picture to its camera's video."""
        self._files[shot.frame.camera_id].write(shot.frame.image, shot.frame.timestamp_s)
