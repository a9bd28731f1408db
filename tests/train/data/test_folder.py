from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.folder import load_folder
from tests.train.data.miniature import shown, touch


def test_people_cameras_tracklets_and_frames(tmp_path: Path) -> None:
    touch(tmp_path, "ann/door/1/2.jpg", "ann/door/1/1.PNG", "ann/door/2/1.jpg", "ann/hall/1/1.jpg", "bob/door/1/1.jpg")
    touch(tmp_path, "notes.txt", "ann/door/1/notes.txt", "ann/door/1/.hidden.jpg", ".cache/door/1/1.jpg")
    loaded = load_folder(tmp_path)
    assert shown(loaded) == [
        ("ann", "door", ["1.PNG", "2.jpg"]),
        ("ann", "door", ["1.jpg"]),
        ("ann", "hall", ["1.jpg"]),
        ("bob", "door", ["1.jpg"]),
    ]
    assert len({one.name for one in loaded.tracklets}) == 4


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none, which is missing"):
        load_folder(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no tracklets; the layout is person/camera/tracklet/frame\.jpg"):
        load_folder(tmp_path)
    touch(tmp_path, "ann/door/1/1.jpg", "ann/door/2/notes.txt")
    with pytest.raises(InputError, match="has 1 tracklets without images, such as 'ann/door/2'"):
        load_folder(tmp_path)
    touch(tmp_path, "ann/door/3.jpg")
    with pytest.raises(InputError, match=r"ann/door/3\.jpg is in no tracklet"):
        load_folder(tmp_path)
