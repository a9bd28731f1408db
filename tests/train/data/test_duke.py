from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.duke import load_duke_video
from tests.train.data.miniature import shown, touch


def test_both_ways_of_naming_images(tmp_path: Path) -> None:
    touch(tmp_path, "train/0001/0003/0001C6F0002X30831.jpg", "train/0001/0003/0001C6F0001X30823.jpg")
    touch(tmp_path, "train/0001/0004/0001_C2_F0001_X100.jpg", "query/0002/0001/0002_C1_F0001_X1.jpg")
    assert shown(load_duke_video(tmp_path, complete=False)) == [
        ("0001", "c6", ["0001C6F0001X30823.jpg", "0001C6F0002X30831.jpg"]),
        ("0001", "c2", ["0001_C2_F0001_X100.jpg"]),
    ]
    assert load_duke_video(tmp_path, "query", complete=False).person_ids == ("0002",)


def test_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "train/0001/0003/0001C6F0001X30823.jpg")
    with pytest.raises(InputError, match="has 1 people and 1 tracklets, duke-train has 702 and 2196"):
        load_duke_video(tmp_path)
    with pytest.raises(InputError, match="gallery, which is missing"):
        load_duke_video(tmp_path, "gallery")
    touch(tmp_path, "train/0001/0003/0001C5F0002X30823.jpg")
    with pytest.raises(InputError, match="train/0001/0003 is no tracklet of one camera"):
        load_duke_video(tmp_path, complete=False)
    touch(tmp_path, "train/0002/0001/a.jpg")
    with pytest.raises(InputError, match="0001C6F0099X30823"):
        load_duke_video(tmp_path, complete=False)
