from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from keyreid_stream.interfaces import Associator
from keyreid_stream.simulation.baselines import ThresholdAssociator, clustered_offline, ripe_only, whole_tracks
from keyreid_stream.simulation.embeddings import LAYOUT
from keyreid_stream.simulation.recording import Recording, clips_of, record
from keyreid_stream.simulation.replay import idf1, play
from keyreid_stream.simulation.tracks import simulated_tracks
from keyreid_stream.structures import ClipEmbedding
from tests.simulation.tables import table, walk


def looking(degrees: float) -> ClipEmbedding:
    """An embedding in a plane: similarity is the cosine of the angle between two."""
    rows = np.zeros((1 + LAYOUT.parts, max(LAYOUT.global_dim, LAYOUT.part_dim)), np.float32)
    rows[:, :2] = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    vector = np.concatenate([rows[0, : LAYOUT.global_dim], rows[1:, : LAYOUT.part_dim].ravel()])
    return ClipEmbedding(vector, np.ones(LAYOUT.parts, np.float32), LAYOUT)


def recorded(rows: list[tuple[int, int, int]], looks: Mapping[tuple[int, int], float]) -> Recording:
    """People (camera, person) look like that, in degrees, in every clip."""
    sightings = table(rows)
    tracks = simulated_tracks(sightings)
    clips = clips_of(sightings, tracks)
    found = [looking(looks[int(sightings.camera[row]), int(sightings.person_id[row])]) for row in clips.last]
    return record(sightings, tracks, clips, found)


def test_a_track_goes_to_the_nearest_above_the_threshold_else_it_is_new() -> None:
    rows = [*walk(range(4), 0, 1), *walk(range(10, 14), 0, 2), *walk(range(20, 24), 1, 1), *walk(range(30, 34), 1, 3)]
    recording = recorded(rows, {(0, 1): 0, (0, 2): 50, (1, 1): 20, (1, 3): 120})
    associator: Associator = ThresholdAssociator(np.cos(np.deg2rad(35)))
    played = play(recording, associator)
    # Undecided until the fourth crop; the decision then counts for the whole track.
    assert played.online.tolist() == [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]
    assert played.revised.tolist() == [1] * 4 + [2] * 4 + [1] * 4 + [3] * 4
    assert [event.kind for event in played.events if event.kind != "left"] == ["new", "new", "matched", "new"]
    assert played.events[-1].kind == "new"
    assert [one.identity_id for one in associator.identities()] == [1, 2, 3]
    assert associator.identities()[0].camera_ids == ("a", "b")
    similarities = [event.similarity for event in played.events if event.kind == "matched"]
    assert similarities == pytest.approx([np.cos(np.deg2rad(20))], abs=1e-5)


def test_against_means_an_identity_is_what_its_embeddings_have_in_common() -> None:
    rows = [row for person in range(1, 4) for row in walk(range(20 * person, 20 * person + 4), 0, person)]
    recording = recorded(rows, {(0, 1): 0, (0, 2): 30, (0, 3): 60})
    threshold = np.cos(np.deg2rad(35))  # the third is 30 degrees from the second, and 45 from the mean of both
    nearest, mean = (play(recording, ThresholdAssociator(threshold, against)) for against in ("nearest", "mean"))
    assert nearest.revised.tolist() == [1] * 12
    assert mean.revised.tolist() == [1] * 8 + [2] * 4


def test_it_knows_nothing_of_who_is_in_view() -> None:
    recording = recorded([*walk(range(4), 0, 1), *walk(range(4), 0, 2)], {(0, 1): 0, (0, 2): 5})
    assert set(play(recording, ThresholdAssociator(0.9)).revised.tolist()) == {1}


def test_it_decides_once_by_its_first_ripe_embedding() -> None:
    sightings = table([*walk(range(12), 0, 1), *walk(range(40, 52), 0, 1)])
    tracks = simulated_tracks(sightings)
    clips = clips_of(sightings, tracks)  # at crops 2, 4, 8 and 12 of each track
    found = [looking(degrees) for degrees in (90, 0, 90, 90, 90, 0, 90, 90)]
    played = play(record(sightings, tracks, clips, found), ThresholdAssociator(0.9))
    assert set(played.revised.tolist()) == {1}


def test_a_recording_cut_down_to_ripe_embeddings_says_the_same() -> None:
    rng = np.random.default_rng(0)
    rows = [
        row for camera in range(3) for person in range(1, 9) for row in walk(range(person, 3 * person), camera, person)
    ]
    looks = {(camera, person): rng.uniform(0, 360) for camera in range(3) for person in range(1, 9)}
    recording = recorded(rows, looks)
    for threshold in (0.2, 0.8, 0.95):
        whole, short = (play(one, ThresholdAssociator(threshold)) for one in (recording, ripe_only(recording)))
        assert np.array_equal(whole.revised, short.revised)
        assert len(short.events) == len({key for key, row in zip(recording.keys, whole.revised, strict=True) if row})


def test_clustering_afterwards_finds_everyone_whom_a_threshold_can_part() -> None:
    rows = [row for camera in range(3) for person in (1, 2) for row in walk(range(8), camera, person)]
    looks = {(camera, person): 10.0 * camera + 60 * person for camera in range(3) for person in (1, 2)}
    recording = recorded(rows, looks)
    assert idf1(recording.person_id, clustered_offline(recording)) == 1


def test_clustering_never_joins_two_who_are_in_view_at_once() -> None:
    rows = [row for camera in range(2) for person in (1, 2) for row in walk(range(8), camera, person)]
    # By looks alone the two of camera a are one person.
    recording = recorded(rows, {(0, 1): 0, (0, 2): 4, (1, 1): 10, (1, 2): 20})
    found = clustered_offline(recording)
    in_a = np.array([key.camera_id == "a" for key in recording.keys])
    assert len(set(found[in_a].tolist())) == 2


def test_tracks_too_short_for_a_clip_have_no_identity() -> None:
    recording = recorded([*walk(range(4), 0, 1), *walk(range(4), 1, 1), (0, 2, 5)], {(0, 1): 0, (1, 1): 10})
    found = clustered_offline(recording)
    assert found[recording.person_id == 5].tolist() == [0]
    assert (found[recording.person_id == 1] > 0).all()


def test_a_recording_of_one_track() -> None:
    assert clustered_offline(recorded(walk(range(4), 0, 1), {(0, 1): 0})).tolist() == [1] * 4


def test_whole_tracks_show_whom_they_show_most() -> None:
    rows = [*walk(range(10), 0, 1), *walk(range(10), 0, 2)]
    lefts = [100.0] * 10 + [100.0 if frame == 4 else 150.0 for frame in range(10)]
    sightings = table(rows, lefts=lefts)
    tracks = simulated_tracks(sightings, swap_rate=1.0)
    clips = clips_of(sightings, tracks)
    recording = record(sightings, tracks, clips, [looking(0)] * len(clips))
    assert idf1(recording.person_id, whole_tracks(recording)) == pytest.approx(0.6)
