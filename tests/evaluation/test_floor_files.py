from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.floor_files import GRIDS, read_floor_table, read_grid_floor, read_world_floor

WILDTRACK, MULTIVIEWX = GRIDS["wildtrack"], GRIDS["multiviewx"]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'y_m,note,frame,x_m,id\n2.5,"a, b",0,-1,7\n\n3,,1,1e-1,7\n')
    table = read_floor_table(path)
    assert (table.frames.tolist(), table.ids.tolist()) == ([0, 1], [7, 7])
    assert table.xy_m.tolist() == [[-1, 2.5], [0.1, 3]]


def test_a_table_of_nobody(tmp_path: Path) -> None:
    assert len(read_floor_table(write(tmp_path / "a.csv", "frame,id,x_m,y_m\n"))) == 0


def test_a_table_of_several_cameras(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\ufeffcamera_id,frame,id,x_m,y_m\na,0,7,1,1\nb,0,7,2,3\nb,1,7,2,3\n")
    assert read_floor_table(path).xy_m.tolist() == [[1.5, 2], [2, 3]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has not one column 'frame'"),
        ("frame,id,x,y\n", "has not one column 'x_m'; its first line must name frame, id, x_m, y_m"),
        ("frame,id,x_m,y_m,id\n", "has not one column 'id'"),
        ("frame,id,x_m,y_m\n1,1,0\n", "line 2 has 3 columns; allowed: 4"),
        ("frame,id,x_m,y_m\n-1,1,0,0\n", "line 2 has frame '-1'; allowed: whole numbers from 0"),
        ("frame,id,x_m,y_m\n1.0,1,0,0\n", "line 2 has frame '1.0'"),
        ("frame,id,x_m,y_m\n1,x,0,0\n", "line 2 has id 'x'"),
        ("frame,id,x_m,y_m\n1,1,nan,0\n", "line 2 has place 'nan'; allowed: finite metres"),
        ("frame,id,x_m,y_m\n1,1,0,inf\n", "line 2 has place 'inf'"),
        ("frame,id,x_m,y_m\n1,1,0,1_0\n", "line 2 has place '1_0'"),
        ("frame,id,x_m,y_m\n1,1,0,0\n1,1,0,0\n", "line 3 has id 1 for the second time in frame 1"),
        ("camera_id,frame,id,x_m,y_m\na,1,1,0,0\na,1,1,0,0\n", "line 3 has id 1 for the second time"),
        ('frame,id,x_m,y_m\n1,1,"0,0\n', "cannot be read as a table"),
    ],
)
def test_a_damaged_table(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_floor_table(write(tmp_path / "a.csv", text))


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_floor_table(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_floor_table(tmp_path / "binary.csv")


@pytest.mark.parametrize(
    ("position_id", "place"),
    [
        (0, (-3.0, -9.0)),
        (1, (-2.975, -9.0)),
        (479, (8.975, -9.0)),
        (480, (-3.0, -8.975)),
        (480 * 360 + 120, (0.0, 0.0)),
        (480 * 1440 - 1, (8.975, 26.975)),
    ],
)
def test_wildtrack_s_grid(position_id: int, place: tuple[float, float]) -> None:
    """12 m by 36 m in steps of 2.5 cm, x first."""
    assert WILDTRACK.places(np.array([position_id])) == pytest.approx(np.array([place]))


def test_multiviewx_s_grid() -> None:
    """25 m by 16 m in steps of 2.5 cm, x first."""
    places = MULTIVIEWX.places(np.array([0, 999, 1000, 1000 * 640 - 1]))
    assert places == pytest.approx(np.array([[0, 0], [24.975, 0], [0, 0.025], [24.975, 15.975]]))


def annotate(folder: Path, name: str, *people: tuple[Any, Any]) -> Path:
    entries = [{"personID": person, "positionID": position, "views": []} for person, position in people]
    return write(folder / "annotations_positions" / f"{name}.json", json.dumps(entries))


def test_wildtrack_s_folder(tmp_path: Path) -> None:
    """Every fifth frame is annotated; the third annotated one is frame 2."""
    annotate(tmp_path, "00000000", (122, 480 * 360 + 120), (5, 0))
    annotate(tmp_path, "00000005")
    annotate(tmp_path, "00000010", (122, 480 * 400 + 120))
    for folder in (tmp_path, tmp_path / "annotations_positions"):
        found = read_grid_floor(folder, WILDTRACK)
        assert found.length == 3
        assert found.counted.all()
        assert (found.points.frames.tolist(), found.points.ids.tolist()) == ([0, 0, 2], [122, 5, 122])
        assert found.points.xy_m == pytest.approx(np.array([[0, 0], [-3, -9], [0, 1]]))


@pytest.mark.parametrize(
    "people", [[(1, 480 * 1440)], [(1, -1)], [(-1, 0)], [(1.5, 0)], [("1", 0)], [(True, 0)], [(1, None)]]
)
def test_positions_off_the_grid(tmp_path: Path, people: list[tuple[Any, Any]]) -> None:
    annotate(tmp_path, "00000000", *people)
    with pytest.raises(
        InputError, match=r"00000000\.json has personID .* allowed: whole numbers from 0, positions to 691199"
    ):
        read_grid_floor(tmp_path, WILDTRACK)


def test_a_person_in_two_places(tmp_path: Path) -> None:
    annotate(tmp_path, "00000000", (1, 0), (1, 5))
    with pytest.raises(InputError, match="has a personID twice"):
        read_grid_floor(tmp_path, WILDTRACK)


@pytest.mark.parametrize("text", ["", "{}x", "{}", "[1]", '[{"personID": 1}]', "3", "[" * 100_000])
def test_damaged_annotations(tmp_path: Path, text: str) -> None:
    write(tmp_path / "annotations_positions" / "00000000.json", text)
    with pytest.raises(InputError, match=r"is no list of personID and positionID|nobody in the truth"):
        read_grid_floor(tmp_path, WILDTRACK)


def test_folders_that_hold_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no annotations_positions/\*\.json"):
        read_grid_floor(tmp_path, WILDTRACK)
    write(tmp_path / "notes.json", "[]")
    with pytest.raises(InputError, match="is not called after a frame"):
        read_grid_floor(tmp_path, WILDTRACK)
    with pytest.raises(InputError, match=r"frames\.parquet is not there; give the folder of a rendered world"):
        read_world_floor(tmp_path, 0.1)
    for name in ("frames", "people"):
        write(tmp_path / "truth" / f"{name}.parquet", "PAR1")
    with pytest.raises(InputError, match="is damaged or no truth of a world"):
        read_world_floor(tmp_path, 0.1)
