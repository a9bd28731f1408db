from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sinks import final_identities
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import Event, TrackKey

A1, A2, B1 = TrackKey("a", 1), TrackKey("a", 2), TrackKey("b", 1)


def event(kind: str, identity_id: int, key: TrackKey | None = None, other: int | None = None) -> Event:
    camera_id, track_id = key or (None, None)
    return Event(kind, identity_id, 0.0, camera_id, track_id, other_identity_id=other)  # type: ignore[arg-type]


def test_new_and_matched_tracks_keep_their_identity_after_leaving() -> None:
    events = [event("new", 1, A1), event("matched", 1, B1), event("seen", 1, B1), event("left", 1, A1)]
    assert final_identities(events) == {A1: ((0, 1),), B1: ((0, 1),)}


def test_a_merge_moves_every_track_of_the_other_identity() -> None:
    events = [event("new", 1, A1), event("new", 2, A2), event("matched", 2, B1), event("merged", 1, other=2)]
    assert final_identities(events) == {A1: ((0, 1),), A2: ((0, 1),), B1: ((0, 1),)}


def test_merges_chain() -> None:
    events = [event("new", 1, A1), event("new", 2, A2), event("new", 3, B1)]
    events += [event("merged", 2, other=3), event("merged", 1, other=2)]
    assert final_identities(events) == {A1: ((0, 1),), A2: ((0, 1),), B1: ((0, 1),)}


def test_a_split_moves_one_track_only() -> None:
    events = [event("new", 1, A1), event("matched", 1, B1), event("split", 2, B1, other=1)]
    assert final_identities(events) == {A1: ((0, 1),), B1: ((0, 2),)}


def test_a_forgotten_identity_leaves_no_track_behind() -> None:
    events = [event("new", 1, A1), event("new", 2, B1), event("merged", 1, other=2), event("forgotten", 1)]
    assert final_identities(events) == {}


def test_a_track_that_moved_away_is_not_forgotten_with_its_old_identity() -> None:
    events = [event("new", 1, A1), event("matched", 2, A1), event("forgotten", 1)]
    assert final_identities(events) == {A1: ((0, 2),)}


@pytest.mark.parametrize("kind", ["new", "matched", "split"])
def test_a_decision_about_no_track_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match=f"a {kind} event .* needs camera_id and track_id"):
        final_identities([event(kind, 1)])


def test_a_merge_with_nobody_is_refused() -> None:
    with pytest.raises(InputError, match="other_identity_id"):
        final_identities([event("merged", 1)])


@dataclass
class ScanningReplay:
    """The obvious way: one table, scanned for every merge."""

    table: dict[TrackKey, int]

    def apply(self, given: Event) -> None:
        if given.kind in ("new", "matched", "split"):
            assert given.camera_id is not None
            assert given.track_id is not None
            self.table[TrackKey(given.camera_id, given.track_id)] = given.identity_id
        elif given.kind == "merged":
            self.table = {k: given.identity_id if i == given.other_identity_id else i for k, i in self.table.items()}
        elif given.kind == "forgotten":
            self.table = {k: i for k, i in self.table.items() if i != given.identity_id}


keys = st.builds(TrackKey, st.sampled_from("ab"), st.integers(1, 4))
ids = st.integers(1, 4)
any_event = st.one_of(
    st.builds(event, st.sampled_from(["new", "matched", "seen", "left", "split"]), ids, keys, ids),
    st.tuples(ids, ids)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: event("merged", pair[0], other=pair[1])),
    st.builds(event, st.just("forgotten"), ids),
)


@given(st.lists(any_event, max_size=40))
def test_agrees_with_scanning(events: list[Event]) -> None:
    oracle = ScanningReplay({})
    for one in events:
        oracle.apply(one)
    assert final_identities(events) == {key: ((0, identity_id),) for key, identity_id in oracle.table.items()}


def test_a_tracklet_is_meant_from_its_first_frame_to_the_next_one() -> None:
    replay = IdentityReplay()
    for one in (
        replace(event("new", 1, A1), first_frame=10),
        replace(event("matched", 1, A1), first_frame=30),
        replace(event("matched", 1, A1), first_frame=20),
        replace(event("split", 2, A1, other=1), first_frame=20),
    ):
        replay.apply(one)
    assert [replay.identity_at(A1, frame) for frame in (9, 10, 19, 20, 29, 30, 99)] == [None, 1, 1, 2, 2, 1, 1]
    assert replay.tracklets() == {A1: ((10, 1), (20, 2), (30, 1))}
    replay.apply(event("merged", 3, other=1))
    assert replay.tracklets() == {A1: ((10, 3), (20, 2), (30, 3))}
    replay.apply(event("forgotten", 2))
    assert [replay.identity_at(A1, frame) for frame in (19, 20, 30)] == [3, None, 3]
    replay.apply(event("matched", 4, A1))  # the whole track
    assert replay.tracklets() == {A1: ((0, 4),)}
