from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.sinks.sightings_parquet import SightingsSink
from keyreid_stream.structures import CameraTick, Tick

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]

BOX = (70.0, 10.0, 78.0, 43.0)
OVERHEAD = CameraCalibration(
    "gate",
    128,
    96,
    K=np.array([[100.0, 0.0, 63.5], [0.0, 100.0, 47.5], [0.0, 0.0, 1.0]]),
    distortion=np.zeros(5),
    R=np.diag([1.0, -1.0, -1.0]),
    t=np.array([0.0, 0.0, 10.0]),
)
"""Ten metres up, looking straight down: a pixel is 10 cm of floor."""


def test_a_row_for_every_track_in_every_frame(tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker) -> None:
    path = tmp_path / "new" / "sightings.parquet"
    with SightingsSink(path, lambda: {"gate": OVERHEAD}) as sightings:
        sightings.write(tick(camera_tick("gate", 4, [(7, 3, BOX, 0.5), (8, 0, BOX, 0.25)]), camera_tick("yard", 2)))
        sightings.write(tick(camera_tick("yard", 3, [(1, 3, BOX, 0.75)], predicted=True)))
        assert not path.exists()
    gate = {"camera_id": "gate", "timestamp_s": 0.4, "frame_index": 4, "epoch": 0, "predicted": False}
    box = {"x1": 70.0, "y1": 10.0, "x2": 78.0, "y2": 43.0}
    place = {"floor_x_m": 1.0, "floor_y_m": 0.5}
    yard = {"camera_id": "yard", "timestamp_s": 0.3, "frame_index": 3, "epoch": 0, "predicted": True}
    found = pq.read_table(path)
    rows = found.to_pylist()
    for row in rows[:2]:
        row |= {name: round(row[name], 9) for name in place}
    assert rows == [
        gate | box | place | {"track_id": 7, "identity_id": 3, "confidence": 0.5},
        gate | box | place | {"track_id": 8, "identity_id": None, "confidence": 0.25},
        yard | box | dict.fromkeys(place) | {"track_id": 1, "identity_id": 3, "confidence": 0.75},
    ]
    assert found.schema.metadata[b"schema"] == b"keyreid.sightings/1"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_rows_are_written_in_groups_as_they_come(tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker) -> None:
    path = tmp_path / "s.parquet"
    with SightingsSink(path, rows_per_group=10) as sightings:
        for frame in range(25):
            cameras = [camera_tick(name, frame, [(frame, 1, BOX, 0.5)]) for name in ("a", "b")[: 1 + frame % 2]]
            sightings.write(tick(*cameras))
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)] == [10, 11, 10, 6]
    rows = [(row["camera_id"], row["track_id"]) for row in file.read().to_pylist()]
    assert rows == [(name, frame) for frame in range(25) for name in ("a", "b")[: 1 + frame % 2]]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_table_is_whole(
    tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker, stop: type[BaseException]
) -> None:
    def run() -> None:
        with SightingsSink(tmp_path / "s.parquet") as sightings:
            sightings.write(tick(camera_tick("a", 0, [(1, 1, BOX, 0.5)])))
            raise stop

    with pytest.raises(stop):
        run()
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 1


def test_a_table_of_nobody(tmp_path: Path, tick: TickMaker) -> None:
    with SightingsSink(tmp_path / "s.parquet") as sightings:
        sightings.write(tick())
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 0


def test_outside_the_block_it_is_refused(tmp_path: Path, tick: TickMaker) -> None:
    with pytest.raises(InputError, match="not open"):
        SightingsSink(tmp_path / "s.parquet").write(tick())
