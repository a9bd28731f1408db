"""MOTChallenge text, line by line: numbers or the line that is wrong."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import BoxArray
from keyreid_stream.structures import IntArray

MAX_FILE_BYTES = 512 * 2**20
"""A camera with ten people fills it in half a day; what is larger is hardly a file of tracks."""

_LARGEST_WHOLE = 2**53
"""Whole numbers up to here survive being read as a float."""

_FRAME, _ID, _LEFT, _TOP, _WIDTH, _HEIGHT = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class MotRows:
    """The rows of a file.

    Attributes:
        path: the file.
        lines: (N,) int64, the line of each row, from 1.
        values: (N, C) float64, all its columns.
    """

    path: Path
    lines: IntArray
    values: NDArray[np.float64]

    @property
    def frames(self) -> IntArray:
        """(N,) frame numbers, from 1."""
        return self.values[:, _FRAME].astype(np.int64)

    @property
    def ids(self) -> IntArray:
        """(N,) ids."""
        return self.values[:, _ID].astype(np.int64)

    @property
    def boxes_xyxy(self) -> BoxArray:
        """(N, 4) boxes, pixels."""
        upper_left, size = self.values[:, _LEFT:_WIDTH], self.values[:, _WIDTH : _HEIGHT + 1]
        return np.concatenate([upper_left, upper_left + size], axis=1)


def read_mot_rows(path: Path, columns: range) -> MotRows:
    """Read a file of comma-separated rows that begin with frame, id, x, y, w, h; empty lines are passed over.

    Args:
        path: the file.
        columns: how many columns it may have; all its rows have the same number.

    Raises:
        InputError: the file cannot be read or is too large, or a line holds another number of columns, something that
            is no finite number, a frame below 1, an id below 0, a negative size, or an id that its frame had before.
    """
    values, lines = array("d"), array("q")
    width = 0
    for number, cells in _lines(path):
        width = width or len(cells)
        if len(cells) not in columns or len(cells) != width:
            raise _damaged(path, number, f"{len(cells)} columns", _allowed(columns, width if lines else 0))
        values.extend(_numbers(path, number, cells))
        lines.append(number)
    values_NC = np.array(values, np.float64).reshape(len(lines), width or columns[0])
    rows = MotRows(path, np.array(lines, np.int64), values_NC)
    _check_values(rows)
    _check_ids(rows)
    return rows


def damaged_row(rows: MotRows, wrong: NDArray[np.bool_], column: int, name: str, allowed: str) -> InputError:
    """The error about the first row that is wrong."""
    row = int(np.flatnonzero(wrong)[0])
    return _damaged(rows.path, int(rows.lines[row]), f"{name} {rows.values[row, column]:g}", allowed)


def _lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Number and cells of every line that is not empty."""
    try:
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise InputError(f"{path} has {size} bytes, {MAX_FILE_BYTES} are the most; give the tracks of one camera")
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if text := line.strip():
                    yield number, text.split(b",")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a MOTChallenge text file") from error


def _numbers(path: Path, number: int, cells: list[bytes]) -> Iterable[float]:
    try:
        # float() would take 1_0 for 10.
        row = [float(cell) if b"_" not in cell else float("nan") for cell in cells]
    except ValueError:
        row = [float("nan")]
    if not all(map(isfinite, row)):
        shown = b",".join(cells)[:60].decode("ascii", "backslashreplace")
        raise _damaged(path, number, repr(shown), "only finite numbers, separated by commas")
    return row


def _check_values(rows: MotRows) -> None:
    values = rows.values
    for column, name, least in ((_FRAME, "frame", 1), (_ID, "id", 0)):
        numbers = values[:, column]
        wrong = (numbers < least) | (numbers > _LARGEST_WHOLE) | (numbers != np.floor(numbers))
        if wrong.any():
            raise damaged_row(rows, wrong, column, name, f"whole numbers from {least}")
    for column, name in ((_WIDTH, "width"), (_HEIGHT, "height")):
        if (wrong := values[:, column] < 0).any():
            raise damaged_row(rows, wrong, column, name, "sizes of at least 0, as x,y,w,h")


def _check_ids(rows: MotRows) -> None:
    """Refuse an id that is twice in a frame."""
    order = np.lexsort((rows.lines, rows.ids, rows.frames))
    frames, ids = rows.frames[order], rows.ids[order]
    again = np.flatnonzero((frames[1:] == frames[:-1]) & (ids[1:] == ids[:-1])) + 1
    if len(again):
        row = min(again, key=lambda place: int(rows.lines[order[place]]))
        given = f"id {ids[row]} for the second time in frame {frames[row]}"
        raise _damaged(rows.path, int(rows.lines[order[row]]), given, "an id once in a frame")


def _allowed(columns: range, width: int) -> str:
    if width in columns:
        return f"{width} columns, as in the lines before"
    return f"{columns[0]} to {columns[-1]} columns: frame,id,x,y,w,h,..."


def _damaged(path: Path, line: int, given: str, allowed: str) -> InputError:
    return InputError(f"{path}, line {line} has {given}; allowed: {allowed}; mend the line or write the file again")
