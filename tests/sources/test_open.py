from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError, SourceError
from keyreid_stream.sources import ImageFolderSource, VideoFileSource, open_source, open_sources

MakeVideo = Callable[..., Path]


def test_a_file_is_a_video_named_by_its_stem(make_video: MakeVideo) -> None:
    source = open_source(str(make_video("front door.mkv")))
    assert isinstance(source, VideoFileSource)
    assert source.camera_id == "front door"


def test_a_directory_is_a_folder_of_images(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((4, 4, 3), np.uint8))
    source = open_source(f"yard={tmp_path}")
    assert isinstance(source, ImageFolderSource)
    assert source.camera_id == "yard"


def test_a_name_in_front(make_video: MakeVideo) -> None:
    assert open_source(f"gate={make_video('x.mkv')}").camera_id == "gate"


def test_an_existing_path_wins_over_a_name(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video("gate=x.mkv")
    make_video("x.mkv")
    monkeypatch.chdir(path.parent)
    with pytest.raises(InputError, match="'gate=x' cannot be a file name"):
        open_source("gate=x.mkv")
    assert open_source("cam=gate=x.mkv").camera_id == "cam"
    path.unlink()
    assert open_source("gate=x.mkv").camera_id == "gate"


def test_the_rate_limit_is_handed_on(make_video: MakeVideo) -> None:
    assert open_source(str(make_video()), max_fps=2).fps == 2


@pytest.mark.parametrize(
    "spec",
    [
        "rtsp://admin:s3cret@10.0.0.7/live",
        "gate=rtsp://admin:s3cret@10.0.0.7/live?a=b",
        "RTSP://admin:s3cret@10.0.0.7/",
        "https://admin:s3cret@host/x.m3u8?k=v",
        "rtsp:/admin:s3cret@10.0.0.7/live",
        "http://host/?user=admin&password=s3cret",
    ],
)
def test_addresses_are_refused_without_a_word_of_what_is_in_them(spec: str) -> None:
    with pytest.raises(SourceError, match="not supported in this version; give a video file") as caught:
        open_source(spec)
    shown = str(caught.value)
    assert "s3cret" not in shown
    assert "admin" not in shown
    assert "10.0.0.7" not in shown


@pytest.mark.parametrize("spec", ["", "  ", "gate=", "gate= "])
def test_no_path_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="names no path"):
        open_source(spec)


@pytest.mark.parametrize("spec", ["nowhere.mp4", "gate=nowhere.mp4", "nul\0.mp4", "x" * 5000])
def test_a_path_that_is_not_there(spec: str) -> None:
    with pytest.raises(SourceError, match=r"does not exist|cannot be read"):
        open_source(spec)


@pytest.mark.parametrize("name", ["a/b", "a\\b", "", ".", "..", ".x", "x.", " x", "a:b", "a*", "x" * 300, "a\nb"])
def test_names_that_no_file_can_have(make_video: MakeVideo, name: str) -> None:
    with pytest.raises(InputError, match="NAME=PATH") as caught:
        open_source(f"{name}={make_video()}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cam0", "Front Door 2", "a.b-c_d", "Größe", "東口"])
def test_names_that_files_can_have(make_video: MakeVideo, name: str) -> None:
    assert open_source(f"{name}={make_video()}").camera_id == name


def test_several_in_the_order_given(make_video: MakeVideo) -> None:
    paths = [str(make_video(name)) for name in ("b.mkv", "a.mkv")]
    assert [source.camera_id for source in open_sources(paths)] == ["b", "a"]


def test_two_cameras_of_one_name_are_both_named(make_video: MakeVideo) -> None:
    first, second = make_video("cam.mkv"), make_video("cam.avi", codec="mpeg4")
    with pytest.raises(InputError, match=r"cam\.mkv and .*cam\.avi are both named 'cam'.*NAME=PATH"):
        open_sources([str(first), str(second)])
    assert len(open_sources([str(first), f"other={second}"])) == 2


def test_names_that_differ_only_in_case_are_refused(make_video: MakeVideo) -> None:
    path = make_video()
    with pytest.raises(InputError, match=r"differ only in case \('Gate', 'gate'\)"):
        open_sources([f"Gate={path}", f"gate={path}"])


def test_no_camera_is_refused() -> None:
    with pytest.raises(InputError, match="no camera was given"):
        open_sources([])
