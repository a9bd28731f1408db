"""Live cameras into ticks, with cameras that give what the test tells them to."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.fakes import FakeLiveSource
from keyreid_stream.sources import LiveMerge
from keyreid_stream.structures import Frame

PATIENCE_S = 10.0
"""How long a test waits before it calls something lost; nothing here takes that long."""


def after(seconds: float, act: object, *given: object) -> None:
    timer = threading.Timer(seconds, act, given)  # type: ignore[arg-type]
    timer.daemon = True
    timer.start()


def names(frames: list[Frame]) -> list[str]:
    return [frame.camera_id for frame in frames]


def begun(merge: LiveMerge) -> Generator[list[Frame]]:
    """The ticks, after a first heartbeat: the cameras are open."""
    ticks = merge.ticks()
    assert next(ticks) == []
    return ticks


def test_frames_that_are_there_come_together_in_the_cameras_order() -> None:
    a, b = FakeLiveSource("a"), FakeLiveSource("b")
    ticks = begun(LiveMerge([a, b], heartbeat_s=0.01))
    b.show(0, 100.0)
    a.show(0, 100.01)
    assert names(next(ticks)) == ["a", "b"]


def test_only_the_newest_frame_is_given_and_each_once() -> None:
    a = FakeLiveSource("a")
    ticks = begun(LiveMerge([a], heartbeat_s=0.01))
    for index in range(5):
        a.show(index, 100 + index / 10)
    assert [frame.frame_index for frame in next(ticks)] == [4]
    assert a.counts.dropped == 4
    assert next(ticks) == []


def test_a_camera_that_was_streaming_is_waited_for_and_one_that_was_not_is_not() -> None:
    a, b, silent = FakeLiveSource("a", fps=1), FakeLiveSource("b", fps=1), FakeLiveSource("silent", fps=1)
    ticks = begun(LiveMerge([a, b, silent], wait_s=PATIENCE_S, heartbeat_s=0.01))
    a.show(0, 100.0)
    b.show(0, 100.0)
    next(ticks)
    a.show(1, 101.0)
    after(0.05, b.show, 1, 101.0)
    started = time.monotonic()
    assert names(next(ticks)) == ["a", "b"]
    assert time.monotonic() - started < PATIENCE_S / 2  # not for the silent one


def test_the_wait_for_a_camera_is_bounded() -> None:
    a, b = FakeLiveSource("a", fps=1), FakeLiveSource("b", fps=1)
    ticks = begun(LiveMerge([a, b], wait_s=0.05, heartbeat_s=0.01))
    a.show(0, 100.0)
    b.show(0, 100.0)
    next(ticks)
    a.show(1, 101.0)
    assert names(next(ticks)) == ["a"]


def test_by_default_the_wait_is_half_the_shortest_frame_interval() -> None:
    slow, fast = FakeLiveSource("slow", fps=0.1), FakeLiveSource("fast", fps=20)
    ticks = begun(LiveMerge([slow, fast], heartbeat_s=0.01))
    slow.show(0, 100.0)
    fast.show(0, 100.0)
    next(ticks)
    fast.show(1, 100.05)
    started = time.monotonic()
    assert names(next(ticks)) == ["fast"]
    assert time.monotonic() - started < 2


def test_a_frame_from_before_the_last_tick_is_given_and_counted() -> None:
    a, b = FakeLiveSource("a"), FakeLiveSource("b")
    merge = LiveMerge([a, b], wait_s=0.01, heartbeat_s=0.01)
    ticks = begun(merge)
    a.show(0, 100.0)
    next(ticks)
    b.show(0, 98.0)
    assert names(next(ticks)) == ["b"]
    a.show(1, 99.9)  # its own time went back: before the tick of 100.0
    next(ticks)
    a.show(2, 100.1)
    next(ticks)
    assert merge.late == {"a": 1, "b": 1}


def test_ticks_end_when_every_camera_has_and_close_them_all() -> None:
    a, b = FakeLiveSource("a"), FakeLiveSource("b")
    ticks = begun(LiveMerge([a, b], heartbeat_s=0.01))
    a.end()
    assert next(ticks) == []
    b.show(0, 100.0)
    b.end()
    assert names(next(ticks)) == ["b"]  # the last frame is not lost
    assert next(ticks, None) is None
    assert not a.is_open
    assert not b.is_open


def test_a_stop_from_another_thread_ends_a_wait() -> None:
    a = FakeLiveSource("a")
    merge = LiveMerge([a], heartbeat_s=PATIENCE_S)
    after(0.05, merge.stop)
    started = time.monotonic()
    assert list(merge.ticks()) == []
    assert time.monotonic() - started < PATIENCE_S / 2
    assert not a.is_open


def test_cameras_come_and_go_between_ticks() -> None:
    a, b = FakeLiveSource("a"), FakeLiveSource("b")
    merge = LiveMerge([a], wait_s=0.01, heartbeat_s=0.01)
    ticks = begun(merge)
    merge.between_ticks(lambda: merge.add(b))
    assert next(ticks) == []
    assert b.is_open
    b.show(0, 100.0)
    assert names(next(ticks)) == ["b"]
    b.show(1, 100.1)
    merge.between_ticks(lambda: merge.remove("b"))
    assert next(ticks) == []  # its frame went with it
    assert not b.is_open
    assert [source.camera_id for source in merge.cameras] == ["a"]


def test_nobody_left_is_no_end_since_a_camera_may_still_come() -> None:
    a = FakeLiveSource("a")
    merge = LiveMerge([a], heartbeat_s=0.01)
    ticks = begun(merge)
    merge.between_ticks(lambda: merge.remove("a"))
    assert [next(ticks), next(ticks)] == [[], []]


def test_a_paused_camera_is_not_looked_at_until_it_is_resumed() -> None:
    a = FakeLiveSource("a")
    merge = LiveMerge([a], heartbeat_s=0.01)
    ticks = begun(merge)
    merge.between_ticks(lambda: merge.pause("a"))
    a.show(0, 100.0)
    assert next(ticks) == []
    assert merge.paused == {"a"}
    merge.between_ticks(lambda: merge.resume("a"))
    assert names(next(ticks)) == ["a"]


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="same name"):
        LiveMerge([FakeLiveSource("a"), FakeLiveSource("a")])
    merge = LiveMerge([FakeLiveSource("a")])
    with pytest.raises(ConfigError, match="camera 'a' already"):
        merge.add(FakeLiveSource("a"))


def test_an_exception_in_between_closes_all_cameras() -> None:
    a = FakeLiveSource("a")
    merge = LiveMerge([a], heartbeat_s=0.01)
    ticks = begun(merge)

    def fail() -> None:
        raise RuntimeError("broken")

    merge.between_ticks(fail)
    with pytest.raises(RuntimeError, match="broken"):
        next(ticks)
    assert not a.is_open


def test_many_threads_and_cameras_lose_no_frame_that_is_the_last() -> None:
    cameras = [FakeLiveSource(f"camera {number}", fps=50) for number in range(8)]
    merge = LiveMerge(cameras, heartbeat_s=0.05)
    ticks = begun(merge)

    def stream(camera: FakeLiveSource, seed: int) -> None:
        for index in range(40):
            camera.show(index, 100 + index / 50)
            time.sleep(0.0005 * (1 + seed % 3))
        camera.end()

    threads = [threading.Thread(target=stream, args=(camera, seed)) for seed, camera in enumerate(cameras)]
    for thread in threads:
        thread.start()
    last: dict[str, int] = {}
    for frames in ticks:
        assert len(set(names(frames))) == len(frames)
        for frame in frames:
            assert frame.frame_index > last.get(frame.camera_id, -1)
            last[frame.camera_id] = frame.frame_index
    assert last == {camera.camera_id: 39 for camera in cameras}
