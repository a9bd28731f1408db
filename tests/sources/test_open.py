from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError, SourceError
from keyreid_stream.interfaces import LiveSource
from keyreid_stream.sources import ImageFolderSource, VideoFileSource, open_source, open_sources
from keyreid_stream.sources.config import LiveConfig
from keyreid_stream.sources.stream import StreamSource

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
    ("spec", "camera_id", "shown"),
    [
        ("rtsp://admin:s3cret@10.0.0.7/live", "10.0.0.7-live", "rtsp://10.0.0.7/live"),
        ("gate=rtsp://admin:s3cret@10.0.0.7:554/live?a=s3cret", "gate", "rtsp://10.0.0.7:554/live"),
        ("RTSP://admin:s3cret@10.0.0.7/", "10.0.0.7", "rtsp://10.0.0.7/"),
        ("https://admin:s3cret@host/x.m3u8?k=s3cret", "host-x.m3u8", "https://host/x.m3u8"),
        ("tcp://10.0.0.7:9000", "10.0.0.7-9000", "tcp://10.0.0.7:9000"),
    ],
)
def test_an_address_is_a_live_camera_that_is_not_reached_yet(spec: str, camera_id: str, shown: str) -> None:
    source = open_source(spec)
    assert isinstance(source, StreamSource)
    assert isinstance(source, LiveSource)
    assert (source.camera_id, source.address) == (camera_id, shown)
    assert "s3cret" not in repr(vars(source))


def test_live_settings_and_the_rate_limit_are_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text('["10.0.0.7"]\nuser = "ann"\npassword = "s3/cret"\n')
    path.chmod(0o600)
    live = LiveConfig(credentials=str(path), fps=15)
    a, b = open_sources(["rtsp://10.0.0.7/a", "b=rtsp://10.0.0.8/b"], live=live, max_fps=12)
    assert isinstance(a, StreamSource)
    assert (a.fps, b.fps) == (12, 12)
    assert a._address.secret == "rtsp://ann:s3%2Fcret@10.0.0.7/a"


@pytest.mark.parametrize(
    "spec",
    [
        "rtsp:/admin:s3cret@10.0.0.7/live",
        "gate=rtsp:///admin:s3cret@10.0.0.7/live",
        "rtsp://admin:s3/cr3t@10.0.0.7/live",
        "rtsp://admin:s3cret@10.0.0.7:99999999/live",
        "rtsp://[::1/live",
        "rtsp://admin:s3cret@/live",
        "ftp://admin:s3cret@10.0.0.7/live",
        "file://admin:s3cret@10.0.0.7/live",
    ],
)
def test_bad_addresses_are_refused_without_a_word_of_what_is_secret_in_them(spec: str) -> None:
    with pytest.raises(SourceError, match=r"malformed; write|no address of a live camera|names no host") as caught:
        open_source(spec)
    shown = str(caught.value)
    assert "s3" not in shown
    assert "admin" not in shown


def test_two_cameras_of_one_name_are_told_without_secrets() -> None:
    with pytest.raises(InputError, match="door") as caught:
        open_sources(["door=rtsp://admin:s3cret@10.0.0.7/1", "door=rtsp://admin:s3cret@10.0.0.8/2"])
    assert "s3cret" not in str(caught.value)


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
