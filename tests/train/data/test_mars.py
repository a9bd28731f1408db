from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from keyreid_stream.errors import InputError
from keyreid_train.data.mars import MARS_COUNTS, load_mars, tracklet_rows
from tests.train.data.miniature import shown, touch

TRAIN = ["0001C1T0001F001.jpg", "0001C1T0001F002.jpg", "0001C2T0001F001.jpg", "0003C1T0001F001.jpg"]
TEST = ["00-1C1T0001F001.jpg", "0000C2T0001F001.jpg", "0002C1T0001F001.jpg", "0002C1T0002F001.jpg",
        "0002C3T0001F001.jpg"]  # fmt: skip


@pytest.fixture
def mars(tmp_path: Path) -> Path:
    """Two training people; a junk tracklet, a distractor, a person with a query and two others."""
    touch(tmp_path, *(f"bbox_train/{name[:4]}/{name}" for name in TRAIN))
    touch(tmp_path, *(f"bbox_test/{name[:4]}/{name}" for name in TEST))
    info = tmp_path / "info"
    info.mkdir()
    (info / "train_name.txt").write_text("\n".join(TRAIN) + "\n")
    (info / "test_name.txt").write_text("\n".join(TEST) + "\n")
    savemat(info / "tracks_train_info.mat", {"track_train_info": [[1, 2, 1, 1], [3, 3, 1, 2], [4, 4, 3, 1]]})
    rows = [[1, 1, -1, 1], [2, 2, 0, 2], [3, 3, 2, 1], [4, 4, 2, 1], [5, 5, 2, 3]]
    savemat(info / "tracks_test_info.mat", {"track_test_info": rows})
    savemat(info / "query_IDX.mat", {"query_IDX": np.array([[3]], np.uint16)})
    return tmp_path


def test_training_tracklets(mars: Path) -> None:
    loaded = load_mars(mars, complete=False)
    assert shown(loaded) == [("0001", "c1", TRAIN[:2]), ("0001", "c2", TRAIN[2:3]), ("0003", "c1", TRAIN[3:])]
    assert all(path.is_file() for one in loaded.tracklets for path in one.images)


def test_the_gallery_is_the_rest_without_junk_with_distractors(mars: Path) -> None:
    assert shown(load_mars(mars, "query", complete=False)) == [("0002", "c1", TEST[2:3])]
    assert shown(load_mars(mars, "gallery", complete=False)) == [
        ("0000", "c2", TEST[1:2]),
        ("0002", "c1", TEST[3:4]),
        ("0002", "c3", TEST[4:]),
    ]


def test_what_is_missing_is_told(mars: Path) -> None:
    with pytest.raises(InputError, match="has 2 people and 3 tracklets, mars-train has 625 and 8298"):
        load_mars(mars)
    (mars / "bbox_train/0001" / TRAIN[1]).unlink()
    with pytest.raises(InputError, match=f"1 of 4 images are missing in .*{TRAIN[1]}"):
        load_mars(mars, complete=False)
    (mars / "info/train_name.txt").write_text(TRAIN[0])
    with pytest.raises(InputError, match="has 1 names, its index file asks for 4"):
        load_mars(mars, complete=False)
    (mars / "info/tracks_train_info.mat").write_bytes(b"no matrix")
    with pytest.raises(InputError, match="is not MARS's file"):
        load_mars(mars, complete=False)
    (mars / "info/train_name.txt").unlink()
    with pytest.raises(InputError, match=r"MARS needs .*train_name\.txt, which is missing"):
        load_mars(mars, complete=False)


@pytest.mark.data
def test_the_official_index_files(data: Path) -> None:
    """1,840 valid queries: those whose person is in the gallery in another camera."""
    info = data / "mars_info"
    rows = {split: tracklet_rows(info, split) for split in MARS_COUNTS}
    for split, known in MARS_COUNTS.items():
        assert (len(np.unique(rows[split][:, 2])), len(rows[split])) == known
    people, cameras = rows["gallery"][:, 2], rows["gallery"][:, 3]
    answered = [bool(((people == person) & (cameras != camera)).any()) for _, _, person, camera in rows["query"]]
    assert sum(answered) == 1840
    assert (people == 0).sum() == 3248
