from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.fakes import FakeClipHead
from keyreid_stream.interfaces import Associator
from keyreid_stream.oracle import OracleAssociator, Truth
from keyreid_stream.sinks.identity_replay import final_identities
from keyreid_stream.structures import ClipEmbedding, Event, TrackEvidence, TrackKey
from tests.oracle.scripted import LEFT, RIGHT, Box, ScriptedSource, moved

LAYOUT = FakeClipHead().layout
EMBEDDING = ClipEmbedding(np.ones(LAYOUT.size, np.float32), np.ones(LAYOUT.parts, np.float32), LAYOUT)

A1, A2, A3, B1 = TrackKey("a", 1), TrackKey("a", 2), TrackKey("a", 3), TrackKey("b", 1)


def seen(key: TrackKey, index: int, box: Box, *, embedding: ClipEmbedding | None = None) -> TrackEvidence:
    return TrackEvidence(key, index / 10, index, np.array(box, np.float32), 1, embedding)


def associator(**people: list[dict[int, Box]]) -> OracleAssociator:
    """One that knows the truth about these cameras."""
    return OracleAssociator(Truth([ScriptedSource(camera_id, boxes) for camera_id, boxes in people.items()]))


def told(events: list[Event]) -> list[tuple[str, int, str | None, int | None, int | None]]:
    return [(one.kind, one.identity_id, one.camera_id, one.track_id, one.other_identity_id) for one in events]


def test_one_person_in_two_cameras_is_one_identity_from_the_first_sight() -> None:
    oracle: Associator = associator(a=[{5: LEFT, 8: RIGHT}], b=[{8: LEFT}])
    events = oracle.update(0.0, [seen(B1, 0, LEFT), seen(A2, 0, RIGHT), seen(A1, 0, LEFT)], [])
    assert told(events) == [("new", 5, "a", 1, None), ("new", 8, "a", 2, None), ("matched", 8, "b", 1, None)]
    assert (oracle.identity_of(A1), oracle.identity_of(A2), oracle.identity_of(B1)) == (5, 8, 8)
    assert [(one.identity_id, one.tracks) for one in oracle.identities()] == [(5, (A1,)), (8, (A2, B1))]
    assert oracle.identities()[1].camera_ids == ("a", "b")
    assert events[1].box_xyxy == RIGHT
    assert (events[1].timestamp_s, events[1].frame_index) == (0.0, 0)


def test_a_decided_track_is_confirmed_as_often_as_it_is_embedded() -> None:
    oracle = associator(a=[{5: LEFT}] * 3)
    oracle.update(0.0, [seen(A1, 0, LEFT)], [])
    assert oracle.update(0.1, [seen(A1, 1, LEFT)], []) == []
    assert told(oracle.update(0.2, [seen(A1, 2, LEFT, embedding=EMBEDDING)], [])) == [("seen", 5, "a", 1, None)]
    (known,) = oracle.identities()
    assert (known.first_seen_s, known.last_seen_s) == (0.0, 0.2)


def test_an_ended_track_has_left_and_the_person_comes_back_as_the_same() -> None:
    oracle = associator(a=[{5: LEFT}] * 2)
    oracle.update(0.0, [seen(A1, 0, LEFT)], [])
    events = oracle.update(0.1, [seen(A2, 1, LEFT)], [A1, A3])  # nobody knows of A3
    assert told(events) == [("left", 5, "a", 1, None), ("matched", 5, "a", 2, None)]
    assert oracle.identity_of(A1) is None
    assert oracle.identities()[0].tracks == (A1, A2)


def test_a_track_of_nobody_is_undecided() -> None:
    oracle = associator(a=[{5: LEFT}, {5: LEFT}])
    assert oracle.update(0.0, [seen(A1, 0, RIGHT), seen(A2, 0, moved(LEFT, 14))], []) == []
    assert oracle.identity_of(A1) is None
    assert oracle.identities() == []
    assert told(oracle.update(0.1, [seen(A1, 1, LEFT)], [])) == [("new", 5, "a", 1, None)]


def test_of_two_tracks_on_one_person_the_closer_one_is_that_person() -> None:
    oracle = associator(a=[{5: LEFT}])
    oracle.update(0.0, [seen(A1, 0, moved(LEFT, 2)), seen(A2, 0, moved(LEFT, 1))], [])
    assert (oracle.identity_of(A1), oracle.identity_of(A2)) == (None, 5)


@pytest.mark.parametrize(("first", "second"), [(5, 8), (8, 5)])
def test_a_track_that_strays_goes_over_when_it_showed_the_other_for_longer(first: int, second: int) -> None:
    oracle = associator(a=[{first: LEFT, second: RIGHT}] * 6)
    events = []
    for index, box in enumerate([LEFT, LEFT, RIGHT, RIGHT, RIGHT]):
        events.append(told(oracle.update(index / 10, [seen(A1, index, box)], [])))
    # Two against two changes nothing; the third moves it.
    assert events == [[("new", first, "a", 1, None)], [], [], [], [("split", second, "a", 1, first)]]
    assert {one.identity_id: one.tracks for one in oracle.identities()} == {first: (), second: (A1,)}


def test_nothing_of_an_ended_track_is_remembered() -> None:
    oracle = associator(a=[{5: LEFT, 8: RIGHT}] * 3)
    for index in range(2):
        oracle.update(index / 10, [seen(A1, index, LEFT)], [])
    events = oracle.update(0.2, [seen(A1, 2, RIGHT)], [A1])
    assert told(events) == [("left", 5, "a", 1, None), ("new", 8, "a", 1, None)]


def test_the_events_replay_to_the_same_state() -> None:
    oracle = associator(a=[{5: LEFT, 8: RIGHT}] * 4, b=[{8: LEFT}] * 4)
    events: list[Event] = []
    for index in range(4):
        crossed = [LEFT, RIGHT] if index == 0 else [RIGHT, LEFT]
        evidence = [seen(A1, index, crossed[0]), seen(A2, index, crossed[1]), seen(B1, index, LEFT)]
        events += oracle.update(index / 10, evidence, [])
    assert final_identities(events) == {A1: ((0, 8),), A2: ((0, 5),), B1: ((0, 8),)}
    assert all(oracle.identity_of(key) == last.identity_id for key, (*_, last) in final_identities(events).items())


@pytest.mark.parametrize("ended", [[], [A1]])
def test_a_tick_without_evidence(ended: list[TrackKey]) -> None:
    assert associator(a=[{}]).update(0.0, [], ended) == []
