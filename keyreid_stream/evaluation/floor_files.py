"""Files of places on the floor: tables of anyone's, a rendered world's truth, WILDTRACK's and MultiviewX's grids."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.floor import FloorPoints, FloorTruth

COLUMNS = ("frame", "id", "x_m", "y_m")
"""What the first line of a table must name; `camera_id` may be there, other columns are not looked at."""

MAX_FILE_BYTES = 512 * 2**20

_LARGEST_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class FloorGrid:
    """A data set whose truth names squares of a grid.

    Attributes:
        columns: squares along x; the square of an ID is ID modulo this.
        rows: squares along y; ID divided by `columns`.
        step_m: from one square to the next.
        origin_m: the place of square 0.
    """

    columns: int
    rows: int
    step_m: float
    origin_m: tuple[float, float]

    def places(self, position_ids: np.ndarray) -> np.ndarray:
        """(N, 2) metres of (N,) IDs, which must be from 0 to `columns * rows - 1`."""
        squares = np.stack([position_ids % self.columns, position_ids // self.columns], axis=1)
        places: np.ndarray = np.array(self.origin_m) + self.step_m * squares
        return places


GRIDS: Mapping[str, FloorGrid] = MappingProxyType(
    {
        "wildtrack": FloorGrid(480, 1440, 0.025, (-3.0, -9.0)),
        "multiviewx": FloorGrid(1000, 640, 0.025, (0.0, 0.0)),
    }
)
"""By the data set's name."""


def read_floor_table(path: Path) -> FloorPoints:
    """Read a table: comma-separated, the first line names columns, `frame` (from 0), `id`, `x_m` and `y_m` among them.

    With a column `camera_id`, every camera may give a place of an id in a frame; their mean is taken.

    Raises:
        InputError: the file is no such table, or a line is damaged; the line tells which.
    """
    frames: list[int] = []
    ids: list[int] = []
    places: list[tuple[float, float]] = []
    seen: set[tuple[int, int, str]] = set()
    for number, row in _table(path):
        frame, id_ = (_whole(path, number, name, row[name]) for name in COLUMNS[:2])
        key = (frame, id_, row.get("camera_id") or "")
        if key in seen:
            raise _damaged(path, number, f"id {id_} for the second time in frame {frame}", "an id once in a frame")
        seen.add(key)
        frames.append(frame)
        ids.append(id_)
        places.append((_metres(path, number, row["x_m"]), _metres(path, number, row["y_m"])))
    columns = np.array(frames, np.int64), np.array(ids, np.int64), np.array(places, np.float64).reshape(-1, 2)
    return FloorPoints.averaged(*columns)


def read_world_floor(folder: Path, min_visibility: float) -> FloorTruth:
    """Read the truth of a rendered world: everybody in a camera's picture, where they stand.

    Counted are those of whom at least one camera sees `min_visibility` or more; those seen less are ignored.

    Args:
        folder: of the world, with `truth/people.parquet` and `truth/frames.parquet`.
        min_visibility: share of a person, 0 to 1.

    Raises:
        InputError: a table is missing or damaged, or the cameras' frames are not at the same moments.
    """
    frames = _parquet(folder / "truth" / "frames.parquet", ["frame_index", "time_s"])
    people = _parquet(
        folder / "truth" / "people.parquet", ["frame_index", "person_id", "occlusion", "floor_x_m", "floor_y_m"]
    )
    _check_synchronous(folder, frames["frame_index"], frames["time_s"])
    of_row = np.stack([people["frame_index"], people["person_id"]], axis=1).astype(np.int64)
    pairs, rows = np.unique(of_row, axis=0, return_inverse=True)
    seen = np.zeros(len(pairs), np.bool_)
    # The world writes shares in single precision; its MOT files are rounded as well.
    np.logical_or.at(seen, rows.reshape(-1), 1 - people["occlusion"].astype(float) >= min_visibility - 1e-6)
    places = np.stack([people["floor_x_m"], people["floor_y_m"]], axis=1).astype(np.float64)
    points = FloorPoints.averaged(of_row[:, 0], of_row[:, 1], places)
    return FloorTruth(points, seen, int(frames["frame_index"].max(initial=-1)) + 1)


def read_grid_floor(folder: Path, grid: FloorGrid) -> FloorTruth:
    """Read the truth of WILDTRACK or MultiviewX: `annotations_positions/*.json`, a file for each annotated frame.

    Frames are counted from 0 in the order of the files' names, as image folders of the same frames are: WILDTRACK's
    `00000005.json` is frame 1.

    Args:
        folder: of the data set, or its `annotations_positions`.
        grid: which squares the position IDs mean.

    Raises:
        InputError: there are no such files, or one is damaged; the line tells which.
    """
    inner = folder / "annotations_positions"
    files = sorted((inner if inner.is_dir() else folder).glob("[!.]*.json"))
    if not files:
        raise InputError(f"{folder} holds no annotations_positions/*.json; give the folder of the data set")
    if odd := [path for path in files if not (path.stem.isascii() and path.stem.isdigit())]:
        raise InputError(f"{odd[0]} is not called after a frame; keep only the data set's own files there")
    files.sort(key=lambda path: int(path.stem))
    frames, ids, positions = [], [], []
    for frame, path in enumerate(files):
        for person_id, position_id in _annotations(path, grid):
            frames.append(frame)
            ids.append(person_id)
            positions.append(position_id)
    places = grid.places(np.array(positions, np.int64))
    points = FloorPoints(np.array(frames, np.int64), np.array(ids, np.int64), places)
    return FloorTruth.all_counted(points, len(files))


def _annotations(path: Path, grid: FloorGrid) -> Iterator[tuple[int, int]]:
    """Person and position of everybody in a frame."""
    try:
        entries = json.loads(path.read_bytes())
        pairs = [(entry["personID"], entry["positionID"]) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is no list of personID and positionID ({error}); get the file again") from error
    for person_id, position_id in pairs:
        if not (_is_id(person_id) and _is_id(position_id) and position_id < grid.columns * grid.rows):
            raise InputError(
                f"{path} has personID {person_id!r} at positionID {position_id!r}; allowed: whole numbers from 0, "
                f"positions to {grid.columns * grid.rows - 1}; is it of another data set?"
            )
    if len({person_id for person_id, _ in pairs}) < len(pairs):
        raise InputError(f"{path} has a personID twice; get the file again")
    yield from pairs


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_WHOLE


def _table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Number and cells by name of every line after the first."""
    try:
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise InputError(f"{path} has {size} bytes, {MAX_FILE_BYTES} are the most; give shorter pieces")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = [name.strip() for name in next(reader, [])]
            if missing := [name for name in COLUMNS if names.count(name) != 1]:
                raise InputError(
                    f"{path} has not one column {missing[0]!r}; its first line must name {', '.join(COLUMNS)}"
                )
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(names):
                    raise _damaged(path, reader.line_num, f"{len(cells)} columns", f"{len(names)}, as in the first")
                yield reader.line_num, dict(zip(names, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); give comma-separated text") from error


def _whole(path: Path, line: int, name: str, cell: str) -> int:
    text = cell.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 17 and int(text) <= _LARGEST_WHOLE):
        raise _damaged(path, line, f"{name} {cell[:40]!r}", "whole numbers from 0")
    return int(text)


def _metres(path: Path, line: int, cell: str) -> float:
    try:
        metres = float(cell) if "_" not in cell else float("nan")
    except ValueError:
        metres = float("nan")
    if not isfinite(metres):
        raise _damaged(path, line, f"place {cell[:40]!r}", "finite metres")
    return metres


def _damaged(path: Path, line: int, given: str, allowed: str) -> InputError:
    return InputError(f"{path}, line {line} has {given}; allowed: {allowed}; mend the line or write the file again")


def _parquet(path: Path, columns: list[str]) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is not there; give the folder of a rendered world, a CSV, or a benchmark's name")
    try:
        table = pq.read_table(path, columns=columns)
        return {name: table.column(name).to_numpy() for name in columns}
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError(f"{path} is damaged or no truth of a world ({error}); render the world again") from error


def _check_synchronous(folder: Path, frames: np.ndarray, times_s: np.ndarray) -> None:
    """Refuse cameras whose frames of one number are nearer to another number's moment."""
    if not len(frames):
        raise InputError(f"{folder} has no frames; render the world again")
    first = np.full(int(frames.max()) + 1, np.inf)
    last = np.full(len(first), -np.inf)
    np.minimum.at(first, frames, times_s)
    np.maximum.at(last, frames, times_s)
    first, last = first[np.isfinite(first)], last[np.isfinite(first)]
    spread = float((last - first).max())
    if len(first) > 1 and spread > np.diff(first).min() / 2:
        raise InputError(
            f"the cameras of {folder} are up to {spread:.3g} s apart in frames of one number; "
            "the floor needs cameras of one rate: render with --fps"
        )
