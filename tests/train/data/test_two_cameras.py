from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from keyreid_stream.errors import ConfigError, InputError
from keyreid_train.data.two_cameras import load_ilids_vid, load_prid2011
from tests.train.data.miniature import shown, touch

SPLIT_FILE = "train-test people splits/train_test_splits_ilidsvid.mat"


@pytest.fixture
def ilids(tmp_path: Path) -> Path:
    """Four people with gaps in their numbers; the second split is the first one turned around."""
    for person in ("person001", "person002", "person005", "person010"):
        for camera in ("cam1", "cam2"):
            folder = f"i-LIDS-VID/sequences/{camera}/{person}"
            touch(tmp_path, *(f"{folder}/{camera}_{person}_{frame:05d}.png" for frame in (12, 3)))
    (tmp_path / SPLIT_FILE).parent.mkdir()
    savemat(tmp_path / SPLIT_FILE, {"ls_set": np.array([[4, 1, 3, 2], [3, 2, 4, 1]], np.uint16)})
    return tmp_path


def test_ilids_halves_by_place_in_the_sorted_folders(ilids: Path) -> None:
    train, test = (load_ilids_vid(ilids, half, complete=False) for half in ("train", "test"))
    assert train.person_ids == ("person002", "person005")
    assert test.person_ids == ("person001", "person010")
    assert load_ilids_vid(ilids, split=2, complete=False).person_ids == ("person001", "person010")
    assert shown(train)[:2] == [
        ("person002", "c1", ["cam1_person002_00003.png", "cam1_person002_00012.png"]),
        ("person002", "c2", ["cam2_person002_00003.png", "cam2_person002_00012.png"]),
    ]


def test_ilids_that_is_not_whole(ilids: Path) -> None:
    with pytest.raises(InputError, match="has 2 people and 4 tracklets, ilids-1-train has 150 and 300"):
        load_ilids_vid(ilids)
    with pytest.raises(ConfigError, match="no split 3; choose 1 to 2"):
        load_ilids_vid(ilids, split=3)
    (ilids / "i-LIDS-VID/sequences/cam2/person002/cam2_person002_00003.png").unlink()
    (ilids / "i-LIDS-VID/sequences/cam2/person002/cam2_person002_00012.png").unlink()
    with pytest.raises(InputError, match="has 1 tracklets without images, such as 'person002/c2'"):
        load_ilids_vid(ilids, complete=False)
    touch(ilids, "i-LIDS-VID/sequences/cam1/person011/1.png")
    with pytest.raises(InputError, match=r"names 4 people, .*cam1 has 5"):
        load_ilids_vid(ilids, complete=False)
    (ilids / SPLIT_FILE).write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not iLIDS-VID's file"):
        load_ilids_vid(ilids, complete=False)
    (ilids / SPLIT_FILE).unlink()
    with pytest.raises(InputError, match=r"splits_ilidsvid\.mat, which is missing"):
        load_ilids_vid(ilids, complete=False)


@pytest.fixture
def prid(tmp_path: Path) -> Path:
    """Three people in both cameras, of whom the protocol takes two."""
    for person in ("person_0001", "person_0002", "person_0003"):
        touch(tmp_path, *(f"prid_2011/multi_shot/cam_{camera}/{person}/0001.png" for camera in "ab"))
    splits = [{"train": ["person_0003"], "test": ["person_0001"]}, {"train": ["person_0001"], "test": ["person_0003"]}]
    (tmp_path / "splits_prid2011.json").write_text(json.dumps(splits))
    return tmp_path


def test_prid_people_of_the_protocol(prid: Path) -> None:
    images = ["0001.png"]
    assert shown(load_prid2011(prid, complete=False)) == [("person_0003", "a", images), ("person_0003", "b", images)]
    assert load_prid2011(prid, "test", complete=False).person_ids == ("person_0001",)
    assert load_prid2011(prid, split=2, complete=False).person_ids == ("person_0001",)


def test_prid_that_is_not_whole(prid: Path) -> None:
    with pytest.raises(InputError, match="has 1 people and 2 tracklets, prid2011-1-train has 89 and 178"):
        load_prid2011(prid)
    with pytest.raises(ConfigError, match="no split 0; choose 1 to 2"):
        load_prid2011(prid, split=0)
    (prid / "prid_2011/multi_shot/cam_b/person_0003/0001.png").unlink()
    (prid / "prid_2011/multi_shot/cam_b/person_0003").rmdir()
    with pytest.raises(InputError, match="cam_b/person_0003, which is missing"):
        load_prid2011(prid, complete=False)
    (prid / "splits_prid2011.json").write_text("[{}]")
    with pytest.raises(InputError, match="is not the split file of PRID-2011"):
        load_prid2011(prid, complete=False)
