from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.interfaces import Tracker
from keyreid_stream.oracle import OracleTracker, Truth
from keyreid_stream.structures import Detections, Tracks
from tests.oracle.scripted import LEFT, NO_APPEARANCE, RIGHT, Box, ScriptedSource, detections, moved

FAR: Box = (0, 52, 8, 60)


def follow(people: list[dict[int, Box]], found: list[Detections] | None = None, *, fps: float = 10.0) -> list[Tracks]:
    """What the tracker shows when exactly these people, or these detections, are found."""
    source = ScriptedSource("door", people, fps=fps)
    tracker: Tracker = OracleTracker(Truth([source]), fps=fps)
    found = found or [detections(*boxes.values()) for boxes in people]
    return [tracker.update(frame, one, NO_APPEARANCE) for frame, one in zip(source.frames(), found, strict=True)]


def ids(shown: list[Tracks]) -> list[list[int]]:
    return [tracks.track_ids.tolist() for tracks in shown]


def test_people_who_change_places_keep_their_tracks() -> None:
    shown = follow([{4: LEFT, 9: RIGHT}, {4: RIGHT, 9: LEFT}])
    assert ids(shown) == [[1, 2], [1, 2]]
    assert shown[1].boxes_xyxy.tolist() == [list(RIGHT), list(LEFT)]


def test_a_track_shows_its_detection() -> None:
    found = detections(FAR, moved(RIGHT, 3), LEFT)
    (shown,) = follow([{1: LEFT, 2: RIGHT}], [found])
    # Numbered in the order of the detections; the one of nobody has no track.
    assert shown.track_ids.tolist() == [1, 2]
    assert shown.detection_indices.tolist() == [1, 2]
    np.testing.assert_array_equal(shown.boxes_xyxy, found.boxes_xyxy[[1, 2]])
    np.testing.assert_array_equal(shown.confidence, found.confidence[[1, 2]])


def test_two_detections_of_one_person_are_one_track() -> None:
    (shown,) = follow([{1: LEFT}], [detections(moved(LEFT, 2), LEFT)])
    assert shown.detection_indices.tolist() == [1]


def test_tracks_are_in_the_order_of_their_ids() -> None:
    shown = follow([{7: LEFT}, {2: RIGHT, 7: LEFT}])
    assert ids(shown) == [[1], [1, 2]]
    assert shown[1].detection_indices.tolist() == [1, 0]


@pytest.mark.parametrize(("missing", "track_id"), [(9, 1), (10, 2)])
def test_who_is_away_for_more_than_a_second_starts_a_new_track(missing: int, track_id: int) -> None:
    """At ten frames a second, nine missing frames make a gap of 1 s, ten one of 1.1 s."""
    shown = follow([{1: LEFT}, *[{}] * missing, {1: LEFT}])
    assert ids(shown)[-1] == [track_id]
    ended = [tracks.ended for tracks in shown]
    assert ended == [()] * (missing + 1) + ([()] if track_id == 1 else [(1,)])


def test_rounding_of_times_makes_no_gap_longer() -> None:
    assert 2.2 - 1.2 > 1.0
    assert ids(follow([*[{}] * 12, {1: LEFT}, *[{}] * 9, {1: LEFT}]))[-1] == [1]


def test_who_stays_away_has_ended_once_and_ids_are_not_used_again() -> None:
    shown = follow([{1: LEFT, 2: RIGHT}, *[{2: RIGHT}] * 15, {2: RIGHT, 3: LEFT}, {1: LEFT, 2: RIGHT}])
    assert [(index, tracks.ended) for index, tracks in enumerate(shown) if tracks.ended] == [(11, (1,))]
    assert ids(shown)[-2:] == [[2, 3], [2, 4]]


def test_a_detector_that_misses_someone_for_long_ends_the_track_though_they_are_there() -> None:
    people = [{1: LEFT}] * 14
    found = [detections(LEFT), *[detections()] * 12, detections(LEFT)]
    shown = follow(people, found)
    assert ids(shown)[-1] == [2]


@pytest.mark.parametrize("fps", [0.25, 1.0])
def test_a_slow_camera_is_no_reason_to_start_anew(fps: float) -> None:
    assert ids(follow([{1: LEFT}] * 30, fps=fps)) == [[1]] * 30


def test_writing_back_changes_nothing() -> None:
    source = ScriptedSource("door", [{1: LEFT}] * 2)
    tracker = OracleTracker(Truth([source]), fps=10)
    frames = list(source.frames())
    first = tracker.update(frames[0], detections(LEFT), NO_APPEARANCE)
    tracker.write_back({1: np.ones(4, np.float32), 77: np.ones(4, np.float32)})
    assert tracker.update(frames[1], detections(LEFT), NO_APPEARANCE).track_ids == first.track_ids
