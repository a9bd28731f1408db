from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError, SourceError
from keyreid_stream.sources import ImageFolderSource
from keyreid_stream.sources.image_folder import _natural_key


def write_image(path: Path, blue: int = 0, size: tuple[int, int] = (20, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((*size, 3), np.uint8)
    image[..., 0] = blue  # OpenCV writes BGR
    assert cv2.imwrite(str(path), image)


def test_images_come_in_natural_order_as_rgb(tmp_path: Path) -> None:
    folder = tmp_path / "yard"
    for number in (10, 2, 1, 100):
        write_image(folder / f"{number}.png", blue=number)
    source = ImageFolderSource(folder)
    frames = list(source.frames())
    assert source.camera_id == "yard"
    assert source.fps == 25
    assert [int(frame.image[0, 0, 2]) for frame in frames] == [1, 2, 10, 100]
    assert [frame.frame_index for frame in frames] == [0, 1, 2, 3]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12])


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".bmp", ".webp", ".JPG"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    write_image(tmp_path / f"a{suffix}", blue=200)
    (frame,) = ImageFolderSource(tmp_path).frames()
    assert frame.image.shape == (20, 30, 3)
    assert frame.image[..., 2].mean() == pytest.approx(200, abs=8)


def test_other_files_are_not_images_and_other_sizes_are(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png")
    write_image(tmp_path / "2.png", size=(7, 5))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "folder.png").mkdir()
    assert [frame.image.shape for frame in ImageFolderSource(tmp_path).frames()] == [(20, 30, 3), (7, 5, 3)]


@pytest.mark.parametrize("given_as", ["sequence", "img1"])
def test_mot_sequence(tmp_path: Path, given_as: str) -> None:
    sequence = tmp_path / "MOT17-02"
    write_image(sequence / "img1" / "000001.jpg")
    write_image(sequence / "img1" / "000002.jpg")
    (sequence / "seqinfo.ini").write_text("[Sequence]\nname=MOT17-02\nimDir=img1\nframeRate=30\n")
    source = ImageFolderSource(sequence if given_as == "sequence" else sequence / "img1")
    assert source.camera_id == "MOT17-02"
    assert source.fps == 30
    assert [frame.timestamp_s for frame in source.frames()] == [0, 1 / 30]


@pytest.mark.parametrize("settings", ["no section", "[Sequence]\nframeRate=fast", "[Sequence]\nframeRate=0"])
def test_a_broken_seqinfo_is_said(tmp_path: Path, settings: str) -> None:
    write_image(tmp_path / "img1" / "1.png")
    (tmp_path / "seqinfo.ini").write_text(settings)
    with pytest.raises(SourceError, match=r"seqinfo\.ini names no usable frame rate"):
        ImageFolderSource(tmp_path)
    assert ImageFolderSource(tmp_path, fps=5).fps == 5


def test_unreadable_images_are_counted_and_keep_their_number(tmp_path: Path) -> None:
    for number in range(4):
        write_image(tmp_path / f"{number}.png", blue=number)
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "0.png").write_bytes(b"")
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    source = ImageFolderSource(tmp_path)
    assert [frame.frame_index for frame in source.frames()] == [2, 3]
    assert source.corrupt_frames == 2


def test_thinning(tmp_path: Path) -> None:
    for number in range(10):
        write_image(tmp_path / f"{number}.png")
    source = ImageFolderSource(tmp_path, fps=10, max_fps=5)
    assert source.fps == 5
    assert [frame.frame_index for frame in source.frames()] == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("name", ["gone", "file.png", "empty"])
def test_what_is_no_folder_of_images_is_refused(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "file.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"; (check the path and )?give a folder"):
        ImageFolderSource(tmp_path / name)


def test_rates_must_be_rates(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png")
    with pytest.raises(InputError, match="above 0"):
        ImageFolderSource(tmp_path, fps=0)
    with pytest.raises(InputError, match="above 0"):
        ImageFolderSource(tmp_path, max_fps=-1)


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_numbers_sort_as_numbers_however_they_are_padded(numbers: list[int]) -> None:
    names = [f"frame{number}.png" for number in numbers]
    assert sorted(names, key=_natural_key) == [f"frame{number}.png" for number in sorted(numbers)]


@given(st.text(), st.text())
def test_two_names_never_share_a_place(name: str, other: str) -> None:
    assert (_natural_key(name) == _natural_key(other)) == (name == other)
