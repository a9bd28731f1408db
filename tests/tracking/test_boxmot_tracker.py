from __future__ import annotations

import math
import socket

import numpy as np
import pytest
from boxmot.trackers.common.appearance.live import LiveReIDMixin

from keyreid_stream.errors import ConfigError
from keyreid_stream.structures import Detections, Frame, Tracks
from keyreid_stream.tracking import BoxmotTracker
from tests.tracking.scenes import (
    ALL_TRACKERS,
    APPEARANCE_TRACKERS,
    HEIGHT,
    WIDTH,
    Step,
    box,
    crowd,
    follow,
    one_hot,
    rows,
    step,
    tracker,
)

every_tracker = pytest.mark.parametrize("name", ALL_TRACKERS)
LONG_ENOUGH_TO_END_ANY_TRACK = 300


def iou(first: np.ndarray, second: np.ndarray) -> float:
    width, height = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = max(width, 0) * max(height, 0)
    areas = [np.prod(one[2:] - one[:2]) for one in (first, second)]
    return float(shared / (sum(areas) - shared))


@every_tracker
def test_ids_count_from_one_in_order_of_appearance(name: str) -> None:
    shown = follow(tracker(name), crowd(3, 60))
    seen: list[int] = []
    for tracks in shown:
        assert tracks.track_ids.tolist() == sorted(set(tracks.track_ids.tolist()))
        seen += [int(track_id) for track_id in tracks.track_ids if track_id not in seen]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 5


@every_tracker
def test_tracks_point_at_the_detections_behind_them(name: str) -> None:
    steps = crowd(4, 50)
    shown = follow(tracker(name), steps)
    pointed = 0
    for one, tracks in zip(steps, shown, strict=True):
        assert len(set(tracks.detection_indices.tolist())) == len(tracks)
        for position, row in zip(tracks.boxes_xyxy, tracks.detection_indices, strict=True):
            assert iou(position, one.detections.boxes_xyxy[row]) > 0.5
            pointed += 1
    assert pointed > 50


@every_tracker
def test_tracks_keep_to_one_person_in_an_easy_scene(name: str) -> None:
    looks = [one_hot(0), one_hot(1)]
    steps = [step(i, [box(100 + i), box(400 - i)], looks) for i in range(30)]
    shown = follow(tracker(name), steps)
    people = {
        (int(track_id), one.people[row])
        for one, tracks in zip(steps, shown, strict=True)
        for track_id, row in zip(tracks.track_ids, tracks.detection_indices, strict=True)
    }
    assert people == {(1, 0), (2, 1)}
    assert sum(len(tracks) == 2 for tracks in shown) >= 25


@every_tracker
def test_two_trackers_in_one_process_do_not_influence_each_other(name: str) -> None:
    first, second = crowd(5, 30, camera_id="a"), crowd(6, 30, camera_id="b", people=6)
    alone = [rows(tracks) for tracks in follow(tracker(name, camera_id="a"), first)]
    alone_too = [rows(tracks) for tracks in follow(tracker(name, camera_id="b"), second)]
    one, other = tracker(name, camera_id="a"), tracker(name, camera_id="b")
    together = [(rows(follow(one, [a])[0]), rows(follow(other, [b])[0])) for a, b in zip(first, second, strict=True)]
    assert [mine for mine, _ in together] == alone
    assert [mine for _, mine in together] == alone_too


@every_tracker
def test_the_same_input_gives_the_same_output(name: str) -> None:
    steps = crowd(7, 30)
    first, second = ([rows(tracks) for tracks in follow(tracker(name), steps)] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
def test_compensating_camera_motion_is_deterministic_and_sees_bgr(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texture = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH + 40, 3), np.uint8)
    steps = [
        step(i, [box(200 - 2 * i), box(400 - 2 * i)], [one_hot(0), one_hot(1)], image=texture[:, 2 * i : 2 * i + WIDTH])
        for i in range(6)
    ]
    compensating = tracker(name, camera_motion_compensation=True)
    pictures = record_pictures(compensating, monkeypatch)
    first = [rows(tracks) for tracks in follow(compensating, steps)]
    assert first == [rows(tracks) for tracks in follow(tracker(name, camera_motion_compensation=True), steps)]
    for one, picture in zip(steps, pictures, strict=True):
        np.testing.assert_array_equal(picture, one.frame.image[:, :, ::-1])


@every_tracker
def test_no_pixels_are_handed_over_where_none_are_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    steps = [step(i, [box(100)], [one_hot(0)], image=white) for i in range(5)]
    tracking = tracker(name)
    pictures = record_pictures(tracking, monkeypatch)
    follow(tracking, steps)
    assert len(pictures) == 5
    assert all(picture is None or (picture.shape == white.shape and not picture.any()) for picture in pictures)


def record_pictures(tracking: BoxmotTracker, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray | None]:
    pictures: list[np.ndarray | None] = []
    update = tracking._tracker.update

    def recording(detections: object, frame: np.ndarray | None, **timing: float) -> object:
        pictures.append(frame)
        return update(detections, frame, **timing)

    monkeypatch.setattr(tracking._tracker, "update", recording)
    return pictures


@every_tracker
def test_nothing_is_loaded_or_downloaded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the tracker wants a model or the network")

    monkeypatch.setattr(LiveReIDMixin, "_get_live_reid_model", forbidden)
    monkeypatch.setattr(socket, "socket", forbidden)
    assert any(len(tracks) for tracks in follow(tracker(name), crowd(8, 20)))


@every_tracker
def test_frames_without_people_are_frames_too(name: str) -> None:
    nobody = [step(i, [], []) for i in range(3)]
    people = [step(3 + i, [box(100 + i)], [one_hot(0)]) for i in range(6)]
    gap = [step(9, [], [])]
    back = [step(10 + i, [box(107 + i)], [one_hot(0)]) for i in range(6)]
    shown = follow(tracker(name), [*nobody, *people, *gap, *back])
    assert [len(tracks) for tracks in shown[:3]] == [0, 0, 0]
    assert len(shown[9]) == 0
    assert shown[8].track_ids.tolist() == [1]


@every_tracker
def test_a_run_that_starts_empty_is_the_same_for_any_width_of_no_rows(name: str) -> None:
    empty = step(0, [], [], dim=1)
    later = [step(1 + i, [box(100 + i)], [one_hot(0)]) for i in range(5)]
    assert follow(tracker(name), [empty, *later])[-1].track_ids.tolist() == [1]


@every_tracker
def test_a_short_absence_does_not_end_a_track(name: str) -> None:
    patience = {"central_timeout": 10, "marginal_timeout": 10} if name == "sfsort" else {}
    before = [step(i, [box(100)], [one_hot(0)]) for i in range(8)]
    absent = [step(8 + i, [], []) for i in range(3)]
    after = [step(11 + i, [box(100)], [one_hot(0)]) for i in range(5)]
    shown = follow(tracker(name, options=patience), [*before, *absent, *after])
    assert [tracks.ended for tracks in shown] == [()] * len(shown)
    assert shown[7].track_ids.tolist() == shown[-1].track_ids.tolist() == [1]


@every_tracker
def test_every_track_ends_once_and_never_returns(name: str) -> None:
    steps = crowd(9, 80)
    steps += [step(80 + i, [], []) for i in range(LONG_ENOUGH_TO_END_ANY_TRACK)]
    ended: list[int] = []
    appeared: set[int] = set()
    for tracks in follow(tracker(name), steps):
        assert not set(tracks.track_ids.tolist()) & set(ended)
        appeared |= set(tracks.track_ids.tolist())
        assert set(tracks.ended) <= appeared
        ended += tracks.ended
    assert sorted(ended) == sorted(appeared)


def test_a_revived_track_was_not_ended() -> None:
    """OccluBoost may revive a dead track by its looks; until it no longer can, the track has not ended."""
    options = {"gta_enabled": True, "max_age": 5, "gta_max_gap": 20}
    before = [step(i, [box(100)], [one_hot(0)]) for i in range(10)]
    absent = [step(10 + i, [], []) for i in range(12)]
    after = [step(22 + i, [box(400)], [one_hot(0)]) for i in range(3)]
    shown = follow(tracker("occluboost", options=options), [*before, *absent, *after])
    assert shown[-1].track_ids.tolist() == [1]
    assert all(tracks.ended == () for tracks in shown)
    for_good = [step(25 + i, [], []) for i in range(40)]
    shown = follow(tracker("occluboost", options=options), [*before, *absent, *after, *for_good])
    assert sum((tracks.ended for tracks in shown), ()) == (1,)


@pytest.mark.parametrize("name", ALL_TRACKERS)
def test_a_new_track_never_takes_an_ended_tracks_id(name: str) -> None:
    first = [step(i, [box(100)], [one_hot(0)]) for i in range(8)]
    gap = [step(8 + i, [], []) for i in range(LONG_ENOUGH_TO_END_ANY_TRACK)]
    start = 8 + len(gap)
    second = [step(start + i, [box(100)], [one_hot(0)]) for i in range(8)]
    shown = follow(tracker(name), [*first, *gap, *second])
    assert shown[7].track_ids.tolist() == [1]
    assert shown[-1].track_ids.tolist() == [2]


@every_tracker
def test_strange_environments_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = crowd(10, 20)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    at_home = [rows(tracks) for tracks in follow(tracker(name), steps)]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert [rows(tracks) for tracks in follow(tracker(name), steps)] == at_home


def test_strongsort_confirms_at_once_when_told_so() -> None:
    shown = follow(tracker("strongsort", options={"n_init": 1}), [step(0, [box(100)], [one_hot(0)])])
    assert shown[0].track_ids.tolist() == [1]


BROKEN_BOXES = [
    [50, 50, 50, 200],  # no width
    [300, 200, 250, 300],  # inside out
    [math.nan, 0, 10, 10],
    [0, 0, math.inf, 10],
]


@every_tracker
def test_detections_that_no_tracker_can_use_are_passed_over(name: str) -> None:
    """The result is that of the same frames without them, and indices still count them."""
    clean = [step(i, [box(100 + i), box(400 - i)], [one_hot(0), one_hot(1)]) for i in range(8)]
    broken = [with_broken_rows(one) for one in clean]
    expected = follow(tracker(name), clean)
    for tracks, wanted in zip(follow(tracker(name), broken), expected, strict=True):
        np.testing.assert_array_equal(tracks.track_ids, wanted.track_ids)
        np.testing.assert_array_equal(tracks.boxes_xyxy, wanted.boxes_xyxy)
        np.testing.assert_array_equal(tracks.detection_indices, np.array([2, 6])[wanted.detection_indices])


def with_broken_rows(one: Step) -> Step:
    """Person 0 becomes row 2, person 1 row 6 of seven."""
    good = one.detections
    boxes = [*BROKEN_BOXES[:2], good.boxes_xyxy[0], *BROKEN_BOXES[2:], box(200), good.boxes_xyxy[1]]
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.9, math.nan, 0.9], np.float32)
    appearance = np.ones((7, one.appearance.shape[1]), np.float32)
    appearance[[2, 6]] = one.appearance
    return Step(one.frame, Detections(np.array(boxes, np.float32), confidence), appearance, one.people)


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_appearance_without_direction_harms_nobody(name: str, bad: float) -> None:
    """One person's broken row neither stops the tracker nor upsets the other person's track."""
    steps = []
    for i in range(20):
        looks = np.stack([one_hot(0), one_hot(1)])
        if i in (6, 7, 12):
            looks[0] = bad
        steps.append(step(i, [box(100 + i), box(400 - i)], looks))
    shown = follow(tracker(name), steps)
    assert shown[-1].track_ids.tolist() == [1, 2]
    assert all(np.isfinite(tracks.boxes_xyxy).all() for tracks in shown)
    assert all(tracks.ended == () for tracks in shown)


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
def test_the_length_of_appearance_does_not_matter(name: str) -> None:
    steps = crowd(11, 20)
    longer = [Step(s.frame, s.detections, s.appearance * np.float32(1024), s.people) for s in steps]
    assert [rows(t) for t in follow(tracker(name), steps)] == [rows(t) for t in follow(tracker(name), longer)]


def test_confidence_outside_its_range_is_clipped() -> None:
    steps = [step(i, [box(100)], [one_hot(0)], confidence=[1.5]) for i in range(4)]
    assert follow(tracker("botsort"), steps)[-1].confidence.tolist() == [1.0]


def test_measured_time_reaches_a_tracker_that_uses_it() -> None:
    """At a steady speed, one long interval must be predicted as such: the track follows over the gap."""
    options = {"variable_dt": True, "kf_reference_dt_s": 0.1}
    tracking = tracker("bytetrack", options=options)
    for i in range(20):
        tracking.update(*people_at(i / 10, 100 + 8 * i, i))
    assert tracking.update(*people_at(2.9, 100 + 8 * 29, 20)).track_ids.tolist() == [1]


def people_at(timestamp_s: float, x: float, index: int) -> tuple[Frame, Detections, np.ndarray]:
    one = step(index, [box(x)], [one_hot(0)])
    return Frame("cam", index, timestamp_s, one.frame.image), one.detections, one.appearance


def test_rows_must_fit_the_detections() -> None:
    one = step(0, [box(100)], [one_hot(0)])
    with pytest.raises(ValueError, match="1 detections need as many appearance rows, got 0"):
        tracker("botsort").update(one.frame, one.detections, one.appearance[:0])


def test_a_frame_of_another_camera_is_refused() -> None:
    one = step(0, [], [], camera_id="hall")
    with pytest.raises(ValueError, match="camera 'cam' got a frame of camera 'hall'"):
        tracker("botsort").update(one.frame, one.detections, one.appearance)


@pytest.mark.parametrize("fps", [0.0, -25.0, math.nan, math.inf])
def test_impossible_frame_rates_are_refused(fps: float) -> None:
    with pytest.raises(ConfigError, match="give a positive number"):
        tracker("botsort", fps=fps)


def test_tracks_do_not_share_memory_with_the_tracker() -> None:
    tracking = tracker("sfsort")
    steps = [step(i, [box(100)], [one_hot(0)]) for i in range(4)]
    shown: list[Tracks] = []
    for one in steps:
        shown += follow(tracking, [one])
        shown[-1].boxes_xyxy[:] = -1
    assert shown[-1].track_ids.tolist() == [1]
