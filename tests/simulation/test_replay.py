from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.evaluation import ResultBoxes, TruthBoxes, score_cameras
from keyreid_stream.simulation.recording import Recording, clips_of, record
from keyreid_stream.simulation.replay import correction_delays, idf1, play
from keyreid_stream.simulation.tracks import simulated_tracks
from keyreid_stream.structures import Event, Identity, TrackEvidence, TrackKey
from tests.simulation.tables import table, walk


def recording_of(rows: list[tuple[int, int, int]]) -> Recording:
    sightings = table(rows)
    tracks = simulated_tracks(sightings)
    clips = clips_of(sightings, tracks)
    nothing = type(clips)(np.zeros(0, np.int64), np.zeros((0, 4), np.int64))
    return record(sightings, tracks, nothing, [])


class Scripted:
    """Says what it is told to say at each tick, and keeps what it was called with."""

    def __init__(self, script: dict[int, tuple[list[Event], dict[TrackKey, int]]]) -> None:
        self._script = script
        self._current: dict[TrackKey, int] = {}
        self.calls: list[tuple[float, tuple[TrackEvidence, ...], tuple[TrackKey, ...]]] = []

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        self.calls.append((timestamp_s, tuple(evidence), tuple(ended)))
        events, current = self._script.get(len(self.calls) - 1, ([], self._current))
        self._current = current
        return events

    def identity_of(self, key: TrackKey) -> int | None:
        return self._current.get(key)

    def identities(self) -> list[Identity]:
        return []


A, B = TrackKey("a", 1), TrackKey("b", 1)


def test_what_is_said_at_once_and_what_is_true_in_the_end() -> None:
    recording = recording_of([*walk(range(4), 0, 1), *walk(range(4), 1, 1)])
    script: dict[int, tuple[list[Event], dict[TrackKey, int]]] = {
        1: ([Event("new", 1, 0.2, "a", 1), Event("new", 2, 0.2, "b", 1)], {A: 1, B: 2}),
        3: ([Event("merged", 1, 0.6, other_identity_id=2)], {A: 1, B: 1}),
    }
    played = play(recording, Scripted(script))
    assert played.online.tolist() == [0, 0, 1, 2, 1, 2, 1, 1]
    assert played.revised.tolist() == [1] * 8
    assert played.said_s == pytest.approx([0.2, 0.2, 0.6])
    # Camera b's second and third frames, at 0.2 and 0.4 s, were called 2 until 0.6 s; what was undecided is no mistake.
    assert correction_delays(recording, played) == pytest.approx([0.4, 0.2])


def test_a_split_moves_a_track_from_its_frame_on() -> None:
    recording = recording_of(walk(range(6), 0, 1))
    script: dict[int, tuple[list[Event], dict[TrackKey, int]]] = {
        0: ([Event("new", 1, 0.0, "a", 1)], {A: 1}),
        5: ([Event("split", 2, 1.0, "a", 1, other_identity_id=1, first_frame=3)], {A: 2}),
    }
    played = play(recording, Scripted(script))
    assert played.online.tolist() == [1, 1, 1, 1, 1, 2]
    assert played.revised.tolist() == [1, 1, 1, 2, 2, 2]
    assert correction_delays(recording, played) == pytest.approx([0.4, 0.2])


def test_an_associator_gets_what_the_pipeline_would_give_it() -> None:
    recording = recording_of([*walk(range(2), 0, 1), (9, 1, 2)])
    associator = Scripted({})
    play(recording, associator)
    assert [time_s for time_s, _, _ in associator.calls] == pytest.approx([frame / 5 for frame in range(10)])
    assert [one.observations for _, evidence, _ in associator.calls for one in evidence] == [1, 2, 1]
    # Last seen at 0.2 s: a second later that may still be the same track, after 1.4 s it is not.
    assert [ended for _, _, ended in associator.calls] == [*[()] * 7, (A,), (), ()]


def test_clips_are_due_at_the_second_crop_and_at_every_full_clip() -> None:
    sightings = table([*walk(range(9), 0, 1), *walk(range(3), 1, 2)])
    clips = clips_of(sightings, simulated_tracks(sightings))
    crops = {
        tuple(f"{'abc'[sightings.camera[row]]}{sightings.frame_index[row]}" for row in rows if row >= 0)
        for rows in clips.rows.tolist()
    }
    assert crops == {
        ("a0", "a1"),
        ("a0", "a1", "a2", "a3"),
        ("a4", "a5", "a6", "a7"),
        ("b0", "b1"),
    }


def test_idf1_by_hand() -> None:
    people = np.array([1, 1, 1, 2, 2, 2])
    assert idf1(people, np.array([5, 5, 5, 9, 9, 9])) == 1
    assert idf1(people, np.array([5, 5, 5, 5, 5, 5])) == 0.5  # one of the two is found
    assert idf1(people, np.array([5, 5, 0, 0, 0, 0])) == pytest.approx(2 * 2 / (6 + 2))
    assert idf1(people, np.zeros(6, np.int64)) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_idf1_is_that_of_trackeval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(f, c, p) for f in range(6) for c in range(2) for p in range(1, 5) if rng.random() < 0.6]
    people = np.array([p for _, _, p in rows], np.int64)
    # Within a frame an identity is unique, as TrackEval demands: people are renumbered differently in every stretch.
    names = {key: rng.permutation(6)[:4] for key in {(f // 2, c) for f, c, _ in rows}}
    found = np.array([names[(f // 2, c)][p - 1] for f, c, p in rows], np.int64)
    truth, results = {}, {}
    for camera in range(2):
        own = np.array([c == camera for _, c, _ in rows], np.bool_)
        frames = np.array([f for f, c, _ in rows if c == camera], np.int64)
        x = 100.0 * people[own]
        boxes = np.stack([x, np.zeros(len(x)), x + 10, np.full(len(x), 20.0)], axis=1)
        shown = found[own] > 0
        truth[str(camera)] = TruthBoxes.all_counted(frames, people[own], boxes)
        results[str(camera)] = ResultBoxes(frames[shown], found[own][shown], boxes[shown])
    assert idf1(people, found) == pytest.approx(score_cameras(truth, results).together.idf1)
