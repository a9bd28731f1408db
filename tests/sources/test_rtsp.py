"""Live cameras over real RTSP: GStreamer's server on loopback."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable

import pytest

from keyreid_stream.interfaces import LiveSource
from keyreid_stream.sources import open_source
from keyreid_stream.sources.config import LiveConfig
from keyreid_stream.structures import Frame
from tests.sources.live.rtsp import RtspServer, why_no_rtsp_server

MISSING = why_no_rtsp_server()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

PATIENCE_S = 40.0
QUICK = LiveConfig(first_retry_s=0.1, longest_retry_s=0.5, stall_s=4.0)
MOUNTS = {"door": {}, "yard": {"width": 640, "height": 360, "fps": 15}}


class Cameras:
    """Takes frames of several cameras as they come."""

    def __init__(self, *sources: LiveSource) -> None:
        self.sources = sources
        self.frames: dict[str, list[Frame]] = {source.camera_id: [] for source in sources}
        for source in sources:
            source.open(lambda: None)

    def until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            for source in self.sources:
                if (frame := source.newest()) is not None:
                    self.frames[source.camera_id].append(frame)
            assert time.monotonic() < deadline, f"{what} did not happen: {[one.counts for one in self.sources]}"
            time.sleep(0.002)

    def close(self) -> None:
        for source in self.sources:
            source.close()


def test_two_mounts_of_a_server_that_is_killed_and_comes_back() -> None:
    with RtspServer(MOUNTS) as server:
        cameras = Cameras(*(open_source(f"{name}={server.address(name)}", live=QUICK) for name in MOUNTS))  # type: ignore[arg-type]
        try:
            cameras.until(lambda: all(len(frames) > 20 for frames in cameras.frames.values()), "20 frames of each")
            server.kill()
            cameras.until(lambda: all(one.counts.state == "waiting" for one in cameras.sources), "waiting")
            time.sleep(1.0)
            server.start()
            began = time.monotonic()
            cameras.until(lambda: all(frames[-1].epoch == 1 for frames in cameras.frames.values()), "frames again")
            assert time.monotonic() - began < 5
        finally:
            cameras.close()
    door, yard = cameras.frames.values()
    assert (door[0].image.shape, yard[0].image.shape) == ((240, 320, 3), (360, 640, 3))
    for frames in (door, yard):
        times = [frame.timestamp_s for frame in frames]
        assert times == sorted(set(times))


def test_a_server_that_stops_answering_without_closing() -> None:
    with RtspServer(MOUNTS) as server:
        cameras = Cameras(open_source(f"door={server.address('door')}", live=QUICK))  # type: ignore[arg-type]
        try:
            cameras.until(lambda: len(cameras.frames["door"]) > 10, "frames")
            server.freeze()
            cameras.until(lambda: cameras.sources[0].counts.state == "waiting", "waiting")
            server.thaw()
            began = time.monotonic()
            cameras.until(lambda: cameras.frames["door"][-1].epoch == 1, "frames again")
            assert time.monotonic() - began < 5
        finally:
            cameras.close()


@pytest.mark.slow
def test_while_a_server_is_away_for_half_a_minute_another_keeps_its_rate() -> None:
    with RtspServer(MOUNTS) as lost, RtspServer(MOUNTS) as other:
        cameras = Cameras(
            open_source(f"lost={lost.address('door')}", live=QUICK),  # type: ignore[arg-type]
            open_source(f"other={other.address('yard')}", live=QUICK),  # type: ignore[arg-type]
        )
        try:
            cameras.until(lambda: all(len(frames) > 20 for frames in cameras.frames.values()), "20 frames of each")
            lost.kill()
            away, before = time.monotonic(), len(cameras.frames["other"])
            cameras.until(lambda: time.monotonic() - away > 30, "half a minute")
            rate = (len(cameras.frames["other"]) - before) / (time.monotonic() - away)
            assert rate > 0.95 * 15
            lost.start()
            began = time.monotonic()
            cameras.until(lambda: cameras.frames["lost"][-1].epoch == 1, "frames again")
            assert time.monotonic() - began < 5
        finally:
            cameras.close()


def test_a_wrong_password_is_named_and_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with RtspServer(MOUNTS, user="ann", password="s3cret") as server:
        wrong = server.address("door").replace("rtsp://", "rtsp://ann:wr0ng@")
        right = server.address("door").replace("rtsp://", "rtsp://ann:s3cret@")
        config = QUICK.model_copy(update={"max_attempts": 2})
        refused = Cameras(open_source(f"door={wrong}", live=config))  # type: ignore[arg-type]
        refused.until(lambda: refused.sources[0].has_ended, "the end")
        told = refused.sources[0].counts.reason
        refused.close()
        let_in = Cameras(open_source(f"door={right}", live=config))  # type: ignore[arg-type]
        let_in.until(lambda: len(let_in.frames["door"]) > 2, "frames")
        let_in.close()
    assert "unauthorized" in told
    everything = told + caplog.text + repr(let_in.sources[0].counts) + repr(vars(let_in.sources[0]))
    assert "wr0ng" not in everything
    assert "s3cret" not in everything
    assert "ann:" not in everything


def test_a_mount_that_is_not_there_is_named() -> None:
    with RtspServer(MOUNTS) as server:
        config = QUICK.model_copy(update={"max_attempts": 1})
        cameras = Cameras(open_source(f"gate={server.address('gate')}", live=config))  # type: ignore[arg-type]
        cameras.until(lambda: cameras.sources[0].has_ended, "the end")
        cameras.close()
    assert "404" in cameras.sources[0].counts.reason


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed: apt-get install faketime")
def test_how_far_cameras_clocks_are_apart_is_told_by_rtcp() -> None:
    right, ahead = latency_s(clock_offset_s=0.0), latency_s(clock_offset_s=0.5)
    assert right - ahead == pytest.approx(0.5, abs=0.05)


def latency_s(clock_offset_s: float) -> float:
    """By how much frames come after the wall clock of a camera that is so far ahead."""
    with RtspServer(MOUNTS, clock_offset_s=clock_offset_s) as server:
        cameras = Cameras(open_source(f"door={server.address('door')}", live=QUICK))  # type: ignore[arg-type]
        cameras.until(lambda: len(cameras.frames["door"]) > 75, "sender reports")
        told = cameras.sources[0].counts.latency_s
        lag_s = time.time() - cameras.frames["door"][-1].timestamp_s
        cameras.close()
    assert told is not None
    assert abs(lag_s) < 0.35  # a clock that is ahead is not believed: times stay near those of this machine
    return told
