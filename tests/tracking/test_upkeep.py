"""Trackers that run for days: the same results as BoxMOT's own, on memory that does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from boxmot.structures import Boxes
from boxmot.structures import Detections as BoxmotDetections

from keyreid_stream.tracking.options import build_tracker
from keyreid_stream.tracking.unit_vectors import unit_rows
from tests.tracking.scenes import ALL_TRACKERS, HEIGHT, WIDTH, Step, box, crowd, follow, one_hot, step, tracker


def follow_bare(bare: Any, steps: list[Step]) -> list[Any]:
    """BoxMOT's tracker alone, without our hosting: the oracle."""
    blank = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    shown = []
    for one in steps:
        detections = BoxmotDetections(
            Boxes(torch.from_numpy(one.detections.boxes_xyxy)),
            torch.from_numpy(one.detections.confidence),
            torch.zeros(len(one.detections), dtype=torch.int64),
            sample_id="frame",
        )
        if len(detections):
            detections = detections.with_embeddings(torch.from_numpy(unit_rows(one.appearance)))
        shown.append(bare.update(detections, blank))
    return shown


@pytest.mark.parametrize("name", [*ALL_TRACKERS, "ocsort-byte", "occluboost-gta"])
def test_hosting_changes_nothing_but_the_ids(name: str) -> None:
    name, _, variant = name.partition("-")
    options: dict[str, Any] = {
        "byte": {"use_byte": True},
        "gta": {"gta_enabled": True, "gta_interpolate": True, "max_age": 8},
        "": {},
    }[variant]
    steps = crowd(12, 120, people=5)
    ours = follow(tracker(name, options=options), steps)
    theirs = follow_bare(build_tracker(name, options, compensating=False, fps=30), steps)
    boxmot_ids: dict[int, int] = {}
    for tracks, bare in zip(ours, theirs, strict=True):
        by_detection = {row: number for number, row in enumerate(bare.detection_indices.tolist())}
        assert sorted(by_detection) == sorted(tracks.detection_indices.tolist())
        order = [by_detection[row] for row in tracks.detection_indices.tolist()]
        np.testing.assert_array_equal(tracks.boxes_xyxy, bare.geometry.values.numpy()[order])
        for track_id, boxmot_id in zip(tracks.track_ids.tolist(), bare.track_ids[order].tolist(), strict=True):
            assert boxmot_ids.setdefault(track_id, boxmot_id) == boxmot_id
    assert len(set(boxmot_ids.values())) == len(boxmot_ids) >= 5


@pytest.mark.parametrize("name", ["ocsort", "deepocsort"])
def test_speeds_look_back_as_far_as_before(name: str) -> None:
    """Speeds only break ties, which the boxes above may not show; so they are compared themselves."""
    hosted, bare = tracker(name), build_tracker(name, {}, compensating=False, fps=30)
    for one in crowd(16, 60, people=4):
        follow(hosted, [one])
        follow_bare(bare, [one])
        ours = {track.id: track.velocity for track in hosted._tracker.active_tracks}
        theirs = {track.id: track.velocity for track in bare.active_tracks}
        assert ours.keys() == theirs.keys()
        for number, speed in theirs.items():
            np.testing.assert_array_equal(ours[number], speed)


def one_after_another(visitors: int) -> list[Step]:
    """A new person every ten frames, each in another place, for one frame of absence between them."""
    return [
        step(10 * who + i, [box(20 + 97 * (who % 6))] if i < 9 else [], [one_hot(who % 8)] if i < 9 else [])
        for who in range(visitors)
        for i in range(10)
    ]


def test_bytetrack_does_not_remember_all_who_ever_left() -> None:
    tracking = tracker("bytetrack", options={"track_buffer": 3})
    shown = follow(tracking, one_after_another(30))
    assert max(int(tracks.track_ids.max(initial=0)) for tracks in shown) >= 25
    assert len(tracking._tracker.removed_stracks) <= 2


@pytest.mark.parametrize("name", ["ocsort", "deepocsort"])
def test_someone_who_stays_for_ever_takes_no_more_memory(name: str) -> None:
    tracking = tracker(name)
    follow(tracking, [step(i, [box(100)], [one_hot(0)]) for i in range(120)])
    (track,) = tracking._tracker.active_tracks
    assert track.age > 100
    assert len(track.observations) <= track.delta_t + 1


def test_botsort_piles_up_no_features() -> None:
    tracking = tracker("botsort")
    follow(tracking, one_after_another(4))
    tracks = [*tracking._tracker.active_tracks, *tracking._tracker.lost_stracks, *tracking._tracker.removed_stracks]
    assert len(tracks) >= 3
    assert all(len(track.features) == 0 for track in tracks)


def test_occluboost_piles_up_no_interpolated_boxes() -> None:
    options = {"gta_enabled": True, "gta_interpolate": True, "max_age": 3}
    before = [step(i, [box(100)], [one_hot(0)]) for i in range(10)]
    absent = [step(10 + i, [], []) for i in range(10)]
    after = [step(20 + i, [box(400)], [one_hot(0)]) for i in range(3)]
    tracking = tracker("occluboost", options=options)
    assert follow(tracking, [*before, *absent, *after])[-1].track_ids.tolist() == [1]
    assert tracking._tracker._gta_gap_entries == []


@pytest.mark.parametrize("name", ALL_TRACKERS)
def test_the_map_of_ids_holds_live_tracks_only(name: str) -> None:
    tracking = tracker(name)
    follow(tracking, [*crowd(13, 60), *[step(60 + i, [], []) for i in range(300)]])
    assert tracking._ids.known() == []
