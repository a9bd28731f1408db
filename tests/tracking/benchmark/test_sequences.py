"""Recordings are found, described to BoxMOT, and refused where BoxMOT would score something else than it seems."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.tracking.benchmark import Sequences, find_sequences
from tests.tracking.benchmark.recordings import record, walk


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "MOT" / "train"
    record(folder, "b", walk(4))
    record(folder, "a", walk(3))
    return folder


def catalog(sequences: Sequences, folder: Path) -> list[tuple[str, int]]:
    found = sequences.catalog(sequences.write_dataset(folder))
    return [(sample.sequence_id, sample.frame_index) for sample in found.samples]


def test_sequences_are_there_or_in_train(data: Path) -> None:
    for root in (data, data.parent):
        assert find_sequences(root) == Sequences(data.resolve(), ("a", "b"))
    assert find_sequences(data, ("b", "b")).names == ("b",)


def test_boxmot_finds_the_same_frames(data: Path, tmp_path: Path) -> None:
    wanted = [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2), ("b", 3)]
    assert catalog(find_sequences(data), tmp_path) == wanted


def test_folders_without_truth_do_not_count(data: Path, tmp_path: Path) -> None:
    record(data, "c", walk(2))
    shutil.rmtree(data / "c" / "gt")
    assert find_sequences(data).names == ("a", "b")
    assert len(catalog(find_sequences(data), tmp_path)) == 9, "BoxMOT knows of its pictures, we do not score them"


def test_what_is_not_there(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere does not exist; give one in MOTChallenge's layout: SEQUENCE/img1"):
        find_sequences(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty holds no truth"):
        find_sequences(tmp_path / "empty")
    with pytest.raises(InputError, match=r"no sequence 'z' with truth in .*; there are: a, b"):
        find_sequences(data, ("a", "z"))


def test_a_sequence_without_pictures(data: Path, tmp_path: Path) -> None:
    shutil.rmtree(data / "a" / "img1")
    with pytest.raises(InputError, match=r"a holds no pictures"):
        catalog(find_sequences(data), tmp_path)


def test_pictures_that_begin_elsewhere_than_the_truth(data: Path, tmp_path: Path) -> None:
    (data / "a" / "img1" / "000001.png").unlink()
    with pytest.raises(InputError, match=r"a/img1/000002.png is picture 1 of 'a'; number pictures from 1"):
        catalog(find_sequences(data), tmp_path)
    assert catalog(find_sequences(data, ("b",)), tmp_path), "only sequences that count are looked at"


def test_truth_of_more_frames_than_pictures(data: Path, tmp_path: Path) -> None:
    (data / "a" / "img1" / "000003.png").unlink()
    with pytest.raises(InputError, match=r"gt.txt tells of frame 3, but there are 2 pictures"):
        catalog(find_sequences(data), tmp_path)


def test_a_picture_that_is_none(data: Path, tmp_path: Path) -> None:
    (data / "a" / "img1" / "000002.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"BoxMOT cannot read the data in .*000002.png"):
        catalog(find_sequences(data), tmp_path)


def test_truth_with_places_in_the_world_has_no_classes(data: Path) -> None:
    path = data / "a" / "gt" / "gt.txt"
    path.write_text("1,1,10,10,20,40,1,5.0,6.0,0.0\n")
    with pytest.raises(InputError, match=r"line 1 has 10 columns; allowed: 9 to 9 columns"):
        find_sequences(data).truth("a", 0)


def test_truth_is_read_as_our_own_scores_read_it(data: Path) -> None:
    rows = ["1,1,10,10,20,40,1,1,0.05", "1,2,60,10,20,40,1,1,0.5", "1,3,90,10,20,40,0,1,1", "1,4,120,10,20,40,1,8,1"]
    (data / "a" / "gt" / "gt.txt").write_text("\n".join(rows))
    truth = find_sequences(data).truth("a", 0.1)
    np.testing.assert_array_equal(truth.ids[truth.counted], [2])
