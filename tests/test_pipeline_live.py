"""The pipeline over live cameras that give what the test tells them to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.errors import ConfigError
from keyreid_stream.fakes import (
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeLiveSource,
    FakeSource,
    FakeTracker,
    Walker,
)
from keyreid_stream.interfaces import Source
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.pipeline_camera import SILENT_AFTER_S
from keyreid_stream.structures import Event, Tick, TrackKey

RED = Walker(colour=(200, 0, 0), start=(10, 20))
BLUE = Walker(colour=(0, 0, 200), start=(100, 60))


def pipeline(*sources: Source) -> Pipeline:
    return Pipeline(
        Stages(
            sources=sources,
            detector=FakeDetector(),
            encoder=FakeFrameEncoder(),
            clip_head=FakeClipHead(),
            make_tracker=lambda _: FakeTracker(),
            associator=OnlineAssociator(AssociationConfig(threshold=0.9)),
        ),
        merge_window_s=0.01,
    )


class Stage:
    """A live camera and its pipeline, a frame a tick."""

    def __init__(self, *cameras: FakeLiveSource) -> None:
        self.pipeline = pipeline(*cameras)
        self.ticks: Iterator[Tick] = iter(self.pipeline)
        self.idle = next(self.ticks)
        self.now_s = time.time()
        self.frames = 0

    def show(self, *cameras: FakeLiveSource, epoch: int = 0, after_s: float = 0.1) -> Tick:
        self.now_s += after_s
        for camera in cameras:
            camera.show(self.frames, self.now_s, epoch=epoch)
        self.frames += 1
        return next(self.ticks)

    def see(self, *cameras: FakeLiveSource, ticks: int = 12, epoch: int = 0) -> list[Tick]:
        return [self.show(*cameras, epoch=epoch) for _ in range(ticks)]


def left(ticks: list[Tick]) -> list[TrackKey]:
    return [TrackKey(one.camera_id or "", one.track_id or 0) for one in events(ticks) if one.kind == "left"]


def events(ticks: list[Tick]) -> list[Event]:
    return [event for tick in ticks for event in tick.events]


def test_a_tick_without_frames_comes_while_nobody_gives_any() -> None:
    stage = Stage(FakeLiveSource("a", [RED]))
    assert stage.idle.cameras == ()
    assert abs(stage.idle.timestamp_s - time.time()) < 5
    assert next(stage.ticks).index == 1


def test_people_of_live_cameras_are_tracked_and_get_identities() -> None:
    a, b = FakeLiveSource("a", [RED, BLUE]), FakeLiveSource("b", [BLUE, RED])
    stage = Stage(a, b)
    stage.see(a, b)
    last = stage.show(a, b)
    assert [set(camera.identity_ids.tolist()) for camera in last.cameras] == [{1, 2}, {1, 2}]


def test_after_an_interruption_tracks_are_new_and_people_are_known_again() -> None:
    a = FakeLiveSource("a", [RED])
    stage = Stage(a)
    before = stage.see(a)
    after = stage.see(a, epoch=1)
    assert before[-1].cameras[0].tracks.track_ids.tolist() == [1]
    assert after[-1].cameras[0].tracks.track_ids.tolist() == [2]
    assert left(after) == [TrackKey("a", 1)]
    assert after[-1].cameras[0].identity_ids.tolist() == [1]


def test_tracks_of_a_camera_that_went_silent_end_while_others_go_on() -> None:
    a, b = FakeLiveSource("a", [RED]), FakeLiveSource("b", [BLUE])
    stage = Stage(a, b)
    stage.see(a, b)
    assert left([stage.show(b, after_s=SILENT_AFTER_S / 2)]) == []
    gone = [stage.show(b, after_s=SILENT_AFTER_S), stage.show(b)]
    assert left(gone) == [TrackKey("a", 1)]
    back = stage.see(a, b)  # the same connection: it had only been slow
    assert back[-1].cameras[0].tracks.track_ids.tolist() == [2]


def test_ticks_never_go_back_in_time() -> None:
    a, b = FakeLiveSource("a", [RED]), FakeLiveSource("b", [BLUE])
    stage = Stage(a, b)
    stage.show(a)
    a.show(1, stage.now_s + 10)
    ahead = next(stage.ticks)
    behind = stage.show(b)
    assert ahead.timestamp_s == pytest.approx(stage.now_s + 9.9)
    assert behind.timestamp_s == ahead.timestamp_s
    assert behind.cameras[0].frame.timestamp_s == stage.now_s
    assert stage.pipeline.live is not None
    assert stage.pipeline.live.late == {"b": 1}


def test_a_camera_joins_and_leaves_a_run() -> None:
    a, late = FakeLiveSource("a", [RED]), FakeLiveSource("late", [RED], fps=7)
    stage = Stage(a)
    live = stage.pipeline.live
    assert live is not None
    stage.see(a)
    live.between_ticks(lambda: stage.pipeline.join(late))
    assert stage.show(a).joined == {"late": 7}
    seen = stage.see(a, late)
    assert [camera.identity_ids.tolist() for camera in seen[-1].cameras] == [[1], [1]]
    live.between_ticks(lambda: stage.pipeline.leave("late"))
    assert left([stage.show(a)]) == [TrackKey("late", 1)]
    assert not late.is_open
    assert [source.camera_id for source in stage.pipeline.sources] == ["a", "late"]


def test_a_camera_that_comes_back_counts_on() -> None:
    a = FakeLiveSource("a", [RED])
    stage = Stage(a)
    live = stage.pipeline.live
    assert live is not None
    stage.see(a, ticks=12)
    live.between_ticks(lambda: stage.pipeline.leave("a"))
    next(stage.ticks)
    again = FakeLiveSource("a", [RED])
    live.between_ticks(lambda: stage.pipeline.join(again))
    next(stage.ticks)
    stage.frames = 0
    back = stage.see(again)
    assert [tick.cameras[0].frame.frame_index for tick in back] == list(range(12, 24))
    assert back[-1].cameras[0].tracks.track_ids.tolist() == [2]
    assert back[-1].cameras[0].identity_ids.tolist() == [1]


def test_a_run_ends_with_its_cameras() -> None:
    a = FakeLiveSource("a", [RED])
    stage = Stage(a)
    stage.see(a)
    a.end()
    assert list(stage.ticks) == []
    assert not a.is_open


def test_files_and_live_cameras_do_not_share_a_run() -> None:
    with pytest.raises(ConfigError, match="'a' is live, 'file' is not"):
        pipeline(FakeSource("file", []), FakeLiveSource("a"))


def test_a_run_of_files_takes_no_more_cameras() -> None:
    of_files = pipeline(FakeSource("file", []))
    with pytest.raises(ConfigError, match="run of files"):
        of_files.join(FakeLiveSource("a"))
    with pytest.raises(ConfigError, match="no live camera 'file'"):
        of_files.leave("file")


def test_a_name_twice_does_not_end_the_run() -> None:
    a = FakeLiveSource("a", [RED])
    stage = Stage(a)
    with pytest.raises(ConfigError, match="'a' already"):
        stage.pipeline.join(FakeLiveSource("a"))
    assert stage.show(a).joined == {}
