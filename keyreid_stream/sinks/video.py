"""Annotated videos: one per camera, and a mosaic of all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.camera_files import camera_file
from keyreid_stream.sinks.drawing import annotate, write_notice
from keyreid_stream.sinks.mosaic import Mosaic
from keyreid_stream.sinks.mp4 import Mp4File
from keyreid_stream.sinks.plain import without_pictures
from keyreid_stream.structures import ImageArray, Tick

_MOSAIC = "mosaic"


class VideoSink:
    """Writes `<camera>.mp4` for every camera that gives frames, and `mosaic.mp4`, one picture a tick.

    Args:
        folder: where the files go.
        cameras: nominal frames per second by camera, in the order of the mosaic.
        notice: a line for every picture, in ASCII, about what its viewer must know.
        plain: draw on plain ground instead of on the cameras' pictures.

    Raises:
        InputError: there is no camera, or a camera's name cannot be its video's.
    """

    def __init__(
        self, folder: str | Path, cameras: Mapping[str, float], *, notice: str | None = None, plain: bool = False
    ) -> None:
        for camera_id in cameras:
            _check_name(camera_id)
        self._folder = Path(folder)
        self._notice = notice
        self._plain = plain
        self._mosaic = Mosaic(cameras)
        self._files = {
            camera_id: Mp4File(camera_file(self._folder, camera_id, ".mp4"), fps) for camera_id, fps in cameras.items()
        }
        self._mosaic_file = Mp4File(self._folder / f"{_MOSAIC}.mp4", max(cameras.values()))
        self._stack = ExitStack()
        self._is_open = False

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for file in (*self._files.values(), self._mosaic_file):
            self._stack.callback(file.close)
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._is_open = False
        self._stack.__exit__(kind, error, trace)

    def write(self, tick: Tick) -> None:
        """Draw and append the tick's pictures.

        Raises:
            InputError: the sink is not open, or the tick holds a camera that was not named and did not join.
        """
        if not self._is_open:
            raise InputError("the videos are not open; write to them inside `with VideoSink(...)`")
        if self._plain:
            tick = without_pictures(tick)
        self._join(tick.joined)
        mosaic = self._mosaic.update(tick)
        for camera in tick.cameras:
            self._append(self._files[camera.frame.camera_id], annotate(camera), camera.frame.timestamp_s)
        if mosaic is not None:
            self._append(self._mosaic_file, mosaic, tick.timestamp_s)

    def _join(self, joined: Mapping[str, float]) -> None:
        for camera_id, fps in joined.items():
            if camera_id not in self._files:
                _check_name(camera_id)
                file = self._files[camera_id] = Mp4File(camera_file(self._folder, camera_id, ".mp4"), fps)
                self._stack.callback(file.close)

    def _append(self, file: Mp4File, image: ImageArray, timestamp_s: float) -> None:
        if self._notice is not None:
            write_notice(image, self._notice)
        file.write(image, timestamp_s)


def _check_name(camera_id: str) -> None:
    if camera_id.casefold() == _MOSAIC:
        raise InputError(f"camera {camera_id!r} would overwrite {_MOSAIC}.mp4; name the camera otherwise: NAME=PATH")
