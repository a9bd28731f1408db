from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.cuhk import load_cuhk01, load_cuhk03


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_cuhk03_by_person_and_camera_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "train_0002_c1_10.jpg", "train_0002_c1_9.jpg", "train_0002_c2_0.jpg", "train_0001_c1_0.jpg")
    touch(tmp_path, "val_0001_c1_0.jpg", "notes.txt")
    loaded = load_cuhk03(tmp_path, people=2)
    assert [(one.person_id, one.camera_id, [path.name for path in one.images]) for one in loaded.tracklets] == [
        ("0001", "c1", ["train_0001_c1_0.jpg"]),
        ("0002", "c1", ["train_0002_c1_9.jpg", "train_0002_c1_10.jpg"]),
        ("0002", "c2", ["train_0002_c2_0.jpg"]),
    ]
    assert [one.images[0].name for one in load_cuhk03(tmp_path, "val", people=1).tracklets] == ["val_0001_c1_0.jpg"]


def test_an_incomplete_set_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "0001_c1_0.jpg", "0001_c2_0.jpg")
    assert load_cuhk01(tmp_path, people=1).camera_ids == ("c1", "c2")
    with pytest.raises(InputError, match=r"images of 1 people .* cuhk01 has 871; get it complete"):
        load_cuhk01(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        load_cuhk03(tmp_path / "none")


@pytest.mark.data
def test_the_real_sets_are_complete(data: Path) -> None:
    assert len(load_cuhk03(data / "reid/cuhk03").person_ids) == 743
    assert len(load_cuhk03(data / "reid/cuhk03", "val").tracklets) == 200
    assert sum(len(one.images) for one in load_cuhk01(data / "reid/cuhk01").tracklets) == 871 * 4
