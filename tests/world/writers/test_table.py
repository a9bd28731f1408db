from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from keyreid_stream.world.writers import TableWriter, table
from tests.world.staged import shot


def test_a_row_per_person_and_frame(tmp_path: Path) -> None:
    taken = shot(3, {7: (-10, 5, 30, 45), 9: (40, 5, 60, 45)}, occlusion=0.5, clock_offset_s=2.0)
    with TableWriter(tmp_path) as writer:
        writer.write(shot(0))
        writer.write(taken)
    first, second = pq.read_table(tmp_path / "people.parquet").to_pylist()
    assert np.array(first.pop("keypoints")).reshape(17, 3).tolist() == taken.truth.keypoints[0].tolist()
    assert first == pytest.approx(
        {
            "camera_id": "door",
            "frame_index": 3,
            "timestamp_s": 2.3,
            "time_s": 0.3,
            "person_id": 7,
            "x1": -10,
            "y1": 5,
            "x2": 30,
            "y2": 45,
            "visible_x1": 0,
            "visible_y1": 5,
            "visible_x2": 30,
            "visible_y2": 45,
            "visible_pixels": 600,
            "silhouette_pixels": 1200,
            "occlusion": 0.5,
            "floor_x_m": 7,
            "floor_y_m": 2.5,
            "heading_rad": 0.25,
            "action": "walking",
        }
    )
    assert second["person_id"] == 9
    frames = pq.read_table(tmp_path / "frames.parquet").to_pylist()
    assert [(row["frame_index"], row["people"]) for row in frames] == [(0, 0), (3, 2)]


def test_many_rows_are_flushed_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_ROWS_AT_ONCE", 4)
    with TableWriter(tmp_path) as writer:
        for index in range(7):
            writer.write(shot(index, {1: (0, 0, 9, 9), 2: (0, 0, 9, 9), 3: (0, 0, 9, 9)}))
    written = pq.ParquetFile(tmp_path / "people.parquet")
    assert written.num_row_groups == 6
    assert written.read()["frame_index"].to_pylist() == [index for index in range(7) for _ in range(3)]


def test_tables_are_readable_after_an_error(tmp_path: Path) -> None:
    def stopped() -> None:
        with TableWriter(tmp_path) as writer:
            writer.write(shot(0, {1: (0, 0, 9, 9)}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert pq.read_table(tmp_path / "people.parquet").num_rows == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames.parquet", "people.parquet"]
