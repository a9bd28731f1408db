from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.lsvid import load_lsvid
from tests.train.data.miniature import shown, touch


def test_tracklets_of_the_list(tmp_path: Path) -> None:
    touch(tmp_path, *(f"tracklet_train/0000/0000_0001_13_{frame:04d}.jpg" for frame in (2, 1)))
    touch(tmp_path, "tracklet_train/0000/0000_0002_5_0001.jpg", "tracklet_train/0007/0007_0001_13_0001.jpg")
    touch(tmp_path, "list_sequence/list_seq_train.txt")
    listed = tmp_path / "list_sequence/list_seq_train.txt"
    listed.write_text("tracklet_train/0000/0000_0001 0\ntracklet_train/0007/0007_0001 7\n")
    assert shown(load_lsvid(tmp_path, complete=False)) == [
        ("0000", "c13", ["0000_0001_13_0001.jpg", "0000_0001_13_0002.jpg"]),
        ("0007", "c13", ["0007_0001_13_0001.jpg"]),
    ]
    with pytest.raises(InputError, match="has 2 people and 2 tracklets, lsvid has 842 and 2831"):
        load_lsvid(tmp_path)
    touch(tmp_path, "tracklet_train/0007/0007_0001_12_0002.jpg")
    with pytest.raises(InputError, match="is of 2 cameras"):
        load_lsvid(tmp_path, complete=False)
    listed.write_text("tracklet_train/0008/0008_0001 8\n")
    with pytest.raises(InputError, match="tracklet_train/0008, which is missing"):
        load_lsvid(tmp_path, complete=False)
    listed.write_text("tracklet_train/0007/0007_0001\n")
    with pytest.raises(InputError, match="line 1 is"):
        load_lsvid(tmp_path, complete=False)
