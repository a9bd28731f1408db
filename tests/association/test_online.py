"""The associator on embeddings that are directions in a plane: similarity is the cosine of the angle between them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, Event, TrackEvidence, TrackKey

LAYOUT = EmbeddingLayout(global_dim=2, parts=1, part_dim=1)
CONFIG = AssociationConfig(threshold=0.9, min_observations=2)


def sighting(
    camera_id: str, track_id: int, degrees: float | None, *, time_s: float = 0.0, observations: int = 4
) -> TrackEvidence:
    embedding = None
    if degrees is not None:
        angle = np.deg2rad(degrees)
        vector = np.array([np.cos(angle), np.sin(angle), 1], np.float32)
        embedding = ClipEmbedding(vector, np.zeros(1, np.float32), LAYOUT)
    left = 20 * track_id  # nobody crosses anybody
    box = np.array([left, 0, left + 10, 20], np.float32)
    return TrackEvidence(TrackKey(camera_id, track_id), time_s, int(time_s * 10), box, observations, embedding)


def kinds(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.kind, event.identity_id) for event in events]


def test_the_same_look_in_two_cameras_is_one_identity_and_another_look_is_not() -> None:
    associator = OnlineAssociator(CONFIG)
    events = associator.update(0.0, [sighting("a", 1, 0), sighting("b", 1, 10), sighting("b", 2, 90)], [])
    assert kinds(events) == [("new", 1), ("matched", 1), ("new", 2)]
    assert events[1].similarity is not None
    assert abs(events[1].similarity - np.cos(np.deg2rad(10))) < 1e-5
    assert [one.camera_ids for one in associator.identities()] == [("a", "b"), ("b",)]


def test_two_people_in_one_camera_are_never_one_identity_however_alike() -> None:
    associator = OnlineAssociator(CONFIG)
    events = associator.update(0.0, [sighting("a", 1, 0), sighting("a", 2, 0)], [])
    assert kinds(events) == [("new", 1), ("new", 2)]
    later = associator.update(1.0, [sighting("a", 1, None), sighting("a", 3, 0)], [])
    assert kinds(later) == [("matched", 2)]  # identity 1 is in view, 2 is not


def test_the_assignment_is_global_not_greedy() -> None:
    associator = OnlineAssociator(AssociationConfig(threshold=0.5, min_observations=1))
    associator.update(0.0, [sighting("a", 1, 0), sighting("a", 2, 40)], [])
    # Track 1 of b is closest to identity 1 (by a hair) but leaves it to track 2, which fits nothing else.
    associator.update(1.0, [sighting("b", 1, 19), sighting("b", 2, -30)], [])
    assert associator.identity_of(TrackKey("b", 1)) == 2
    assert associator.identity_of(TrackKey("b", 2)) == 1


def test_a_hopeless_pair_costs_nobody_a_match() -> None:
    associator = OnlineAssociator(AssociationConfig(threshold=0.9, min_observations=1))
    associator.update(0.0, [sighting("a", 1, 0), sighting("a", 2, 45)], [])
    # Crosswise the sum of similarities is larger, but both pairs are below the threshold.
    events = associator.update(1.0, [sighting("b", 1, 18), sighting("b", 2, -27)], [])
    assert kinds(events) == [("matched", 1), ("new", 3)]


def test_a_track_is_not_decided_before_it_has_shown_enough() -> None:
    associator = OnlineAssociator(CONFIG)
    assert associator.update(0.0, [sighting("a", 1, 0, observations=1)], []) == []
    assert associator.update(0.1, [sighting("b", 1, None, observations=9)], []) == []
    assert associator.identity_of(TrackKey("a", 1)) is None
    assert kinds(associator.update(0.2, [sighting("a", 1, 0, observations=3)], [])) == [("new", 1)]


def test_someone_who_left_and_comes_back_is_recognised() -> None:
    associator = OnlineAssociator(CONFIG)
    associator.update(0.0, [sighting("a", 1, 0)], [])
    assert kinds(associator.update(5.0, [], [TrackKey("a", 1)])) == [("left", 1)]
    assert kinds(associator.update(60.0, [sighting("a", 2, 8, time_s=60)], [])) == [("matched", 1)]


def test_a_decided_track_is_confirmed_by_every_new_embedding_and_never_decided_again() -> None:
    associator = OnlineAssociator(CONFIG)
    associator.update(0.0, [sighting("a", 1, 0)], [])
    assert kinds(associator.update(1.0, [sighting("a", 1, 170)], [])) == [("seen", 1)]
    assert associator.update(2.0, [sighting("a", 1, None)], []) == []


def test_a_lost_track_that_returns_beside_its_successor_is_split_off() -> None:
    associator = OnlineAssociator(CONFIG)
    associator.update(0.0, [sighting("a", 1, 0, observations=4)], [])
    associator.update(1.0, [sighting("a", 2, 0, observations=9)], [])  # track 1 is out of view, not ended
    assert associator.identity_of(TrackKey("a", 2)) == 1
    events = associator.update(2.0, [sighting("a", 1, 3, observations=5), sighting("a", 2, None, observations=10)], [])
    assert [(e.kind, e.track_id, e.identity_id, e.other_identity_id) for e in events] == [("split", 1, 2, 1)]
    assert associator.identity_of(TrackKey("a", 1)) == 2
    # What track 1 showed before stays identity 1's.
    assert [one.tracks for one in associator.identities()] == [
        (TrackKey("a", 1), TrackKey("a", 2)),
        (TrackKey("a", 1),),
    ]


def test_views_of_a_camera_go_when_it_keeps_them_no_longer_and_those_of_others_stay() -> None:
    config = AssociationConfig(threshold=0.9, min_observations=1, window_s=5, camera_retention_s={"yard": 100})
    gallery = Gallery(config)
    associator = OnlineAssociator(config, gallery=gallery)
    associator.update(0.0, [sighting("yard", 1, 0), sighting("door", 1, 0)], [])
    associator.update(1.0, [], [TrackKey("yard", 1), TrackKey("door", 1)])
    associator.update(90.0, [sighting("hall", 1, 90)], [])
    assert [one.camera_id for one in gallery.exemplars(1)] == ["door", "yard"]
    associator.update(170.0, [sighting("hall", 1, 90, time_s=170.0)], [])
    assert [one.camera_id for one in gallery.exemplars(1)] == ["door"]
    associator.update(171.0, [sighting("hall", 2, 0, time_s=171.0)], [])
    assert associator.identity_of(TrackKey("hall", 2)) == 1  # the door's view is enough


def test_an_identity_out_of_view_is_dropped_after_its_retention_and_what_was_said_stays() -> None:
    associator = OnlineAssociator(AssociationConfig(min_observations=1, retention_s=10))
    associator.update(0.0, [sighting("a", 1, 0)], [])
    associator.update(100.0, [sighting("a", 1, None, time_s=100)], [])  # still in view
    associator.update(101.0, [], [TrackKey("a", 1)])
    assert len(associator.identities()) == 1
    assert associator.update(111.5, [], []) == []
    assert associator.identities() == []
    assert kinds(associator.update(112.0, [sighting("a", 2, 0, time_s=112)], [])) == [("new", 2)]


def test_an_embedding_from_before_decides_when_enough_was_seen() -> None:
    associator = OnlineAssociator(AssociationConfig(min_observations=5))
    associator.update(0.0, [sighting("a", 1, 0, observations=4)], [])
    assert kinds(associator.update(0.1, [sighting("a", 1, None, observations=5)], [])) == [("new", 1)]


def test_an_embedding_that_is_not_finite_is_no_evidence() -> None:
    associator = OnlineAssociator(CONFIG)
    assert associator.update(0.0, [sighting("a", 1, float("nan"))], []) == []
    events = associator.update(1.0, [sighting("a", 1, 0), sighting("b", 1, 0)], [])
    assert kinds(events) == [("new", 1), ("matched", 1)]


def test_embeddings_without_parts_are_compared_by_their_global_part() -> None:
    layout = EmbeddingLayout(global_dim=2, parts=0, part_dim=0)
    embedding = ClipEmbedding(np.array([1, 0], np.float32), np.zeros(0, np.float32), layout)
    box = np.array([0, 0, 10, 20], np.float32)
    associator = OnlineAssociator(CONFIG)
    evidence = [TrackEvidence(TrackKey(camera, 1), 0.0, 0, box, 4, embedding) for camera in "ab"]
    assert kinds(associator.update(0.0, evidence, [])) == [("new", 1), ("matched", 1)]


def test_two_associators_do_not_know_each_other() -> None:
    first, second = OnlineAssociator(CONFIG), OnlineAssociator(CONFIG)
    first.update(0.0, [sighting("a", 1, 0)], [])
    assert kinds(second.update(0.0, [sighting("a", 1, 90)], [])) == [("new", 1)]
    assert second.identity_of(TrackKey("a", 1)) == 1


ticks = st.lists(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 4), st.integers(0, 5)),
        max_size=8,
        unique_by=lambda one: one[:2],
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(ticks=ticks)
def test_nobody_is_twice_in_one_camera_at_one_time(ticks: list[list[tuple[str, int, int]]]) -> None:
    associator = OnlineAssociator(AssociationConfig(threshold=0.5, min_observations=1))
    for index, tracks in enumerate(ticks):
        time_s = float(index)
        evidence = [
            sighting(camera, track, 30 * look, time_s=time_s, observations=index + 1) for camera, track, look in tracks
        ]
        associator.update(time_s, evidence, [])
        for camera in "abc":
            shown = [associator.identity_of(one.key) for one in evidence if one.key.camera_id == camera]
            assert len(set(shown)) == len(shown)
            assert None not in shown
