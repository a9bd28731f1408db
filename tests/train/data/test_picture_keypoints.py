from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.keypoints import write_keypoints
from keyreid_train.data.picture_keypoints import picture_keypoints
from tests.train.data.test_openpifpaf import found, person


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Four images; the keypoints of the n-th are all n."""
    names = np.array(["ann/c1/1/a.jpg", "ann/c2/1/a.jpg", "bob/c1/1/a.jpg", "bob/c1/1/b.jpg"])
    keypoints = np.broadcast_to(np.arange(4)[:, None, None], (4, 17, 3)).astype(np.float16)
    write_keypoints(tmp_path / "own.npz", names, keypoints, "by hand")
    return tmp_path / "own.npz"


def test_folders_tell_images_of_one_name_apart(stored: Path) -> None:
    pictures = [Path("/data/own/bob/c1/1/a.jpg"), Path("/x/b.jpg"), Path("/data/ann/c2/1/a.jpg")]
    assert picture_keypoints(stored, pictures)[:, 0, 0].tolist() == [2, 3, 1]


def test_relative_pictures_have_the_folders_that_they_are_in(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stored.parent / "ann/c2/1"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert picture_keypoints(stored, [Path("a.jpg")])[:, 0, 0].tolist() == [1]
    found(folder.parent / "poses/ann/c1/1/a.jpg.predictions.json", person(5, 1))
    found(folder.parent / "poses/ann/c2/1/a.jpg.predictions.json", person(6, 1))
    assert picture_keypoints(folder.parent / "poses", [Path("a.jpg")])[:, 0, 0].tolist() == [6]


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        ("/c1/1/a.jpg", "could be ann/c1/1/a.jpg or bob/c1/1/a.jpg of"),
        ("/2/a.jpg", "could be ann/c1/1/a.jpg or ann/c2/1/a.jpg of"),
        ("/ann/c1/1/c.jpg", "has no keypoints of /ann/c1/1/c.jpg"),
    ],
)
def test_what_is_not_clear_is_refused(stored: Path, picture: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        picture_keypoints(stored, [Path(picture)])


def test_damaged_files_are_refused(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:100])
    with pytest.raises(InputError, match=r"holds no keypoints .* make it again"):
        picture_keypoints(stored, [Path("/b.jpg")])
    write_keypoints(stored, np.array(["a.jpg"]), np.zeros((2, 17, 3), np.float16), "by hand")
    with pytest.raises(InputError, match=r"holds \(2, 17, 3\) numbers for 1 images"):
        picture_keypoints(stored, [Path("/a.jpg")])
    with pytest.raises(InputError, match="holds no keypoints; give DATASET"):
        picture_keypoints(stored.with_suffix(".txt"), [Path("/a.jpg")])
