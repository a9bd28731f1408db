from __future__ import annotations

import logging

import numpy as np
import pytest

from keyreid_stream.structures import FloatArray
from keyreid_stream.tracking import BoxmotTracker
from tests.tracking.scenes import (
    APPEARANCE_TRACKERS,
    MOTION_TRACKERS,
    Step,
    box,
    crowd,
    follow,
    one_hot,
    rows,
    step,
    tracker,
)

RED, GREEN = one_hot(0), one_hot(1)
appearance_trackers = pytest.mark.parametrize("name", APPEARANCE_TRACKERS)


def blend(red: float, green: float) -> FloatArray:
    return np.float32(red) * RED + np.float32(green) * GREEN


def side_by_side(frames: int = 8) -> list[Step]:
    """A person in red stands behind one in green, so crops of each show more of the other."""
    return [step(i, [box(100), box(116)], [blend(0.6, 0.8), blend(0.8, 0.6)]) for i in range(frames)]


def exchanged(index: int = 8) -> Step:
    """They have changed places by a step, and are seen clearly: green on the left, red on the right."""
    return step(index, [box(102), box(114)], [GREEN, RED])


def tracks_at(tracking: BoxmotTracker, one: Step) -> dict[int, int]:
    """Detection by track id."""
    tracks = tracking.update(one.frame, one.detections, one.appearance)
    return dict(zip(tracks.track_ids.tolist(), tracks.detection_indices.tolist(), strict=True))


def stand_behind(tracking: BoxmotTracker) -> BoxmotTracker:
    last = follow(tracking, side_by_side())[-1]
    assert dict(zip(last.track_ids.tolist(), last.detection_indices.tolist(), strict=True)) == {1: 0, 2: 1}
    return tracking


@appearance_trackers
def test_a_clip_embedding_flips_an_association(name: str) -> None:
    """Single crops mislead: alone they keep the left track on the left. The clips know who is who."""
    assert tracks_at(stand_behind(tracker(name)), exchanged()) == {1: 0, 2: 1}
    informed = stand_behind(tracker(name))
    informed.write_back({1: RED, 2: GREEN})
    assert tracks_at(informed, exchanged()) == {1: 1, 2: 0}


def test_hybridsorts_long_term_bank_is_written_too() -> None:
    """Told to match by the bank alone, it follows the clips as well."""
    informed = stand_behind(tracker("hybridsort", options={"EG_weight_high_score": 1e-6}))
    informed.write_back({1: RED, 2: GREEN})
    assert tracks_at(informed, exchanged()) == {1: 1, 2: 0}


@appearance_trackers
def test_the_length_of_a_clip_embedding_does_not_matter(name: str) -> None:
    informed = stand_behind(tracker(name))
    informed.write_back({1: RED * 1000, 2: GREEN / 1000})
    assert tracks_at(informed, exchanged()) == {1: 1, 2: 0}


@appearance_trackers
def test_write_back_can_be_switched_off(name: str) -> None:
    tracking = stand_behind(tracker(name, write_back=False))
    tracking.write_back({1: RED, 2: GREEN})
    assert tracks_at(tracking, exchanged()) == {1: 0, 2: 1}


@appearance_trackers
def test_written_after_every_frame_an_embedding_outlasts_any_number_of_crops(name: str) -> None:
    tracking = tracker(name)
    for i in range(40):
        one = step(i, [box(100), box(116)], [blend(0.7, 0.7)] * 2)
        last = tracks_at(tracking, one)
        tracking.write_back({1: RED, 2: GREEN})
    assert last == {1: 0, 2: 1}
    assert tracks_at(tracking, exchanged(40)) == {1: 1, 2: 0}


@appearance_trackers
def test_a_lost_track_can_be_written_too(name: str) -> None:
    tracking = stand_behind(tracker(name))
    follow(tracking, [step(8, [], [])])
    tracking.write_back({1: RED, 2: GREEN})
    back = [tracks_at(tracking, exchanged(9 + i)) for i in range(4)]  # some show a track only after three sightings
    assert back[-1] == {1: 1, 2: 0}


@appearance_trackers
def test_the_tracker_keeps_its_own_copy(name: str) -> None:
    tracking = stand_behind(tracker(name))
    red, green = RED.copy(), GREEN.copy()
    tracking.write_back({1: red, 2: green})
    red[:], green[:] = GREEN, RED
    assert tracks_at(tracking, exchanged()) == {1: 1, 2: 0}


@appearance_trackers
@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_embeddings_without_direction_are_passed_over(name: str, bad: float) -> None:
    tracking = stand_behind(tracker(name))
    tracking.write_back({1: np.full(8, bad, np.float32), 2: np.full(8, bad, np.float32)})
    assert tracks_at(tracking, exchanged()) == {1: 0, 2: 1}


@appearance_trackers
def test_tracks_that_are_gone_are_passed_over(name: str) -> None:
    tracking, reference = tracker(name), tracker(name)
    for one in crowd(14, 25):
        tracks = tracking.update(one.frame, one.detections, one.appearance)
        assert rows(tracks) == rows(reference.update(one.frame, one.detections, one.appearance))
        tracking.write_back(dict.fromkeys((0, -1, 10_000, *tracks.ended), RED))


@appearance_trackers
def test_an_embedding_of_another_width_is_refused(name: str) -> None:
    tracking = stand_behind(tracker(name))
    with pytest.raises(ValueError, match=r"track 1 is matched by 8 numbers, got an embedding of \(5,\)"):
        tracking.write_back({1: np.ones(5, np.float32)})


@pytest.mark.parametrize("name", MOTION_TRACKERS)
def test_motion_only_trackers_are_only_read_and_say_so_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="keyreid_stream.tracking"):
        tracking, reference = tracker(name), tracker(name, write_back=False)
        for one in crowd(15, 20):
            tracks = tracking.update(one.frame, one.detections, one.appearance)
            assert rows(tracks) == rows(reference.update(one.frame, one.detections, one.appearance))
            tracking.write_back({int(track_id): RED for track_id in tracks.track_ids})
    assert caplog.messages == [f"camera cam: {name} matches by motion only, clips are not written back"]


def test_an_appearance_tracker_told_to_ignore_appearance_is_only_read(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="keyreid_stream.tracking"):
        tracking = stand_behind(tracker("botsort", options={"use_embeddings": False}))
        tracking.write_back({1: RED, 2: GREEN})
    assert tracks_at(tracking, exchanged()) == {1: 0, 2: 1}
    assert len(caplog.messages) == 1


def test_appearance_trackers_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="keyreid_stream.tracking"):
        follow(tracker("botsort"), side_by_side(2))
    assert caplog.messages == []
