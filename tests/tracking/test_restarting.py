"""A tracker over interruptions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keyreid_stream.fakes import FakeTracker
from keyreid_stream.structures import Detections, FloatArray, Frame, Tracks
from keyreid_stream.tracking import RestartingTracker

IMAGE = np.zeros((100, 100, 3), np.uint8)
HERE = Detections(np.array([[10, 10, 30, 60]], np.float32), np.ones(1, np.float32))
BOTH = Detections(np.array([[10, 10, 30, 60], [60, 10, 80, 60]], np.float32), np.ones(2, np.float32))
NOBODY = Detections.empty()


class Made:
    """Makes trackers and keeps them, for the test to look at."""

    def __init__(self) -> None:
        self.trackers: list[FakeTracker] = []

    def __call__(self) -> FakeTracker:
        self.trackers.append(FakeTracker())
        return self.trackers[-1]


def update(tracker: RestartingTracker, index: int, found: Detections, epoch: int = 0) -> Tracks:
    appearance: FloatArray = np.ones((len(found), 4), np.float32)
    return tracker.update(Frame("a", index, index / 10, IMAGE, epoch), found, appearance)


def test_within_an_epoch_it_is_the_tracker_itself() -> None:
    plain, restarting = FakeTracker(), RestartingTracker(Made())
    for index, found in enumerate([HERE, BOTH, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, HERE]):
        expected = plain.update(Frame("a", index, index / 10, IMAGE), found, np.ones((len(found), 4), np.float32))
        shown = update(restarting, index, found)
        assert shown.track_ids.tolist() == expected.track_ids.tolist()
        assert shown.ended == expected.ended


def test_with_a_new_epoch_old_tracks_have_ended_and_whoever_stands_there_is_a_new_one() -> None:
    tracker = RestartingTracker(Made())
    assert update(tracker, 0, BOTH).track_ids.tolist() == [1, 2]
    after = update(tracker, 1, BOTH, epoch=1)
    assert after.track_ids.tolist() == [3, 4]
    assert after.ended == (1, 2)
    assert update(tracker, 2, BOTH, epoch=1).ended == ()
    assert update(tracker, 3, HERE, epoch=4).track_ids.tolist() == [5]


def test_numbers_are_never_used_again_and_ended_tracks_are_named_by_them() -> None:
    tracker = RestartingTracker(Made())
    update(tracker, 0, HERE)
    update(tracker, 1, BOTH, epoch=1)
    gone = [update(tracker, 2 + index, NOBODY, epoch=1).ended for index in range(4)]
    assert gone[-1] == (2, 3)
    assert update(tracker, 9, HERE, epoch=2).track_ids.tolist() == [4]


def test_given_up_tracks_are_named_once_and_the_next_frame_finds_a_new_tracker() -> None:
    made = Made()
    tracker = RestartingTracker(made)
    update(tracker, 0, BOTH)
    assert tracker.end_all() == (1, 2)
    assert tracker.end_all() == ()
    shown = update(tracker, 1, HERE)
    assert (shown.track_ids.tolist(), shown.ended) == ([3], ())
    assert len(made.trackers) == 2


def test_what_is_written_back_reaches_the_track_of_that_number() -> None:
    made = Made()
    tracker = RestartingTracker(made)
    update(tracker, 0, BOTH)
    update(tracker, 1, BOTH, epoch=1)
    rows: Mapping[int, FloatArray] = {1: np.full(4, 1, np.float32), 4: np.full(4, 4, np.float32)}
    tracker.write_back(rows)
    assert {number: row.tolist() for number, row in made.trackers[1].written.items()} == {2: [4, 4, 4, 4]}


def test_a_tracker_is_made_at_once() -> None:
    made = Made()
    RestartingTracker(made)
    assert len(made.trackers) == 1
