from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Source
from keyreid_stream.sources import merge
from keyreid_stream.structures import Frame
from keyreid_stream.world.film import Film
from keyreid_stream.world.source import REMEMBERED_FRAMES, LiveClock, WorldSource
from tests.world.small_worlds import yard


class Watch:
    """A clock that only moves when someone sleeps or works."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def live(watch: Watch) -> LiveClock:
    return LiveClock(watch.now, watch.sleep)


def test_it_is_a_source() -> None:
    source: Source = WorldSource(yard(), 1)
    assert (source.camera_id, source.fps) == ("west", 5)


def test_every_frame_comes_in_order() -> None:
    frames = list(WorldSource(yard(), 1).frames())
    assert [frame.frame_index for frame in frames] == list(range(10))
    assert [frame.timestamp_s for frame in frames] == pytest.approx([2.5 + index / 5 for index in range(10)])


def test_the_same_seed_gives_the_same_pictures() -> None:
    first, second, other = (
        [frame.image.tobytes() for frame in WorldSource(yard(seed=seed), 0).frames()] for seed in (5, 5, 6)
    )
    assert first == second
    assert first != other


def test_cameras_of_one_world_are_merged_by_their_clocks() -> None:
    world = yard()
    ticks = list(merge([WorldSource(world, 0), WorldSource(world, 1)]))
    assert sum(map(len, ticks)) == 30
    assert [frame.camera_id for frame in ticks[0]] == ["east"]  # the other clock is 2.5 s ahead


def test_live_frames_come_when_they_are_due(watch: Watch) -> None:
    source = WorldSource(yard(), 1, live=live(watch))
    for frame in source.frames():
        assert watch.time - 100 == pytest.approx(frame.timestamp_s - 2.5)
    assert source.skipped_frames == 0
    assert watch.slept == pytest.approx([0.2] * 9)


def test_live_frames_that_are_late_are_skipped(watch: Watch) -> None:
    source = WorldSource(yard(), 1, live=live(watch))
    shown = []
    for frame in source.frames():
        shown.append(frame.frame_index)
        if frame.frame_index == 2:
            watch.time += 0.75  # it is 1.15 s now: frames 3 and 4, of 0.6 and 0.8 s, are late by more than 0.2 s
    assert shown == [0, 1, 2, 5, 6, 7, 8, 9]
    assert source.skipped_frames == 2


def test_live_cameras_share_a_clock(watch: Watch) -> None:
    world, clock = yard(), live(watch)
    first, second = (WorldSource(world, place, live=clock).frames() for place in range(2))
    next(first)
    watch.time += 1.0
    # The second camera joins a world that has gone on for a second.
    assert next(second).timestamp_s - 2.5 == pytest.approx(0.8)


def test_a_late_frame_is_not_rendered(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []

    def frame(self: Film, index: int) -> Frame:
        rendered.append(index)
        watch.time += 0.5  # slower than the camera
        return original(self, index)

    original = Film.frame
    monkeypatch.setattr(Film, "frame", frame)
    source = WorldSource(yard(), 1, live=live(watch))
    shown = [frame.frame_index for frame in source.frames()]
    assert rendered == shown
    assert len(shown) + source.skipped_frames == 10
    assert len(shown) < 6


def test_the_truth_of_a_frame_is_the_films() -> None:
    world = yard(seconds=1.0)
    source = WorldSource(world, 1, keep_truth=True)
    film = Film(world, 1)
    for frame in source.frames():
        shot = film.shot(frame.frame_index)
        truth = source.truth_of(frame)
        np.testing.assert_array_equal(frame.image, shot.frame.image)
        np.testing.assert_array_equal(truth.person_ids, shot.truth.person_ids)
        np.testing.assert_array_equal(truth.visible_boxes_xyxy, shot.truth.visible_boxes_xyxy)
        np.testing.assert_array_equal(truth.keypoints, shot.truth.keypoints)
        assert source.truth_at(frame.frame_index) is truth


def test_keeping_the_truth_changes_no_picture() -> None:
    with_truth, without = (
        [frame.image.tobytes() for frame in WorldSource(yard(seconds=0.5), 0, keep_truth=keep_truth).frames()]
        for keep_truth in (True, False)
    )
    assert with_truth == without


def test_the_truth_of_the_last_frames_is_remembered_and_no_more() -> None:
    seconds = (REMEMBERED_FRAMES + 4) / 5
    source = WorldSource(yard(seconds=seconds), 1, keep_truth=True)
    frames = list(source.frames())
    assert len(frames) == REMEMBERED_FRAMES + 4
    for frame in frames[4:]:
        assert source.truth_of(frame).time_s == pytest.approx(frame.frame_index / 5)
    with pytest.raises(
        InputError, match=f"'west' does not know the truth of frame 3; .*last {REMEMBERED_FRAMES} frames"
    ):
        source.truth_of(frames[3])


def test_a_frame_that_did_not_come_yet_has_no_truth() -> None:
    source = WorldSource(yard(seconds=0.5), 0, keep_truth=True)
    coming = source.frames()
    next(coming)
    with pytest.raises(InputError, match="frame 1"):
        source.truth_at(1)
    next(coming)
    assert source.truth_at(1).time_s == pytest.approx(0.1)
    next(source.frames())  # the film begins anew
    with pytest.raises(InputError, match="frame 1"):
        source.truth_at(1)


def test_the_truth_of_another_cameras_frame_is_refused() -> None:
    world = yard(seconds=0.5)
    east, west = (WorldSource(world, place, keep_truth=True) for place in range(2))
    next(east.frames())
    with pytest.raises(InputError, match="'east' was asked for the truth of a frame of camera 'west'"):
        east.truth_of(next(west.frames()))


def test_a_source_that_keeps_no_truth_says_so() -> None:
    source = WorldSource(yard(seconds=0.5), 0)
    assert not source.keeps_truth
    with pytest.raises(InputError, match="keeps no truth; open it with keep_truth=True"):
        source.truth_of(next(source.frames()))


def test_live_sources_know_the_truth_of_the_frames_they_show(watch: Watch) -> None:
    source = WorldSource(yard(), 1, live=live(watch), keep_truth=True)
    for frame in source.frames():
        assert source.truth_of(frame).time_s == pytest.approx(frame.timestamp_s - 2.5)
        watch.time += 0.5
    assert source.skipped_frames > 0
