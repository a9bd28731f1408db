"""Who was where in every frame, as a Parquet table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.sinks.floor_places import floor_places
from keyreid_stream.structures import CameraTick, Tick

SCHEMA_NAME = "keyreid.sightings/1"

SCHEMA = pa.schema(
    [
        ("camera_id", pa.dictionary(pa.int32(), pa.string())),
        ("timestamp_s", pa.float64()),
        ("frame_index", pa.int64()),
        ("epoch", pa.int32()),
        ("track_id", pa.int64()),
        ("identity_id", pa.int64()),  # null while undecided
        *((side, pa.float32()) for side in ("x1", "y1", "x2", "y2")),
        ("confidence", pa.float32()),
        ("predicted", pa.bool_()),
        ("floor_x_m", pa.float64()),  # null without calibration, or where the feet are not seen
        ("floor_y_m", pa.float64()),
    ],
    metadata={"schema": SCHEMA_NAME},
)

ROWS_PER_GROUP = 20_000


class SightingsSink:
    """Writes a row for every track in every frame, with the identity that was known then.

    Until it is closed the file is `<name>.part`: a table can be read once its end is written.

    Args:
        path: the file.
        calibrations: tells which cameras' calibrations are used now, for places on the floor.
        rows_per_group: so many rows wait in memory and are written at once.
    """

    def __init__(
        self,
        path: Path,
        calibrations: Callable[[], Mapping[str, CameraCalibration]] = dict,
        *,
        rows_per_group: int = ROWS_PER_GROUP,
    ) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._calibrations = calibrations
        self._rows_per_group = rows_per_group
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Begin the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = pq.ParquetWriter(self._part, SCHEMA, compression="zstd")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._write_group(file)
        finally:
            file.close()
        self._part.replace(self._path)

    def write(self, tick: Tick) -> None:
        """Take the tick's tracks.

        Raises:
            InputError: the sink is not open.
        """
        if self._file is None:
            raise InputError("the sightings are not open; write to them inside `with SightingsSink(...)`")
        for seen in tick.cameras:
            if len(seen.tracks):
                self._waiting.append(_rows(seen, floor_places(seen, self._calibrations().get(seen.frame.camera_id))))
                self._rows += len(seen.tracks)
        if self._rows >= self._rows_per_group:
            self._write_group(self._file)

    def _write_group(self, file: pq.ParquetWriter) -> None:
        if self._waiting:
            file.write_table(pa.Table.from_batches(self._waiting).unify_dictionaries(), row_group_size=self._rows)
        self._waiting, self._rows = [], 0


def _rows(seen: CameraTick, floor_xy: np.ndarray | None) -> pa.RecordBatch:
    tracks, frame, count = seen.tracks, seen.frame, len(seen.tracks)
    places = np.full((count, 2), np.nan) if floor_xy is None else floor_xy
    columns: dict[str, Any] = {
        "camera_id": pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [frame.camera_id]),
        "timestamp_s": np.full(count, frame.timestamp_s),
        "frame_index": np.full(count, frame.frame_index, np.int64),
        "epoch": np.full(count, frame.epoch, np.int32),
        "track_id": tracks.track_ids,
        "identity_id": pa.array(seen.identity_ids, mask=seen.identity_ids == 0),
        **{side: tracks.boxes_xyxy[:, i].copy() for i, side in enumerate(("x1", "y1", "x2", "y2"))},
        "confidence": tracks.confidence,
        "predicted": tracks.detection_indices < 0,
        **{
            name: pa.array(places[:, i], mask=~np.isfinite(places[:, i]))
            for i, name in enumerate(("floor_x_m", "floor_y_m"))
        },
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[name]) for name in SCHEMA.names], schema=SCHEMA)
