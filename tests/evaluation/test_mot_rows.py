from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import mot_rows
from keyreid_stream.evaluation.mot_rows import read_mot_rows

COLUMNS = range(7, 11)
GOOD = "1,4,10,20,30,40,1"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "door.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "2,7,-1.5,0,20.25,9.5,0.5\r\n\n 1, 4, 10,20,3e1,40, 1 \n1.0,5.0,0,0,0,0,1")
    rows = read_mot_rows(path, COLUMNS)
    assert rows.lines.tolist() == [1, 3, 4]
    assert rows.frames.tolist() == [2, 1, 1]
    assert rows.ids.tolist() == [7, 4, 5]
    assert rows.boxes_xyxy.tolist() == [[-1.5, 0, 18.75, 9.5], [10, 20, 40, 60], [0, 0, 0, 0]]
    assert rows.values[:, 6].tolist() == [0.5, 1, 1]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_rows(tmp_path: Path, text: str) -> None:
    rows = read_mot_rows(written(tmp_path, text), COLUMNS)
    assert rows.frames.shape == rows.ids.shape == (0,)
    assert rows.boxes_xyxy.shape == (0, 4)


@pytest.mark.parametrize(
    ("line", "given", "allowed"),
    [
        ("1,2,3,4,5,6", "6 columns", "7 columns, as in the lines before"),
        ("1,2,3,4,5,6,1,-1", "8 columns", "7 columns, as in the lines before"),
        ("1 2 3 4 5 6 1", "1 columns", "7 columns, as in the lines before"),
        ("1,2,3,4,5,six,1", "'1,2,3,4,5,six,1'", "only finite numbers"),
        ("1,2,3,4,5,,1", "'1,2,3,4,5,,1'", "only finite numbers"),
        ("1,2,nan,4,5,6,1", "'1,2,nan,4,5,6,1'", "only finite numbers"),
        ("1,2,3,4,inf,6,1", "'1,2,3,4,inf,6,1'", "only finite numbers"),
        ("1,2,3,4,1e999,6,1", "'1,2,3,4,1e999,6,1'", "only finite numbers"),
        ("1,2_0,3,4,5,6,1", "'1,2_0,3,4,5,6,1'", "only finite numbers"),
        ("1,2,3,4,5,6,\xff", r"'1,2,3,4,5,6,\\xc3\\xbf'", "only finite numbers"),
        ("0,2,3,4,5,6,1", "frame 0", "whole numbers from 1"),
        ("1.5,2,3,4,5,6,1", "frame 1.5", "whole numbers from 1"),
        ("1e300,2,3,4,5,6,1", "frame 1e+300", "whole numbers from 1"),
        ("1,-1,3,4,5,6,1", "id -1", "whole numbers from 0"),
        ("1,0.25,3,4,5,6,1", "id 0.25", "whole numbers from 0"),
        ("1,2,3,4,-5,6,1", "width -5", "sizes of at least 0"),
        ("1,2,3,4,5,-6,1", "height -6", "sizes of at least 0"),
        ("1,4,0,0,5,6,1", "id 4 for the second time in frame 1", "an id once in a frame"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, given: str, allowed: str) -> None:
    path = written(tmp_path, f"{GOOD}\n\n{line}\n2,4,10,20,30,40,1\n")
    with pytest.raises(InputError) as caught:
        read_mot_rows(path, COLUMNS)
    message = str(caught.value)
    assert message.startswith(f"{path}, line 3 has {given}; allowed: {allowed}")
    assert "\n" not in message


def test_a_first_line_of_too_few_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1 has 3 columns; allowed: 7 to 10 columns: frame,id,x,y,w,h"):
        read_mot_rows(written(tmp_path, "1,2,3\n"), COLUMNS)


def test_the_first_second_time_is_named(tmp_path: Path) -> None:
    """Rows need not be in order; the line that is told is the one that came later."""
    rows = ["5,1", "2,1", "5,2", "2,3", "5,1", "2,1"]
    path = written(tmp_path, "".join(f"{row},0,0,5,5,1\n" for row in rows))
    with pytest.raises(InputError, match="line 5 has id 1 for the second time in frame 5"):
        read_mot_rows(path, COLUMNS)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1 has"):
        read_mot_rows(written(tmp_path, np.random.default_rng(0).bytes(4096)), COLUMNS)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, f"{GOOD}\n")
    monkeypatch.setattr(mot_rows, "MAX_FILE_BYTES", len(GOOD))
    with pytest.raises(InputError, match=r"door\.txt has 18 bytes, 17 are the most"):
        read_mot_rows(path, COLUMNS)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_mot_rows(tmp_path / "nothing.txt", COLUMNS)
