"""Truth as Parquet tables."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from keyreid_stream.world.structures import KEYPOINTS
from keyreid_stream.world.truth import Shot

_ROWS_AT_ONCE = 10_000
"""Rows of a row group, which is what waits in memory."""

_FRAME_COLUMNS = [
    ("camera_id", pa.string()),
    ("frame_index", pa.int32()),
    ("timestamp_s", pa.float64()),
    ("time_s", pa.float64()),
]

PEOPLE = pa.schema(
    [
        *_FRAME_COLUMNS,
        ("person_id", pa.int32()),
        *((name, pa.float32()) for name in ("x1", "y1", "x2", "y2")),
        *((f"visible_{name}", pa.float32()) for name in ("x1", "y1", "x2", "y2")),
        ("visible_pixels", pa.int32()),
        ("silhouette_pixels", pa.int32()),
        ("occlusion", pa.float32()),
        ("floor_x_m", pa.float64()),
        ("floor_y_m", pa.float64()),
        ("heading_rad", pa.float64()),
        ("action", pa.string()),
        ("keypoints", pa.list_(pa.float32(), 3 * KEYPOINTS)),
    ]
)
"""Columns of `people.parquet`; `keypoints` is x, y, visibility of the 17 keypoints in turn."""

FRAMES = pa.schema([*_FRAME_COLUMNS, ("people", pa.int32())])
"""Columns of `frames.parquet`."""


class TableWriter:
    """Writes `people.parquet`, a row per person and frame, and `frames.parquet`, a row per frame.

    `timestamp_s` is on the camera's clock, `time_s` on the world's. The other columns are `FrameTruth`'s.
    """

    def __init__(self, folder: Path) -> None:
        self._people = _Table(folder / "people.parquet", PEOPLE)
        self._frames = _Table(folder / "frames.parquet", FRAMES)

    def __enter__(self) -> Self:
        self._people.open()
        self._frames.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._people.close()
        self._frames.close()

    def write(self, shot: Shot) -> None:
        """Append the shot's rows."""
        frame, truth = shot.frame, shot.truth
        of_frame = (frame.camera_id, frame.frame_index, frame.timestamp_s, truth.time_s)
        self._frames.append((*of_frame, len(truth)))
        for row in range(len(truth)):
            self._people.append(
                (
                    *of_frame,
                    int(truth.person_ids[row]),
                    *truth.boxes_xyxy[row].tolist(),
                    *truth.visible_boxes_xyxy[row].tolist(),
                    int(truth.visible_pixels[row]),
                    int(truth.silhouette_pixels[row]),
                    float(truth.occlusion[row]),
                    *truth.floor_xy[row].tolist(),
                    float(truth.heading_rad[row]),
                    truth.actions[row],
                    truth.keypoints[row].ravel().tolist(),
                )
            )


class _Table:
    """One Parquet file, row by row."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._schema = schema
        self._rows: list[tuple[Any, ...]] = []
        self._writer: Any = None

    def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._part, self._schema)

    def append(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) == _ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._part.replace(self._path)

    def _flush(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
            self._rows.clear()
