"""Counted identities beside the replay, which remembers everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.sinks import identity_counts
from keyreid_stream.sinks.identity_counts import IdentityCounts
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import Event, EventKind

CAMERAS = ("a", "b")
KINDS: tuple[EventKind, ...] = ("new", "matched", "split", "merged", "forgotten", "left")


def new(identity_id: int, track_id: int, camera_id: str = "a", first_frame: int | None = None) -> Event:
    return Event("new", identity_id, 0.0, camera_id, track_id, first_frame=first_frame)


def counted(*events: Event) -> IdentityCounts:
    counts = IdentityCounts()
    for event in events:
        counts.apply(event)
    return counts


def test_whom_each_camera_saw() -> None:
    counts = counted(new(1, 1), new(2, 2), Event("matched", 1, 1.0, "b", 1))
    assert counts.identities() == {1, 2}
    assert (counts.identities("a"), counts.identities("b"), counts.identities("c")) == ({1, 2}, {1}, set())


def test_who_was_merged_is_not_counted_and_who_was_split_off_is() -> None:
    counts = counted(new(1, 1), new(2, 1, "b"), Event("merged", 1, 2.0, other_identity_id=2))
    assert (counts.identities(), counts.identities("b")) == ({1}, {1})
    counts.apply(Event("split", 3, 3.0, "b", 1, other_identity_id=1, first_frame=0))
    assert (counts.identities("a"), counts.identities("b")) == ({1}, {3})


def test_a_forgotten_person_is_gone() -> None:
    assert counted(new(1, 1), new(2, 2), Event("forgotten", 1, 2.0)).identities() == {2}


def test_a_split_of_a_track_that_is_no_longer_known_still_counts_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_counts, "REMEMBERED_TRACKS", 0)
    counts = counted(new(1, 1), Event("left", 1, 1.0, "a", 1))
    counts.apply(Event("split", 2, 2.0, "a", 1, other_identity_id=1, first_frame=0))
    assert counts.identities("a") == {2}


def test_tracks_that_are_long_over_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_counts, "REMEMBERED_TRACKS", 10)
    counts = IdentityCounts()
    for track_id in range(1000):
        counts.apply(new(1 + track_id % 3, track_id))
        counts.apply(Event("left", 1 + track_id % 3, 1.0, "a", track_id))
    assert len(counts._tracklets) == 10
    assert counts.identities() == {1, 2, 3}


@given(st.data())
def test_the_same_as_the_replay_that_remembers_everything(data: st.DataObject) -> None:
    counts, replay = IdentityCounts(), IdentityReplay()
    for _ in range(data.draw(st.integers(0, 40))):
        identity_id, other = data.draw(st.permutations(range(1, 6)))[:2]
        kind = data.draw(st.sampled_from(KINDS))
        camera_id, track_id = data.draw(st.sampled_from(CAMERAS)), data.draw(st.integers(1, 4))
        first_frame = data.draw(st.one_of(st.none(), st.integers(0, 3)))
        if kind == "merged":
            event = Event("merged", identity_id, 0.0, other_identity_id=other)
        elif kind == "forgotten":
            event = Event("forgotten", identity_id, 0.0)
        else:
            event = Event(kind, identity_id, 0.0, camera_id, track_id, first_frame=first_frame)
        counts.apply(event)
        replay.apply(event)
        assert counts.identities() == replay.identities()
        for camera in CAMERAS:
            assert counts.identities(camera) == replay.identities(camera)
