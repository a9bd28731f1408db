"""Who is encoded and who is not, on hand-placed boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.structures import Detections, FloatArray, Tracks
from keyreid_stream.tracking import EncodingPlan
from keyreid_stream.tracking.encoding_plan import LOST_AFTER_S, NOBODY

EVERY, AT_FIRST = 4, 2


def people(*lefts: float, top: float = 10) -> Detections:
    """People of 20 x 50 pixels."""
    boxes = np.array([[left, top, left + 20, top + 50] for left in lefts], np.float32).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes), np.float32))


class Camera:
    """A plan and a tracker that knows everybody by their place in the frame's list."""

    def __init__(self, every: int = EVERY, at_first: int = AT_FIRST) -> None:
        self.plan = EncodingPlan(every, at_first)
        self.now_s = 0.0
        self.encodings = 0

    def see(self, found: Detections, *, quality: float = 0.5, ended: tuple[int, ...] = (), epoch: int = 0) -> list[int]:
        """One frame; whose appearance stood in. Track n is the n-th person."""
        self.now_s += 0.1
        qualities: FloatArray = np.full(len(found), quality, np.float32)
        stand_ins = self.plan.choose(self.now_s, found, qualities, epoch=epoch)
        appearance = np.zeros((len(found), 2), np.float32)
        for row, track_id in enumerate(stand_ins.tolist()):
            if track_id == NOBODY:
                self.encodings += 1
                appearance[row] = (row + 1, self.encodings)
            else:
                appearance[row] = self.plan.appearance(track_id)
        ids = np.arange(1, len(found) + 1)
        shown = Tracks(ids, found.boxes_xyxy, found.confidence, np.arange(len(found)), ended)
        self.plan.follow(self.now_s, shown, found, stand_ins == NOBODY, appearance, qualities)
        return [int(track_id) for track_id in stand_ins]


def test_a_track_is_encoded_at_first_and_then_every_so_often() -> None:
    camera = Camera()
    stood_in = [camera.see(people(100))[0] for _ in range(12)]
    assert stood_in == [0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1]


def test_what_stands_in_is_the_newest_encoding_of_that_track() -> None:
    camera = Camera()
    for _ in range(2):
        camera.see(people(100, 300))
    assert camera.see(people(100, 300)) == [1, 2]
    assert camera.plan.appearance(1).tolist() == [1, 3]
    assert camera.plan.appearance(2).tolist() == [2, 4]


def test_by_default_all_are_encoded() -> None:
    camera = Camera(every=1)
    assert [camera.see(people(100)) for _ in range(5)] == [[0]] * 5


def test_somebody_new_is_encoded_beside_one_who_is_known() -> None:
    camera = Camera()
    for _ in range(2):
        camera.see(people(100))
    assert camera.see(people(100, 300)) == [1, 0]


def test_whoever_walks_steadily_is_expected_where_they_will_be() -> None:
    camera = Camera(every=100)
    stood_in = [camera.see(people(100 + 30 * step))[0] for step in range(6)]
    assert stood_in == [0, 0, 1, 1, 1, 1]  # 30 pixels a frame and 20 wide: no two boxes overlap


def test_whoever_is_not_where_expected_is_encoded() -> None:
    camera = Camera()
    for _ in range(2):
        camera.see(people(100))
    assert camera.see(people(114)) == [0]


@pytest.mark.parametrize("gap", [0, 5, 10])
def test_people_who_overlap_are_encoded_both(gap: float) -> None:
    camera = Camera()
    for _ in range(2):
        camera.see(people(100, 200))
    assert camera.see(people(100, 100 + gap)) == [0, 0]


def test_one_detection_where_two_tracks_are_expected_is_encoded() -> None:
    camera = Camera()
    for _ in range(2):
        camera.see(people(100, 109))
    assert camera.see(people(100)) == [0]


def test_a_better_picture_is_encoded() -> None:
    camera = Camera(every=100)
    for _ in range(3):
        camera.see(people(100), quality=0.5)
    assert camera.see(people(100), quality=0.6) == [1]
    assert camera.see(people(100), quality=0.7) == [0]
    assert camera.see(people(100), quality=0.8) == [1]


def test_an_ended_track_stands_in_for_nobody() -> None:
    camera = Camera()
    for _ in range(2):
        camera.see(people(100))
    camera.plan.forget([1])
    assert camera.see(people(100)) == [0]


def test_after_a_pause_nobody_is_where_expected_unless_they_stood_still() -> None:
    camera = Camera(every=100)
    for step in range(3):
        camera.see(people(100 + 10 * step))
    camera.now_s += 2.0
    assert camera.see(people(130)) == [0]


def test_whoever_appears_where_somebody_was_lost_is_encoded() -> None:
    camera = Camera(every=100)
    for _ in range(5):
        camera.see(people(100))
    camera.see(people())  # lost, and not given up
    assert camera.see(people(100)) == [0]


def test_after_a_long_gap_everybody_is_encoded_even_where_they_stood_still() -> None:
    camera = Camera(every=100)
    for _ in range(5):
        camera.see(people(100))
    camera.now_s += LOST_AFTER_S
    assert camera.see(people(100)) == [0]


def test_with_a_new_connection_everybody_is_encoded() -> None:
    camera = Camera(every=100)
    for _ in range(5):
        camera.see(people(100))
    assert camera.see(people(100)) == [1]
    assert camera.see(people(100), epoch=1) == [0]


@given(
    st.lists(
        st.lists(st.tuples(st.floats(-50, 400), st.floats(-50, 200), st.floats(0, 60), st.floats(0, 60)), max_size=5),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 5),
)
def test_any_boxes_can_be_planned_and_nobody_stands_in_twice(
    frames: list[list[tuple[float, float, float, float]]], every: int
) -> None:
    camera = Camera(every=every, at_first=1)
    for boxes in frames:
        rows = np.array([[x, y, x + width, y + height] for x, y, width, height in boxes], np.float32).reshape(-1, 4)
        stood_in = camera.see(Detections(rows, np.ones(len(rows), np.float32)))
        known = [track_id for track_id in stood_in if track_id != NOBODY]
        assert len(set(known)) == len(known)
        if every == 1:
            assert known == []
