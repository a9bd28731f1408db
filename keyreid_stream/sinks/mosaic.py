"""All cameras in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import cv2
import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.drawing import Pen, annotate
from keyreid_stream.sinks.letterbox import letterboxed
from keyreid_stream.sinks.palette import DARK, LIGHT
from keyreid_stream.sinks.text import Chip, Words
from keyreid_stream.structures import CameraTick, ImageArray, Tick

_WIDTH, _HEIGHT = 1920, 1080
"""A mosaic is never larger than this."""

_GAP = 4
_DIMMED = 0.35
_PLATE_OPACITY = 0.65
_UNIX_FROM_S = 1e9
"""No video is so long that it would get here; unix time has been above since 2001."""

_SILENT_AFTER_S = 1.0
_SILENT_AFTER_FRAMES = 3


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one size in a nearly square grid, row by row.

    Attributes:
        columns, rows: of the grid.
        cell_height, cell_width: pixels.
    """

    columns: int
    rows: int
    cell_height: int
    cell_width: int

    @classmethod
    def of(cls, cells: int, picture_height: int, picture_width: int) -> Grid:
        """The grid for so many pictures of this shape, none enlarged, all within the largest mosaic."""
        columns = math.ceil(math.sqrt(cells))
        rows = math.ceil(cells / columns)
        room_width = (_WIDTH - _GAP * (columns - 1)) / columns
        room_height = (_HEIGHT - _GAP * (rows - 1)) / rows
        scale = min(1.0, room_width / picture_width, room_height / picture_height)
        return cls(columns, rows, max(1, int(picture_height * scale)), max(1, int(picture_width * scale)))

    @property
    def height(self) -> int:
        """Pixels, gaps included."""
        return self.rows * (self.cell_height + _GAP) - _GAP

    @property
    def width(self) -> int:
        """Pixels, gaps included."""
        return self.columns * (self.cell_width + _GAP) - _GAP

    def cell(self, image: ImageArray, place: int) -> ImageArray:
        """The part of a (height, width, 3) image that belongs to a place; writing to it writes to the image."""
        top = place // self.columns * (self.cell_height + _GAP)
        left = place % self.columns * (self.cell_width + _GAP)
        return image[top : top + self.cell_height, left : left + self.cell_width]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A camera's last picture, as its cell shows it, and when it was taken."""

    picture: ImageArray
    timestamp_s: float


class Mosaic:
    """Keeps every camera's last picture and composes them anew for each tick.

    The first picture's shape is every cell's; other shapes are letterboxed. A camera that has given nothing new for a
    second (and three of its frame intervals) is dimmed and says so. A camera that joins the run gets a cell of its own,
    which may make all cells smaller.

    Args:
        cameras: nominal frames per second by camera, in the order of the cells.
    """

    def __init__(self, cameras: Mapping[str, float]) -> None:
        if not cameras:
            raise InputError("a mosaic was asked for without cameras; name at least one")
        self._cameras = dict(cameras)
        self._picture_shape = 0, 0
        self._grid: Grid | None = None
        self._ground: ImageArray = np.zeros((0, 0, 3), np.uint8)
        self._shown: dict[str, _Shown] = {}

    def update(self, tick: Tick) -> ImageArray | None:
        """The mosaic after this tick, (height, width, 3) RGB; None before the first picture.

        Raises:
            InputError: the tick holds a camera that was not named.
        """
        self._join(tick.joined)
        for camera in tick.cameras:
            self._show(camera)
        if self._grid is None:
            return None
        image = self._ground.copy()
        for place, camera_id in enumerate(self._cameras):
            self._fill(self._grid.cell(image, place), camera_id, tick.timestamp_s)
        return image

    def _join(self, joined: Mapping[str, float]) -> None:
        self._cameras.update(joined)
        if self._grid is None or not joined:
            return
        grid = self._grid = self._lay_out()
        self._shown = {
            camera_id: replace(shown, picture=letterboxed(shown.picture, grid.cell_height, grid.cell_width))
            for camera_id, shown in self._shown.items()
        }

    def _lay_out(self) -> Grid:
        grid = Grid.of(len(self._cameras), *self._picture_shape)
        self._ground = np.full((grid.height, grid.width, 3), DARK, np.uint8)
        return grid

    def _show(self, camera: CameraTick) -> None:
        frame = camera.frame
        if frame.camera_id not in self._cameras:
            raise InputError(
                f"camera {frame.camera_id!r} was not announced; the mosaic has cells for: {', '.join(self._cameras)}"
            )
        height, width = frame.image.shape[:2]
        if self._grid is None:
            self._picture_shape = height, width
            self._grid = self._lay_out()
        scale = min(self._grid.cell_height / height, self._grid.cell_width / width)
        picture = letterboxed(annotate(camera, scale=scale), self._grid.cell_height, self._grid.cell_width)
        self._shown[frame.camera_id] = _Shown(picture, frame.timestamp_s)

    def _fill(self, cell: ImageArray, camera_id: str, now_s: float) -> None:
        shown = self._shown.get(camera_id)
        if shown is None:
            _write_note(cell, "no picture yet")
            _write_title(cell, camera_id)
            return
        cell[:] = shown.picture
        silent_s = max(_SILENT_AFTER_S, _SILENT_AFTER_FRAMES / self._cameras[camera_id])
        if now_s - shown.timestamp_s > silent_s:
            cell[:] = cv2.convertScaleAbs(cell, alpha=_DIMMED)
            _write_note(cell, f"no picture since {clock_text(shown.timestamp_s)}")
        _write_title(cell, camera_id, clock_text(shown.timestamp_s))


def clock_text(seconds: float) -> str:
    """Seconds as people read them: `0:12.3`, `1:02:03.4`; unix seconds, of live cameras, as the local time of day."""
    if seconds >= _UNIX_FROM_S:
        return f"{datetime.fromtimestamp(seconds).astimezone():%H:%M:%S}"
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{clock}" if hours else f"{minutes}:{clock}"


def _write_title(cell: ImageArray, *words: str) -> None:
    """The camera's name, and its time, in the lower left corner, where boxes seldom have their labels."""
    letters = Pen.for_height(cell.shape[0]).letter_height
    chip = Chip([Words(text, letters) for text in words], LIGHT, DARK, _PLATE_OPACITY)
    margin = round(letters / 2)
    chip.draw(cell, margin, cell.shape[0] - chip.height - margin)


def _write_note(cell: ImageArray, note: str) -> None:
    """A line in the middle of the cell."""
    chip = Chip([Words(note, Pen.for_height(cell.shape[0]).letter_height)], LIGHT, DARK, _PLATE_OPACITY)
    chip.draw(cell, (cell.shape[1] - chip.width) // 2, (cell.shape[0] - chip.height) // 2)
