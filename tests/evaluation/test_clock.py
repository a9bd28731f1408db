"""The clock: a case worked by hand, what must hold of any, and what cannot be read."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import ResultBoxes, TruthBoxes, score_cameras
from keyreid_stream.evaluation.clock import ClockScores, clock
from keyreid_stream.evaluation.said import SaidBoxes, Visit, boxes_on_people, visits_of
from tests.evaluation.scenes import THERE, Row, badly_tracked, columns, results_of, track, truth_of, wanderers

FPS = 2.0


def said(rows: list[Row], online: list[int]) -> SaidBoxes:
    return SaidBoxes(ResultBoxes(*columns(rows)), np.array(online, np.int64))


def read(
    truth: dict[str, list[Row]], results: dict[str, SaidBoxes], marks_s: tuple[float, ...] = (0.0, 1.0, 5.0)
) -> ClockScores:
    return clock(truth_of(truth), results, dict.fromkeys(truth, FPS), marks_s)


def test_two_visits_by_hand() -> None:
    """Person 7 comes to `door` for 20 frames (10 s) and to `yard` for 6 (2.5 s after the first), at 2 frames a second.

    At the door, found from frame 3 on: nothing is said for two frames, then identity 1. In the yard identity 2 is said,
    and in the end that is identity 1, from the fourth frame on already then. The right one is 1: it has all 24 boxes.
    """
    truth = {"door": track(7, range(1, 21)), "yard": track(7, range(101, 107))}
    results = {
        "door": said(track(1, range(3, 21)), [0, 0] + [1] * 16),
        "yard": said(track(1, range(101, 107)), [2, 2, 2, 1, 1, 1]),
    }
    read_out = read(truth, results)
    assert (read_out.visits, read_out.never_found, read_out.right_boxes) == (2, 0, 24)
    assert dict(read_out.identity_of) == {7: 1}
    assert [astuple(mark) for mark in read_out.marks] == [
        # after, visits, right online, undecided, right revised
        (0.0, 2, 0, 1, 2),
        (1.0, 2, 1, 0, 2),  # the door's third box is the first with a name; the yard's third still says 2
        (5.0, 1, 1, 0, 1),  # only the door's visit lasts so long: frame 13 of 20
        (None, 2, 2, 0, 2),
    ]
    assert [mark.online_share for mark in read_out.marks] == [0.0, 0.5, 1.0, 1.0]
    assert read_out.marks[0].undecided_share == 0.5


def test_a_gap_of_more_than_a_second_begins_another_visit() -> None:
    (truth,) = truth_of({"a": track(7, [1, 2, 4, 7, 8])}).values()
    assert list(visits_of(truth, FPS)) == [Visit(7, 1, 4), Visit(7, 7, 8)]


def test_the_newest_box_before_the_mark_counts() -> None:
    """At 1 s, frame 3, the person is missed: what was said in frame 2 holds."""
    truth = {"a": track(7, range(1, 9))}
    results = {"a": said(track(1, [1, 2, 4, 5, 6, 7, 8]), [3, 1, 3, 3, 1, 1, 1])}
    assert [mark.online for mark in read(truth, results).marks] == [0, 1, 0, 1]


def test_a_visit_without_any_box_is_counted_apart() -> None:
    truth = {"a": track(7, range(1, 11)) + track(8, range(1, 11), THERE)}
    read_out = read(truth, {"a": said(track(1, range(1, 11)), [1] * 10)})
    assert (read_out.visits, read_out.never_found) == (2, 1)
    assert [mark.visits for mark in read_out.marks] == [1, 1, 0, 1]
    assert read_out.marks[2].online_share is None


def test_somebody_who_bears_anothers_name_is_wrong_at_all_times() -> None:
    """Identity 1 is on 7 for ten frames and on 8 for four; nobody else is named, so 8 has no right name at all."""
    truth = {"a": track(7, range(1, 11)) + track(8, range(21, 25), THERE)}
    results = {"a": said(track(1, range(1, 11)) + track(1, range(21, 25), THERE), [1] * 14)}
    read_out = read(truth, results)
    assert dict(read_out.identity_of) == {7: 1}
    assert [(mark.visits, mark.online, mark.revised) for mark in read_out.marks] == [
        (2, 1, 1),
        (2, 1, 1),
        (0, 0, 0),
        (2, 1, 1),
    ]


def test_ignored_people_have_no_visits_and_results_on_them_do_not_count() -> None:
    frames, ids, boxes = columns(track(7, range(1, 11)))
    ignored = TruthBoxes(frames, ids, boxes, np.zeros(10, np.bool_), np.ones(10, np.bool_))
    results = said(track(1, range(1, 11)) + track(2, range(1, 4), THERE), [1] * 10 + [2] * 3)
    read_out = clock({"a": ignored}, {"a": results}, {"a": FPS})
    assert (read_out.visits, read_out.right_boxes) == (0, 0)
    found = boxes_on_people(ignored, results)
    assert found.unmatched.tolist() == [2, 2, 2]
    assert not len(found.people)


def test_a_camera_in_which_nothing_was_said() -> None:
    read_out = read({"a": track(7, range(1, 11))}, {})
    assert (read_out.visits, read_out.never_found, dict(read_out.identity_of)) == (1, 1, {})


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_naming_is_idf1s(seed: int) -> None:
    """Boxes that are right in the end are IDF1's true positives, whatever is wrong; TrackEval is the witness."""
    rng = np.random.default_rng(seed)
    truth = {name: wanderers(rng) for name in ("a", "b")}
    # Identities begin with 1: 0 is nobody.
    rows = {name: [(frame, id_ + 1, box) for frame, id_, box in badly_tracked(rng, own)] for name, own in truth.items()}
    results = {name: SaidBoxes(boxes, boxes.ids.copy()) for name, boxes in results_of(rows).items()}
    read_out = read(truth, results)
    together = score_cameras(truth_of(truth), results_of(rows)).together
    assert read_out.right_boxes == pytest.approx(together.idr * together.truth_boxes)
    assert len(set(read_out.identity_of.values())) == len(read_out.identity_of)
    for mark in read_out.marks:
        assert 0 <= mark.online == mark.revised <= mark.visits - mark.undecided
    *timed, end = [mark.visits for mark in read_out.marks]
    assert timed == sorted(timed, reverse=True)
    assert end == timed[0] == read_out.visits - read_out.never_found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_who_knows_everybody_is_right_at_all_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = {name: wanderers(rng) for name in ("a", "b")}
    results = {
        name: SaidBoxes(ResultBoxes(boxes.frames, boxes.ids + 100, boxes.boxes_xyxy), boxes.ids + 100)
        for name, boxes in truth_of(truth).items()
    }
    read_out = read(truth, results)
    assert read_out.never_found == 0
    for mark in read_out.marks:
        assert mark.online == mark.revised == mark.visits
        assert mark.undecided == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), delay=st.integers(0, 8))
def test_who_only_is_late_is_never_less_right_later(seed: int, delay: int) -> None:
    """Everything right but decided so many frames late: shares over the same visits rise from mark to mark."""
    shift = np.random.default_rng(seed).uniform(100, 200)
    rows = [(frame, id_, (shift * id_, 10.0, shift * id_ + 20, 60.0)) for id_ in range(1, 5) for frame in range(1, 40)]
    online = [id_ if frame > delay * id_ else 0 for frame, id_, _ in rows]
    read_out = read({"a": rows}, {"a": said(rows, online)}, (0.0, 1.0, 2.0, 5.0, 10.0))
    assert {mark.visits for mark in read_out.marks} == {4}
    right = [mark.online for mark in read_out.marks]
    assert right == sorted(right)
    assert right[-1] == sum(delay * id_ < 39 for id_ in range(1, 5))
    assert all(mark.online + mark.undecided == 4 == mark.revised for mark in read_out.marks)


def test_what_cannot_be_read() -> None:
    truth = truth_of({"a": track(7, range(1, 3))})
    with pytest.raises(InputError, match="no camera is given"):
        clock({}, {}, {})
    with pytest.raises(InputError, match="results of b but no truth"):
        clock(truth, {"b": said([], [])}, {"a": FPS})
    for fps in ({}, {"a": 0.0}):
        with pytest.raises(InputError, match="frames per second of a are not known"):
            clock(truth, {}, fps)
    for marks in ((1.0, 0.0), (-1.0,), (1.0, 1.0)):
        with pytest.raises(InputError, match="rise from 0"):
            clock(truth, {}, {"a": FPS}, marks)
    with pytest.raises(InputError, match="one int64 for each of 2 boxes"):
        said(track(1, range(1, 3)), [1])
