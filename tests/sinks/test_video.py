from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.sinks import VideoSink, video
from keyreid_stream.sinks.palette import NOTICE, identity_colour
from keyreid_stream.structures import CameraTick, Tick

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]

ROWS = [(3, 1, (20.0, 30.0, 60.0, 90.0), 0.9)]


def read(path: Path) -> list[tuple[np.ndarray, float]]:
    with av.open(str(path)) as container:
        return [(frame.to_ndarray(format="rgb24"), float(frame.time or 0)) for frame in container.decode(video=0)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_video_per_camera_and_a_mosaic(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    with VideoSink(tmp_path / "videos", {"a": 10, "b": 5, "silent": 10}) as sink:
        for index in range(6):
            cameras = [camera_tick("a", index, ROWS)]
            if index % 2 == 0:
                cameras.append(camera_tick("b", index // 2, fps=5))
            sink.write(tick(*cameras, index=index))
    assert names(tmp_path / "videos") == ["a.mp4", "b.mp4", "mosaic.mp4"]
    assert [time for _, time in read(tmp_path / "videos" / "a.mp4")] == pytest.approx(np.arange(6) / 10)
    assert [time for _, time in read(tmp_path / "videos" / "b.mp4")] == pytest.approx(np.arange(3) / 5)
    mosaic = read(tmp_path / "videos" / "mosaic.mp4")
    assert [time for _, time in mosaic] == pytest.approx(np.arange(6) / 10)
    assert mosaic[0][0].shape == (96 * 2 + 4, 128 * 2 + 4, 3)


def test_a_camera_that_joins_gets_a_video(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    with VideoSink(tmp_path, {"a": 10}) as sink:
        sink.write(tick(camera_tick("a", 0)))
        sink.write(replace(tick(camera_tick("late", 0, timestamp_s=0.1), index=1), joined={"late": 10.0}))
        sink.write(replace(tick(camera_tick("late", 1, timestamp_s=0.2), index=2), joined={"late": 10.0}))  # once more
        with pytest.raises(InputError, match="overwrite"):
            sink.write(replace(tick(), joined={"Mosaic": 10.0}))
    assert names(tmp_path) == ["a.mp4", "late.mp4", "mosaic.mp4"]
    assert len(read(tmp_path / "late.mp4")) == 2
    assert len(read(tmp_path / "mosaic.mp4")) == 3


def test_pictures_are_annotated(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    with VideoSink(tmp_path, {"a": 10}) as sink:
        sink.write(tick(camera_tick("a", 0, [(3, 1, (100.0, 100.0, 300.0, 400.0), 0.9)], image=image)))
    plate_above_its_letters = read(tmp_path / "a.mp4")[0][0][84:86, 102:118].reshape(-1, 3)
    assert np.median(plate_above_its_letters, axis=0) == pytest.approx(
        identity_colour(1), abs=25
    )  # colours are stored at half size


def test_a_notice_is_in_the_lower_right_corner_of_every_picture(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    image = np.full((240, 640, 3), 90, np.uint8)
    with VideoSink(tmp_path, {"a": 10}, notice="untrained model") as sink:
        sink.write(tick(camera_tick("a", 0, image=image)))
    for name in ("a.mp4", "mosaic.mp4"):
        picture = read(tmp_path / name)[0][0]
        corner = picture[-16:-6, -60:-8].reshape(-1, 3)
        assert (corner[:, 0].astype(int) - corner[:, 2]).max() > 0.7 * (NOTICE[0] - NOTICE[2]), name
        assert np.median(picture[:100], axis=(0, 1)) == pytest.approx(90, abs=4), name


def test_plain_videos_hold_no_picture(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    white = np.full((240, 320, 3), 255, np.uint8)
    with VideoSink(tmp_path, {"a": 10}, plain=True) as sink:
        sink.write(tick(camera_tick("a", 0, image=white)))
    for name in ("a.mp4", "mosaic.mp4"):
        assert read(tmp_path / name)[0][0][:150].max() < 80, name


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_run_leaves_whole_videos(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker, stop: type[BaseException]
) -> None:
    def run() -> None:
        with VideoSink(tmp_path, {"a": 10, "b": 10}) as sink:
            for index in range(3):
                sink.write(tick(camera_tick("a", index, ROWS), camera_tick("b", index)))
            raise stop

    with pytest.raises(stop):
        run()
    assert names(tmp_path) == ["a.mp4", "b.mp4", "mosaic.mp4"]
    assert [len(read(tmp_path / name)) for name in names(tmp_path)] == [3, 3, 3]


def test_a_fault_between_two_cameras_leaves_whole_videos(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = video.annotate

    def faulty(camera: CameraTick) -> np.ndarray:
        if (camera.frame.camera_id, camera.frame.frame_index) == ("b", 2):
            raise KeyboardInterrupt
        return drawn(camera)

    def run() -> None:
        with VideoSink(tmp_path, {"a": 10, "b": 10}) as sink:
            for index in range(5):
                sink.write(tick(camera_tick("a", index), camera_tick("b", index)))

    monkeypatch.setattr(video, "annotate", faulty)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert names(tmp_path) == ["a.mp4", "b.mp4", "mosaic.mp4"]
    assert [len(read(tmp_path / name)) for name in names(tmp_path)] == [3, 2, 2]


def test_one_video_that_cannot_be_finished_does_not_take_the_others_along(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(OSError, match=r"a\.mp4"), VideoSink(tmp_path, {"a": 10, "b": 10}) as sink:
        sink.write(tick(camera_tick("a", 0), camera_tick("b", 0)))
    assert len(read(tmp_path / "b.mp4")) == len(read(tmp_path / "mosaic.mp4")) == 1


@pytest.mark.parametrize(
    ("cameras", "message"),
    [({}, "name at least one"), ({"Mosaic": 10.0}, r"would overwrite mosaic\.mp4"), ({"../a": 10.0}, "file name")],
)
def test_bad_cameras_are_refused_before_anything_is_written(
    tmp_path: Path, cameras: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        VideoSink(tmp_path / "videos", cameras)
    assert names(tmp_path) == []


def test_an_unannounced_camera_is_refused(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    with pytest.raises(InputError, match="not announced"), VideoSink(tmp_path, {"a": 10}) as sink:
        sink.write(tick(camera_tick("x")))


def test_a_run_without_frames_leaves_no_videos(tmp_path: Path) -> None:
    with VideoSink(tmp_path, {"a": 10}):
        pass
    assert names(tmp_path) == []


def test_writing_outside_the_block_is_refused(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    sink = VideoSink(tmp_path, {"a": 10})
    with pytest.raises(InputError, match="not open"):
        sink.write(tick(camera_tick("a")))
    with sink:
        pass
    with pytest.raises(InputError, match="not open"):
        sink.write(tick(camera_tick("a")))
    assert names(tmp_path) == []
