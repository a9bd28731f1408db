"""Live cameras over real connections on loopback: what happens to users' cameras happens here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from keyreid_stream.sources import open_source
from keyreid_stream.sources.addresses import LiveAddress
from keyreid_stream.sources.config import LiveConfig
from keyreid_stream.sources.stream import StreamSource
from keyreid_stream.structures import Frame, LiveCounts
from tests.sources.live.ts_server import TsServer, transport_stream

PATIENCE_S = 30.0
"""How long something may take before it counts as not happening; usually it takes a second."""

QUICK = LiveConfig(first_retry_s=0.05, longest_retry_s=0.1, stall_s=2.0)


@contextmanager
def watched(address: str, config: LiveConfig = QUICK, **given: Any) -> Iterator[Watch]:
    watch = Watch(StreamSource(LiveAddress.parse(address), camera_id="door", config=config, **given))
    try:
        yield watch
    finally:
        watch.source.close()


class Watch:
    """Takes a camera's frames as they come."""

    def __init__(self, source: StreamSource) -> None:
        self.source = source
        self.frames: list[Frame] = []
        source.open(lambda: None)

    def until(self, done: Callable[[Watch], bool], what: str) -> None:
        """Take frames until something holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not done(self):
            if (frame := self.source.newest()) is not None:
                self.frames.append(frame)
            assert time.monotonic() < deadline, f"{what} did not happen: {self.source.counts}"
            time.sleep(0.002)

    def until_frames(self, count: int, epoch: int = 0) -> None:
        self.until(
            lambda it: sum(frame.epoch >= epoch for frame in it.frames) >= count, f"{count} frames of epoch {epoch}"
        )

    def until_state(self, state: str, reason: str = "") -> LiveCounts:
        self.until(
            lambda it: it.source.counts.state == state and reason in it.source.counts.reason, f"{state}: {reason}"
        )
        return self.source.counts

    @property
    def decoder(self) -> psutil.Process:
        """The process that decodes."""
        (found,) = (
            child for child in psutil.Process().children() if "keyreid_stream.decoder" in " ".join(child.cmdline())
        )
        return found


def brightness(frame: Frame) -> int:
    return int(frame.image[24, 32, 1])


@pytest.mark.parametrize("http", [False, True])
def test_frames_come_with_increasing_unix_times_at_the_streams_pace(http: bool) -> None:
    with TsServer(transport_stream(60), http=http) as server, watched(server.address) as watch:
        watch.until_frames(30)
        counts = watch.source.counts
    times = [frame.timestamp_s for frame in watch.frames]
    assert times == sorted(set(times))
    assert abs(times[-1] - time.time()) < 5
    last = [frame for frame in watch.frames if frame.frame_index >= watch.frames[-1].frame_index - 10]
    passed_s = last[-1].timestamp_s - last[0].timestamp_s
    assert passed_s == pytest.approx((last[-1].frame_index - last[0].frame_index) / 20, abs=0.03)
    steps = [brightness(frame) - brightness(last[0]) for frame in last]
    assert steps == pytest.approx([frame.frame_index - last[0].frame_index for frame in last], abs=4)
    assert watch.frames[0].image.shape == (48, 64, 3)
    assert (counts.state, counts.epoch, counts.decode_errors) == ("streaming", 0, 0)
    assert counts.last_arrival_s is not None
    assert counts.latency_s is None  # MPEG-TS tells no wall clock


def test_what_is_not_taken_is_dropped_and_counted() -> None:
    with TsServer(transport_stream(40)) as server, watched(server.address) as watch:
        watch.until_frames(1)
        time.sleep(1.0)
        frame = watch.source.newest()
        assert frame is not None
        assert frame.frame_index >= 10
        counts = watch.source.counts
        assert counts.dropped >= frame.frame_index - 5
        assert watch.source.newest() is None or watch.source.counts.frames_in > counts.frames_in


def test_a_server_that_hangs_up_and_comes_back_is_a_new_epoch_of_the_same_camera() -> None:
    with TsServer(transport_stream(400)) as server, watched(server.address) as watch:
        watch.until_frames(5)
        server.close()
        watch.until_state("waiting", "connection refused")
        server.open_again()
        began = time.monotonic()
        watch.until_frames(5, epoch=1)
        assert time.monotonic() - began < 5
        counts = watch.source.counts
    assert {frame.camera_id for frame in watch.frames} == {"door"}
    assert (counts.epoch, counts.reconnects) == (1, 1)
    indices = [frame.frame_index for frame in watch.frames]
    assert indices == sorted(set(indices))
    times = [frame.timestamp_s for frame in watch.frames]
    assert times == sorted(set(times))


def test_a_server_that_stops_answering_is_left_and_reached_anew() -> None:
    with TsServer(transport_stream(400)) as server, watched(server.address) as watch:
        watch.until_frames(5)
        server.frozen.set()
        watch.until_state("waiting", "nothing came")
        server.frozen.clear()
        watch.until_frames(5, epoch=1)


def test_a_killed_decoder_is_replaced() -> None:
    with TsServer(transport_stream(400)) as server, watched(server.address) as watch:
        watch.until_frames(5)
        first = watch.decoder.pid
        os.kill(first, signal.SIGKILL)
        watch.until_frames(5, epoch=1)
        assert watch.decoder.pid != first
        assert watch.source.counts.reason == "the decoder's process ended"


def test_a_decoder_that_hangs_is_killed_and_replaced() -> None:
    with TsServer(transport_stream(400)) as server, watched(server.address) as watch:
        watch.until_frames(5)
        first = watch.decoder.pid
        os.kill(first, signal.SIGSTOP)
        watch.until_frames(5, epoch=1)
        assert not psutil.pid_exists(first)
        assert "nothing came for 2 s" in watch.source.counts.reason


def test_a_picture_of_another_size_comes_as_it_is() -> None:
    small, large = transport_stream(30), transport_stream(60, width=160, height=120, first_s=1.5)
    with TsServer([*small, *large]) as server, watched(server.address) as watch:
        watch.until(lambda it: bool(it.frames) and it.frames[-1].image.shape == (120, 160, 3), "the larger picture")
    assert watch.frames[0].image.shape == (48, 64, 3)


def test_time_that_jumps_back_is_repaired() -> None:
    with TsServer(transport_stream(30), repeat=True) as server, watched(server.address) as watch:
        watch.until(lambda it: bool(it.frames) and it.frames[-1].frame_index > 40, "the second round")
        assert watch.source.counts.repaired_timestamps >= 1
    times = [frame.timestamp_s for frame in watch.frames]
    assert times == sorted(set(times))
    assert abs(times[-1] - time.time()) < 5


def test_damage_is_left_out_and_counted() -> None:
    pieces = transport_stream(400)
    for number in range(20, 40, 3):
        piece = bytearray(pieces[number])
        piece[40:160] = os.urandom(120)
        pieces[number] = bytes(piece)
    with TsServer(pieces) as server, watched(server.address) as watch:
        watch.until(lambda it: bool(it.frames) and it.frames[-1].frame_index > 50, "frames after the damage")
        assert watch.source.counts.epoch == 0


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([os.urandom(5000)] * 40, ""),
        ([b""], ""),
        ([b"<html>no video here</html>" * 200], ""),
    ],
    ids=["noise", "nothing", "a page"],
)
def test_what_is_no_video_is_given_up_after_the_attempts_allowed(pieces: list[bytes], reason: str) -> None:
    config = QUICK.model_copy(update={"max_attempts": 2})
    with TsServer(pieces) as server, watched(server.address, config) as watch:
        counts = watch.until_state("ended", reason)
        assert counts.reason
        assert watch.source.has_ended
        assert watch.frames == []


def test_nobody_there_is_tried_again_and_named(caplog: pytest.LogCaptureFixture) -> None:
    with TsServer([b""]) as gone:
        address = gone.address
    config = QUICK.model_copy(update={"max_attempts": 4})
    with watched(address, config) as watch:
        counts = watch.until_state("ended")
    assert counts.reason == "connection refused"
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "camera door: connection refused; trying again until it answers",
        "camera door: given up after 4 attempts (connection refused)",
    ]


def test_a_webcam_that_is_not_there_is_named() -> None:
    config = QUICK.model_copy(update={"max_attempts": 1})
    with watched("webcam://97", config) as watch:
        assert "no such file" in watch.until_state("ended").reason


def test_frames_are_thinned_before_they_are_copied() -> None:
    with TsServer(transport_stream(100)) as server, watched(server.address, max_fps=5) as watch:
        watch.until_frames(6)
        assert watch.source.fps == 5
        passed_s = watch.frames[-1].timestamp_s - watch.frames[1].timestamp_s
        assert passed_s == pytest.approx(4 / 5, abs=0.15)
        assert watch.source.counts.dropped <= 2


def test_a_camera_that_is_asked_for_little_is_not_taken_for_a_dead_one() -> None:
    with TsServer(transport_stream(200)) as server, watched(server.address, max_fps=0.2) as watch:
        began = time.monotonic()
        watch.until(lambda _: time.monotonic() - began > 2 * QUICK.stall_s, "time")
        counts = watch.source.counts
    assert (counts.state, counts.epoch, counts.reconnects, counts.reason) == ("streaming", 0, 0, "")
    assert len(watch.frames) <= 2


def test_key_frames_only() -> None:
    config = QUICK.model_copy(update={"keyframes_only": True})
    with TsServer(transport_stream(200)) as server, watched(server.address, config) as watch:
        watch.until_frames(4)
    steps = {round(brightness(b) - brightness(a)) for a, b in zip(watch.frames[1:], watch.frames[2:], strict=False)}
    assert all(step % 5 in (0, 1, 4) for step in steps)
    assert min(steps) >= 4


def test_an_offset_is_added() -> None:
    config = QUICK.model_copy(update={"offset_s": -100.0})
    with TsServer(transport_stream(60)) as server, watched(server.address, config) as watch:
        watch.until_frames(3)
    assert watch.frames[-1].timestamp_s == pytest.approx(time.time() - 100, abs=5)


def test_closing_ends_the_process_and_the_iterator_closes() -> None:
    with TsServer(transport_stream(400)) as server:
        source = open_source(f"door={server.address}", live=QUICK)
        frames = source.frames()
        assert next(frames).camera_id == "door"
        assert len(decoders()) == 1
        began = time.monotonic()
        frames.close()  # type: ignore[attr-defined]
        assert time.monotonic() - began < 2
        assert decoders() == []


def test_a_source_that_was_not_opened_can_be_closed_and_twice() -> None:
    source = StreamSource(LiveAddress.parse("tcp://127.0.0.1:9"))
    source.close()
    source.close()
    assert source.newest() is None


def test_a_decoder_ends_with_its_parent(tmp_path: Path) -> None:
    with TsServer(transport_stream(400)) as server:
        script = tmp_path / "parent.py"
        script.write_text(
            "import sys, time\n"
            "from keyreid_stream.sources import open_source\n"
            "source = open_source(sys.argv[1])\n"
            "source.open(lambda: None)\n"
            "while source.newest() is None:\n"
            "    time.sleep(0.01)\n"
            "print('frame', flush=True)\n"
            "time.sleep(60)\n"
        )
        parent = subprocess.Popen([sys.executable, str(script), server.address], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        assert parent.stdout.readline() == "frame\n"
        (decoder,) = psutil.Process(parent.pid).children()
        parent.kill()
        parent.wait()
        psutil.wait_procs([decoder], timeout=10)
        assert not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE


def test_a_played_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "door.ts"
    path.write_bytes(b"".join(transport_stream(20)))
    address = LiveAddress("file", "door.ts", "door", str(path))
    source = StreamSource(address, config=QUICK, paced=True)
    began = time.monotonic()
    frames = list(source.frames())
    assert time.monotonic() - began > 0.8
    assert frames[-1].frame_index == 19
    assert source.counts.state == "ended"


@pytest.mark.parametrize(
    ("codec", "suffix", "width", "height"),
    [("ffv1", ".mkv", 1, 1), ("mjpeg", ".avi", 8192, 4320)],
)
def test_the_smallest_and_the_largest_pictures_come_whole(
    tmp_path: Path, codec: str, suffix: str, width: int, height: int
) -> None:
    path = video(tmp_path / f"x{suffix}", codec, width, height, frames=2)
    source = StreamSource(LiveAddress("file", path.name, "x", str(path)), config=QUICK, paced=True)
    frames = list(source.frames())
    assert frames
    assert all(frame.image.shape == (height, width, 3) for frame in frames)
    assert abs(int(frames[0].image[height // 2, width // 2, 0]) - 100) < 20
    assert source.counts.decode_errors == 0


def test_pictures_too_large_to_be_true_are_left_out(tmp_path: Path) -> None:
    path = video(tmp_path / "x.mkv", "ffv1", 9000, 16, frames=3)
    source = StreamSource(LiveAddress("file", path.name, "x", str(path)), config=QUICK, paced=True)
    assert list(source.frames()) == []
    assert source.counts.state == "ended"


def test_a_truncated_video_gives_what_is_left_of_it(tmp_path: Path) -> None:
    whole = b"".join(transport_stream(40))
    path = tmp_path / "cut.ts"
    path.write_bytes(whole[: len(whole) // 2 - 57])
    source = StreamSource(LiveAddress("file", "cut.ts", "cut", str(path)), config=QUICK, paced=True)
    frames = list(source.frames())
    assert 5 < len(frames) < 35
    assert source.counts.state == "ended"


def video(path: Path, codec: str, width: int, height: int, *, frames: int) -> Path:
    """A grey video."""
    formats = {"ffv1": "bgr0", "mjpeg": "yuvj444p"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, formats[codec]
        image = np.full((height, width, 3), 100, np.uint8)
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def decoders() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "keyreid_stream.decoder" in " ".join(child.cmdline())]
