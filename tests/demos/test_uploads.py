"""What visitors bring is taken by its content, and lands under names of our own."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_demos import uploads
from keyreid_demos.uploads import read_picture, take_videos, video_kind
from keyreid_stream.errors import InputError

MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(400)
TS = (b"\x47" + bytes(187)) * 3


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (MP4, ".mp4"),
        (b"\x1a\x45\xdf\xa3" + bytes(60), ".mkv"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", ".avi"),
        (TS, ".ts"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", None),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", None),
        (b"<?xml version='1.0'?><MPD></MPD>", None),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"\x47" + bytes(400), None),
        (b"", None),
    ],
)
def test_containers_are_known_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert video_kind(head) == kind


def given(folder: Path, name: str, content: bytes = MP4) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_videos_are_moved_under_names_of_our_own(tmp_path: Path) -> None:
    visit = tmp_path / "visit"
    visit.mkdir()
    sent = [given(tmp_path, "Front door!.MP4"), given(tmp_path, "front-door.mp4"), given(tmp_path, "…", TS)]
    taken = take_videos(sent, visit)
    assert [name for name, _ in taken] == ["Front_door", "front-door", "camera"]
    assert [path.relative_to(visit).as_posix() for _, path in taken] == [
        "uploads/1.mp4",
        "uploads/2.mp4",
        "uploads/3.ts",
    ]
    assert not any(path.exists() for path in sent)
    assert take_videos([given(tmp_path, "Front door.mp4")], visit)[0][1].name == "4.mp4"


def test_two_cameras_are_never_called_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    taken = take_videos([given(tmp_path, "door.mp4"), given(tmp_path / "a", "DOOR.mp4")], tmp_path)
    assert [name for name, _ in taken] == ["door", "DOOR_2"]


def test_a_playlist_that_calls_itself_a_video_is_refused_and_stays_where_it_is(tmp_path: Path) -> None:
    playlist = given(tmp_path, "video.mp4", b"#EXTM3U\n/etc/passwd\n")
    with pytest.raises(InputError, match=r"video\.mp4 is no video that is taken here"):
        take_videos([given(tmp_path, "good.mp4"), playlist], tmp_path)
    assert (tmp_path / "good.mp4").exists()
    assert not (tmp_path / "uploads").exists()


def test_none_too_many_and_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no video was given"):
        take_videos([], tmp_path)
    with pytest.raises(InputError, match="17 videos are too many"):
        take_videos([tmp_path / "x.mp4"] * 17, tmp_path)
    monkeypatch.setattr(uploads, "MAX_VIDEO_BYTES", 100)
    with pytest.raises(InputError, match="has 0 MB"):
        take_videos([given(tmp_path, "large.mp4")], tmp_path)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp"])
def test_pictures_are_read_as_rgb(tmp_path: Path, ending: str) -> None:
    image = np.zeros((8, 6, 3), np.uint8)
    image[..., 2] = 255  # OpenCV writes BGR: this is red
    path = tmp_path / f"red{ending}"
    cv2.imwrite(str(path), image)
    read = read_picture(path.rename(tmp_path / "named.anything"))
    assert read.shape == (8, 6, 3)
    assert np.abs(read[0, 0].astype(int) - [255, 0, 0]).max() < 5
    assert read.dtype == np.uint8


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures_are_read_in_colour(tmp_path: Path, channels: int) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), np.full((8, 6, channels), 90, np.uint8))
    assert read_picture(tmp_path / "one.png")[0, 0].tolist() == [90, 90, 90]


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(20), b"\xff\xd8\xff\xe0", b"GIF89a" + bytes(30)]
)
def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"broken\.png is no picture"):
        read_picture(given(tmp_path, "broken.png", content))


def test_a_small_file_of_very_many_pixels_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", decoded)
    for side in (8001, 30_000):
        size = side.to_bytes(4, "big") * 2
        chunk = b"IHDR" + size + b"\x08\x02\x00\x00\x00"
        png = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        with pytest.raises(InputError, match="64 megapixels"):
            read_picture(given(tmp_path, "bomb.png", png + bytes(4) + b"IDAT" + bytes(8)))


def test_large_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((30, 30, 3), np.uint8))
    monkeypatch.setattr(uploads, "MAX_PICTURE_PIXELS", 800)
    with pytest.raises(InputError, match="megapixels"):
        read_picture(tmp_path / "one.png")
    monkeypatch.setattr(uploads, "MAX_PICTURE_BYTES", 10)
    with pytest.raises(InputError, match="MB"):
        read_picture(tmp_path / "one.png")
