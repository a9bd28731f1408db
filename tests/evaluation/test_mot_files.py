from __future__ import annotations

import re
from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.mot_files import (
    read_results,
    read_truth,
    result_files,
    sequence_length,
    truth_files,
)


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_result_files_by_camera(tmp_path: Path) -> None:
    for name in ("door.txt", "hall.2.txt", ".hidden.txt", "notes.md", "folder/inner.txt"):
        touch(tmp_path / name)
    assert result_files(tmp_path) == {"door": tmp_path / "door.txt", "hall.2": tmp_path / "hall.2.txt"}


def test_truth_files_of_both_kinds(tmp_path: Path) -> None:
    inner, plain = touch(tmp_path / "door.1" / "gt" / "gt.txt"), touch(tmp_path / "hall.txt")
    touch(tmp_path / ".cache" / "anything")
    assert truth_files(tmp_path) == {"hall": plain, "door.1": inner}


def test_folders_that_are_none(tmp_path: Path) -> None:
    file = touch(tmp_path / "file.txt")
    for folder in (file, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=f"the results folder {re.escape(str(folder))} does not exist"):
            result_files(folder)
        with pytest.raises(InputError, match=f"the truth folder {re.escape(str(folder))} does not exist"):
            truth_files(folder)


def test_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no <camera>\.txt"):
        result_files(tmp_path)
    with pytest.raises(InputError, match=r"holds no <camera>/gt/gt\.txt and no <camera>\.txt"):
        truth_files(tmp_path)


def test_a_run_that_was_killed(tmp_path: Path) -> None:
    touch(tmp_path / "door.txt")
    touch(tmp_path / "hall.txt.part")
    with pytest.raises(InputError, match=r"hall\.txt\.part is of a run that is not over or was killed"):
        result_files(tmp_path)


def test_a_camera_s_folder_without_truth(tmp_path: Path) -> None:
    touch(tmp_path / "door" / "gt" / "gt.txt")
    touch(tmp_path / "hall" / "gt" / "gt.txt.part")
    with pytest.raises(InputError, match=r"hall holds no gt/gt\.txt"):
        truth_files(tmp_path)


def test_two_truths_of_one_camera(tmp_path: Path) -> None:
    touch(tmp_path / "door" / "gt" / "gt.txt")
    touch(tmp_path / "door.txt")
    with pytest.raises(InputError, match="both the truth of 'door'"):
        truth_files(tmp_path)


@pytest.mark.parametrize(
    ("row", "counted", "ignored"),
    [
        ("1,1,0.1", True, False),
        ("1,1,-1", True, False),
        ("1,1,0.09", False, True),
        ("1,1,0", False, True),
        ("0,1,1", False, False),
        ("0,1,0", False, False),
        ("0,2,1", False, True),
        ("1,7,1", False, True),
        ("1,8,0", False, True),
        ("0,12,1", False, True),
        ("1,3,1", False, False),
        ("1,6,1", False, False),
        ("0,13,0", False, False),
        ("1,-1,-1,-1", True, False),
        ("0,-1,-1,-1", False, False),
        ("0.5,3.5,2.5,0", True, False),
    ],
)
def test_what_counts(tmp_path: Path, row: str, counted: bool, ignored: bool) -> None:
    truth = read_truth(touch(tmp_path / "gt.txt", f"1,5,10,20,30,40,{row}\n"), 0.1)
    assert (truth.counted.tolist(), truth.ignored.tolist()) == ([counted], [ignored])


def test_nobody_at_all(tmp_path: Path) -> None:
    path = touch(tmp_path / "gt.txt")
    assert len(read_truth(path, 0.1)) == 0
    assert len(read_results(path)) == 0


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,0,1", "class 0; allowed: 1 to 13"),
        ("1,1.5,1", "class 1.5; allowed: 1 to 13"),
        ("1,14,1", "class 14; allowed: 1 to 13"),
        ("1,1,1.5", "visibility 1.5; allowed: 0 to 1, or -1"),
        ("1,1,-0.5", "visibility -0.5; allowed: 0 to 1, or -1"),
        ("1,1", "8 columns; allowed: 9 to 10 columns"),
    ],
)
def test_marks_that_mean_nothing(tmp_path: Path, row: str, told: str) -> None:
    path = touch(tmp_path / "gt.txt", f"1,5,10,20,30,40,{row}\n")
    with pytest.raises(InputError, match=rf"gt\.txt, line 1 has {told}"):
        read_truth(path, 0.1)


def test_what_a_tracker_writes_after_the_confidence_does_not_matter(tmp_path: Path) -> None:
    start = "3,5,10,20,30,40,0.5"
    for end in ("", ",1,-1", ",-1,-1,-1"):
        found = read_results(touch(tmp_path / "door.txt", f"{start}{end}\n"), last_frame=3)
        assert (found.frames.tolist(), found.ids.tolist()) == ([3], [5])
        assert found.boxes_xyxy.tolist() == [[10, 20, 40, 60]]


def test_results_after_the_last_frame(tmp_path: Path) -> None:
    path = touch(tmp_path / "door.txt", "3,5,10,20,30,40,1\n4,5,10,20,30,40,1\n")
    with pytest.raises(InputError, match="line 2 has frame 4; allowed: 1 to 3"):
        read_results(path, last_frame=3)


def test_the_length_of_a_sequence(tmp_path: Path) -> None:
    truth = touch(tmp_path / "door" / "gt" / "gt.txt")
    assert sequence_length(truth) is None
    touch(tmp_path / "door" / "seqinfo.ini", "[Sequence]\nname=50%\nseqLength=12\n")
    assert sequence_length(truth) == 12
    touch(tmp_path / "seqinfo.ini", "[Sequence]\nseqLength=3\n")
    assert sequence_length(touch(tmp_path / "plain" / "hall.txt")) is None


@pytest.mark.parametrize("text", ["[Sequence]\n", "seqLength=3\n", "[Sequence]\nseqLength=many\n", "[Sequence\n"])
def test_a_sequence_that_tells_no_length(tmp_path: Path, text: str) -> None:
    truth = touch(tmp_path / "door" / "gt" / "gt.txt")
    touch(tmp_path / "door" / "seqinfo.ini", text)
    with pytest.raises(InputError, match="tells no seqLength"):
        sequence_length(truth)
