"""A camera tried for a few seconds: what is seen of it, and what is said to do about what is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.sources.config import LiveConfig, SourcesConfig
from keyreid_stream.sources.trial import CameraTrial, _watch_live, try_cameras
from keyreid_stream.sources.trial_findings import Observed, Size, fault_of, live_notes
from keyreid_stream.structures import Frame, LiveCounts
from tests.sources.conftest import MakeVideo
from tests.sources.live.rtsp import RtspServer, why_no_rtsp_server
from tests.sources.live.ts_server import TsServer, transport_stream

QUICK = SourcesConfig(live=LiveConfig(stall_s=5.0, fps=20))


def frame(index: int, timestamp_s: float, *, size: tuple[int, int] = (48, 64), epoch: int = 0) -> Frame:
    return Frame("door", index, timestamp_s, np.zeros((*size, 3), np.uint8), epoch)


def only(trials: list[CameraTrial]) -> CameraTrial:
    (trial,) = trials
    return trial


def test_a_file_is_told_by_its_own_times(make_video: MakeVideo) -> None:
    path = make_video(milliseconds=range(0, 3000, 125))
    trial = only(try_cameras(f"yard={path}"))
    assert (trial.camera_id, trial.address, trial.live) == ("yard", str(path), False)
    assert (trial.codec, trial.sizes, trial.frames) == ("mjpeg", ((96, 64),), 24)
    assert trial.fps == pytest.approx(8.0)
    assert (trial.clock, trial.fault, trial.notes) == ("file", "", ())
    assert trial.first_frame_s is not None


def test_of_a_long_file_only_as_much_is_looked_at_as_was_asked_for(make_video: MakeVideo) -> None:
    trial = only(try_cameras(str(make_video(milliseconds=range(0, 2600, 100))), seconds=1.0))
    assert trial.frames == 11


def test_what_cannot_be_opened_is_a_fault_and_no_error(tmp_path: Path) -> None:
    trial = only(try_cameras(f"yard={tmp_path / 'none.mp4'}"))
    assert trial.camera_id == "yard"
    assert "does not exist" in trial.fault
    assert trial.frames == 0


def test_it_can_be_stopped(make_video: MakeVideo) -> None:
    stop = threading.Event()
    stop.set()
    assert only(try_cameras(str(make_video()), stop=stop)).frames == 1
    with TsServer(transport_stream(200)) as server:
        assert only(try_cameras(server.address, QUICK, seconds=60.0, stop=stop)).frames == 0


@pytest.mark.parametrize(
    "spec",
    [
        "door=rtsp://viewer:secretpw@host/a/b@c",
        "rtsp://viewer:secretpw@/path?token=secretpw",
        "ftp://a:secretpw@host/x",
    ],
)
def test_no_secret_of_an_address_is_told(spec: str) -> None:
    trial = only(try_cameras(spec))
    assert trial.fault
    assert "secretpw" not in repr(trial)


def test_every_camera_of_a_world_is_tried() -> None:
    trials = try_cameras("world://plaza?cameras=2&people=2&seconds=2&width=64&height=64", seconds=1.0)
    assert [trial.fault for trial in trials] == ["", ""]
    assert len({trial.camera_id for trial in trials}) == 2
    assert {trial.sizes for trial in trials} == {((64, 64),)}
    assert {trial.clock for trial in trials} == {"its own"}


def test_a_folder_s_unreadable_images_are_told(tmp_path: Path) -> None:
    import cv2

    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((10 + (number == 3), 20, 3), np.uint8))
    (tmp_path / "1.png").write_bytes(b"no image")
    trial = only(try_cameras(str(tmp_path)))
    assert (trial.fault, trial.frames, trial.codec) == ("", 3, "images")
    assert [note.partition(" ")[0] for note in trial.notes] == ["1", "its"]
    assert "20x10, 20x11" in trial.notes[1]


def test_a_live_stream_is_told_as_it_comes() -> None:
    with TsServer(transport_stream(200)) as server:
        trial = only(try_cameras(f"door={server.address}", QUICK, seconds=2.0))
    assert (trial.camera_id, trial.address, trial.live) == ("door", server.address, True)
    assert (trial.codec, trial.sizes, trial.clock, trial.latency_s) == ("h264", (Size(64, 48),), "arrival", None)
    assert trial.fps == pytest.approx(20, rel=0.1)
    assert (trial.fault, trial.notes) == ("", ())


def test_a_live_stream_that_breaks_off_is_told() -> None:
    with TsServer(transport_stream(20)) as server:
        trial = only(try_cameras(server.address, QUICK, seconds=5.0))
        assert server.connections == 1
    assert trial.fault == ""
    assert trial.notes[-1].startswith("it stopped: ")


def test_nobody_there_is_tried_once_and_the_cure_told() -> None:
    with TsServer([b""]) as gone:
        address = gone.address
    began = time.monotonic()
    trial = only(try_cameras(address, QUICK))
    assert trial.fault.startswith("connection refused; nothing listens there")
    assert (trial.live, trial.clock, trial.notes) == (True, "", ())
    assert time.monotonic() - began < 30


class Silent:
    """A camera that is being opened for ever."""

    camera_id, fps, has_ended, closed = "door", 25.0, False, False
    counts = LiveCounts("connecting")

    def open(self, wake: object) -> None: ...

    def newest(self) -> Frame | None:
        return None

    def frames(self) -> Iterator[Frame]:
        return iter(())

    def close(self) -> None:
        self.closed = True


def test_a_camera_that_says_nothing_is_left_after_a_while_and_closed() -> None:
    camera, seen = Silent(), Observed()
    _watch_live(camera, seen, patience_s=0.2, seconds=60.0, stop=threading.Event())
    assert camera.closed
    assert seen.counts == LiveCounts("connecting")
    assert fault_of("").startswith("nothing came in time; check host and port")


def test_a_rate_is_of_the_newest_connection_and_of_all_frames_also_those_not_taken() -> None:
    seen = Observed()
    for index, timestamp_s, epoch in [(0, 0.0, 0), (1, 0.1, 0), (7, 100.0, 1), (17, 101.0, 1), (27, 102.0, 1)]:
        seen.take(frame(index, timestamp_s, epoch=epoch))
    assert seen.fps == pytest.approx(10.0)
    assert seen.frames == 5
    assert seen.has_lasted(2.0)
    assert not seen.has_lasted(2.1)


def test_too_few_frames_tell_no_rate() -> None:
    seen = Observed()
    assert (seen.fps, seen.has_lasted(0.0)) == (None, False)
    seen.take(frame(0, 0.0))
    seen.take(frame(9, 1.0))
    assert seen.fps is None
    seen.take(frame(10, 1.0))
    assert seen.fps == pytest.approx(10.0)


def observed(fps: float = 25.0, first_frame_s: float = 1.0, **counts: object) -> Observed:
    seen = Observed(counts=LiveCounts("streaming", **counts))  # type: ignore[arg-type]
    seen.take(frame(0, 100.0))
    seen.take(frame(100, 100.0 + 100 / fps))
    seen.first_frame_s = first_frame_s
    return seen


@pytest.mark.parametrize(
    ("seen", "plausible", "max_fps", "told"),
    [
        (observed(), True, None, None),
        (observed(fps=29.9), True, None, None),
        (observed(fps=30.1), True, None, "it gives 30.1 frames a second and sources.live.fps says 25"),
        (observed(fps=15), True, None, "it gives 15.0 frames"),
        (observed(fps=15), True, 8.0, None),
        (observed(fps=5), True, 8.0, "it gives 5.0 frames"),
        (observed(first_frame_s=4.1), True, None, "its first picture took 4.1 s"),
        (observed(latency_s=-70.0), False, None, "its wall clock is wrong (frames come -70.0 s after it)"),
        (observed(decode_errors=3), True, None, "3 damaged frames"),
        (observed(repaired_timestamps=2), True, None, "2 frames without a time"),
    ],
)
def test_what_is_not_as_it_should_be_is_a_note(
    seen: Observed, plausible: bool, max_fps: float | None, told: str | None
) -> None:
    notes = live_notes(seen, LiveConfig(fps=25), max_fps, clock_is_plausible=plausible)
    assert len(notes) == (told is not None)
    assert told is None or notes[0].startswith(told)


MISSING = why_no_rtsp_server()


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_rtsp_with_a_password_the_wrong_one_and_a_wrong_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "secretpw")
    config = SourcesConfig(live=LiveConfig(fps=10))
    with RtspServer({"cam": {}}, user="viewer", password="secretpw") as server:
        right = server.address("cam").replace("//", "//viewer:${CAM_PASSWORD}@")
        good = only(try_cameras(right, config, seconds=3.0))
        wrong = only(try_cameras(right.replace("${CAM_PASSWORD}", "otherpw"), config))
        lost = only(try_cameras(right.replace("/cam", "/nothere"), config))
    assert (good.fault, good.codec, good.sizes) == ("", "h264", ((320, 240),))
    assert "check the user's name and the password" in wrong.fault
    assert "check the path" in lost.fault
    assert "secretpw" not in repr([good, wrong, lost])
    assert "otherpw" not in repr([good, wrong, lost])
