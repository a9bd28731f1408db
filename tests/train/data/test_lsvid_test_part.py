from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from keyreid_stream.errors import InputError, MissingExtraError
from keyreid_train.data.lsvid import load_lsvid
from tests.train.data.miniature import shown, touch

LINES = ("0900/0900_0001 900", "0900/0900_0002 900", "0903/0903_0001 903", "0900/0900_0003 900")


@pytest.fixture
def lsvid(tmp_path: Path) -> Path:
    """Two test people; the second and the third line are queries."""
    for line, camera in zip(LINES, (3, 5, 5, 9), strict=True):
        touch(tmp_path, f"tracklet_test/{line.split()[0]}_{camera}_0001.jpg")
    touch(tmp_path, "list_sequence/list_seq_test.txt", "test/data/info_test.mat")
    (tmp_path / "list_sequence/list_seq_test.txt").write_text("\n".join(f"tracklet_test/{line}" for line in LINES))
    return tmp_path


def test_queries_and_the_rest(lsvid: Path) -> None:
    """The authors' file is HDF5, in which Matlab's column is a row of numbers with a point."""
    h5py = pytest.importorskip("h5py", reason="LS-VID's test part needs h5py: pip install h5py")
    with h5py.File(lsvid / "test/data/info_test.mat", "w", userblock_size=512) as stored:
        stored["query"] = np.array([[2.0, 3.0]])
    with (lsvid / "test/data/info_test.mat").open("r+b") as file:  # what Matlab puts before it
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    assert shown(load_lsvid(lsvid, "query", complete=False)) == [
        ("0900", "c5", ["0900_0002_5_0001.jpg"]),
        ("0903", "c5", ["0903_0001_5_0001.jpg"]),
    ]
    assert shown(load_lsvid(lsvid, "gallery", complete=False)) == [
        ("0900", "c3", ["0900_0001_3_0001.jpg"]),
        ("0900", "c9", ["0900_0003_9_0001.jpg"]),
    ]


def test_older_files_need_no_h5py(lsvid: Path) -> None:
    savemat(lsvid / "test/data/info_test.mat", {"query": np.array([[3]], np.uint16)})
    assert load_lsvid(lsvid, "query", complete=False).person_ids == ("0903",)
    with pytest.raises(InputError, match="1 people and 3 tracklets, lsvid-gallery has 7829 tracklets"):
        load_lsvid(lsvid, "gallery")


def test_what_does_not_belong_together(lsvid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    savemat(lsvid / "test/data/info_test.mat", {"query": np.array([[5]], np.uint16)})
    with pytest.raises(InputError, match=r"names lines 5 to 5 of a list of 4"):
        load_lsvid(lsvid, "query", complete=False)
    (lsvid / "test/data/info_test.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r'pip install "keyreid-stream\[lsvid\]"'):
        load_lsvid(lsvid, "query", complete=False)
    (lsvid / "test/data/info_test.mat").unlink()
    with pytest.raises(InputError, match=r"info_test\.mat, which is missing"):
        load_lsvid(lsvid, "query", complete=False)
