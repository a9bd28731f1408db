"""Records of what the associator decided: each kind of decision once, and that recording changes nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keyreid_stream.association import AssociationConfig, Decision, OnlineAssociator
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.structures import Event, TrackEvidence, TrackKey
from tests.association.test_online import CONFIG, kinds, sighting

Step = tuple[float, list[TrackEvidence], list[TrackKey]]


def recorded(steps: list[Step], config: AssociationConfig = CONFIG) -> tuple[list[Event], list[Decision]]:
    """The events of these ticks, but for those that confirm or end, and the records."""
    decisions: list[Decision] = []
    associator = OnlineAssociator(config, decisions=decisions.append)
    events = [event for step in steps for event in associator.update(*step)]
    return [event for event in events if event.kind not in ("seen", "left")], decisions


def told(decisions: list[Decision]) -> list[tuple[str, str, int]]:
    return [(one.kind, one.how, one.identity_id) for one in decisions]


def test_new_and_matched_are_recorded_with_whom_they_were_compared_with() -> None:
    first = [sighting("a", 1, 0), sighting("a", 2, 90)]
    second = [sighting("b", 1, 10, time_s=1.0)]
    _, decisions = recorded([(0.0, first, []), (1.0, second, [])])
    assert told(decisions) == [("new", "compared", 1), ("new", "compared", 2), ("matched", "compared", 1)]
    assert decisions[0].candidates == ()
    matched = decisions[2]
    assert (matched.camera_id, matched.track_id, matched.first_frame, matched.clips) == ("b", 1, 10, 1)
    assert [one.identity_id for one in matched.candidates] == [1, 2]
    best = matched.candidates[0]
    assert best.similarity == pytest.approx(np.cos(np.deg2rad(10)), abs=1e-3)
    assert best.log_odds is not None
    assert best.log_odds.total > 0
    assert [(view.camera_id, view.track_id) for view in best.views] == [("a", 1)]


def test_tracks_that_found_an_identity_together_are_each_others_candidates() -> None:
    _, decisions = recorded([(0.0, [sighting("a", 1, 0), sighting("b", 1, 10), sighting("b", 2, 90)], [])])
    assert told(decisions) == [("new", "compared", 1), ("matched", "compared", 1), ("new", "compared", 2)]
    (one,) = decisions[1].candidates
    assert one.identity_id == 1
    assert one.log_odds is not None
    assert one.log_odds.total > 0
    assert [(view.camera_id, view.track_id) for view in one.views] == [("a", 1)]
    assert decisions[0].candidates == decisions[2].candidates == ()


def test_who_went_to_another_track_of_the_same_tick_is_named_as_taken() -> None:
    config = AssociationConfig(threshold=0.8, min_observations=1)
    _, decisions = recorded(
        [
            (0.0, [sighting("a", 1, 0), sighting("a", 2, 40)], []),
            # Track 1 of b is closest to identity 1, but leaves it to track 2, which fits nobody else.
            (1.0, [sighting("b", 1, 19), sighting("b", 2, -30)], []),
        ],
        config,
    )
    ours = next(one for one in decisions if (one.camera_id, one.track_id) == ("b", 1))
    assert ours.identity_id == 2
    assert [(one.identity_id, one.vetoes) for one in ours.candidates] == [(2, ()), (1, ("taken",))]
    weights = [one.log_odds.total for one in ours.candidates if one.log_odds]
    assert weights[1] > weights[0]


def test_somebody_seen_beside_the_track_long_ago_is_named_as_known_apart() -> None:
    config = AssociationConfig(threshold=0.6, min_observations=1, window_s=1, revise_every_s=0, max_gap_s=60)
    _, decisions = recorded(
        [
            (0.0, [sighting("a", 1, None), sighting("a", 2, 0)], []),
            (0.5, [sighting("a", 1, None, time_s=0.5)], [TrackKey("a", 2)]),
            (9.0, [sighting("a", 1, None, time_s=9.0)], []),  # by now, track 2 is an exemplar of identity 1
            (9.5, [sighting("a", 1, 0, time_s=9.5)], []),
        ],
        config,
    )
    assert told(decisions) == [("new", "compared", 1), ("new", "compared", 2)]
    (one,) = decisions[1].candidates
    assert (one.identity_id, one.vetoes) == (1, ("known apart",))
    assert [(view.track_id, view.camera_id) for view in one.views] == [(None, "a")]


def test_a_track_beside_another_of_its_own_identity_is_parted() -> None:
    config = AssociationConfig(threshold=0.9, min_observations=1)
    _, decisions = recorded(
        [
            (0.0, [sighting("a", 1, 0)], []),
            (2.0, [sighting("a", 2, 0, time_s=2.0, observations=2)], []),
            (2.5, [sighting("a", 1, 0, time_s=2.5, observations=9), sighting("a", 2, 0, time_s=2.5)], []),
        ],
        config,
    )
    goes_on = next(one for one in decisions if one.how == "goes on")
    assert (goes_on.kind, goes_on.identity_id, goes_on.track_id, goes_on.candidates) == ("matched", 1, 1, ())
    parted = next(one for one in decisions if one.how == "parted")
    assert (parted.kind, parted.other_identity_id, parted.track_id) == ("split", 1, 2)
    assert [(one.identity_id, one.vetoes, one.log_odds) for one in parted.candidates] == [(1, ("in view",), None)]


def test_revisions_are_recorded_with_what_the_others_look_like_now() -> None:
    # Two tracks begin unlike each other and become alike: they are merged.
    config = AssociationConfig(threshold=0.6, min_observations=1, revise_every_s=1)
    steps: list[Step] = []
    for tick in range(60):
        time_s = tick / 10
        degrees = 0.0 if tick > 3 else 80.0
        steps.append((time_s, [sighting("a", 1, 0, time_s=time_s), sighting("b", 1, degrees, time_s=time_s)], []))
    events, decisions = recorded(steps, config)
    merged = [one for one in decisions if one.kind == "merged"]
    assert [(one.identity_id, one.other_identity_id, one.how) for one in merged] == [(1, 2, "revised")]
    (kept,) = merged[0].candidates
    assert kept.identity_id == 1
    assert kept.log_odds is not None
    assert kept.log_odds.total > 0
    assert kinds(events) == [("new", 1), ("new", 2), ("merged", 1)]


def test_a_tracklet_that_moves_is_compared_with_whom_it_was_and_whom_it_is() -> None:
    config = AssociationConfig(threshold=0.6, min_observations=1, revise_every_s=1)
    steps: list[Step] = []
    for tick in range(60):
        time_s = tick / 10
        seen = [sighting("a", 1, 0, time_s=time_s), sighting("a", 2, 90, time_s=time_s)]
        seen.append(sighting("b", 1, 10.0 if tick < 3 else 90.0, time_s=time_s))
        steps.append((time_s, seen, []))
    _, decisions = recorded(steps, config)
    (moved,) = [one for one in decisions if one.kind == "split"]
    assert (moved.how, moved.camera_id, moved.track_id) == ("revised", "b", 1)
    assert (moved.other_identity_id, moved.identity_id) == (1, 2)
    assert [one.identity_id for one in moved.candidates] == [2, 1]
    weights = [one.log_odds.total for one in moved.candidates if one.log_odds]
    assert weights[0] > 0 > weights[1]


def crowd(seed: int) -> list[Step]:
    """People who come, cross, hide and leave in three cameras."""
    rng = np.random.default_rng(seed)
    steps: list[Step] = []
    for tick in range(80):
        time_s, stay = tick / 5, tick // 20
        seen = []
        for camera in range(3):
            for track in range(3):
                if rng.random() < 0.15:
                    continue
                who = (track + 2 * camera + 3 * stay) % 6
                degrees = 45.0 * who + rng.normal(0, 12) if tick % 3 == 0 else None
                one = sighting(f"c{camera}", 4 * stay + track, degrees, time_s=time_s, observations=tick % 20 + 1)
                box = np.array([20 * track + 7 * (tick % 5), 0, 20 * track + 15 + 7 * (tick % 5), 20], np.float32)
                seen.append(dataclasses.replace(one, box_xyxy=box))
        ended = [TrackKey(f"c{c}", 4 * (stay - 1) + t) for c in range(3) for t in range(3)] if tick % 20 == 0 else []
        steps.append((time_s, seen, ended))
    return steps


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_decision_is_recorded_once_in_order_and_recording_changes_nothing(seed: int) -> None:
    config = AssociationConfig(threshold=0.8, min_observations=2, window_s=6, revise_every_s=1)
    steps = crowd(seed)
    plain = OnlineAssociator(config)
    events, decisions = recorded(steps, config)
    silent = [event for step in steps for event in plain.update(*step) if event.kind not in ("seen", "left")]
    assert silent == events
    fields = ("kind", "identity_id", "timestamp_s", "camera_id", "track_id", "first_frame", "other_identity_id")
    assert [[getattr(one, name) for name in fields] for one in decisions] == [
        [getattr(one, name) for name in fields] for one in events
    ]
    assert {one.kind for one in decisions} >= {"new", "matched", "merged"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_candidate_of_a_match_is_whom_it_was_matched_to(seed: int) -> None:
    config = AssociationConfig(threshold=0.8, min_observations=2, window_s=6, revise_every_s=1)
    _, decisions = recorded(crowd(seed), config)
    matches = [one for one in decisions if (one.kind, one.how) == ("matched", "compared")]
    assert len(matches) > 5
    for one in matches:
        best = one.candidates[0]
        assert best.identity_id == one.identity_id
        assert best.vetoes == ()
        assert best.log_odds is not None
        assert best.log_odds.total > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_new_while_somebody_possible_fits(seed: int) -> None:
    config = AssociationConfig(threshold=0.8, min_observations=2, window_s=6, revise_every_s=1)
    _, decisions = recorded(crowd(seed), config)
    for one in decisions:
        if (one.kind, one.how) == ("new", "compared"):
            weights = [who.log_odds.total for who in one.candidates if who.log_odds and not who.vetoes]
            assert max(weights, default=-1) <= 0


def test_whom_an_earlier_run_saw_is_a_candidate_from_before_the_run_began() -> None:
    config = AssociationConfig(threshold=0.9, min_observations=2, window_s=1)
    gallery = Gallery(config)
    gallery.begin_run(0.0, 0.0)
    first = OnlineAssociator(config, gallery=gallery)
    first.update(10.0, [sighting("a", 1, 0, time_s=10.0)], [])
    first.update(20.0, [], [TrackKey("a", 1)])
    gallery.begin_run(100.0, 100.0)
    decisions: list[Decision] = []
    second = OnlineAssociator(config, gallery=gallery, decisions=decisions.append)
    events = second.update(5.0, [sighting("b", 1, 8, time_s=5.0)], [])
    assert kinds(events) == [("matched", 1)]
    (best,) = decisions[0].candidates
    assert [(view.camera_id, view.track_id, view.first_frame, view.last_s) for view in best.views] == [
        ("a", None, None, -90.0)
    ]
