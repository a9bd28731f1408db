from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.simulation.tracks import simulated_tracks
from tests.simulation.tables import table, walk


def test_a_second_out_of_view_is_one_track_and_longer_is_two() -> None:
    seen = [0, 1, 6, 12]  # at 5 frames a second: gaps of 0.2, 1.0 and 1.2 s
    tracks = simulated_tracks(table([(frame, 0, 7) for frame in seen]))
    assert tracks.track_id.tolist() == [1, 1, 1, 2]
    assert tracks.stretch.tolist() == [0, 0, 0, 1]


def test_track_ids_count_per_camera_and_stretches_over_all() -> None:
    sightings = table([*walk(range(2), 0, 7), *walk(range(2), 1, 7), *walk(range(2), 1, 8)])
    tracks = simulated_tracks(sightings)
    assert tracks.track_id.tolist() == [1, 1, 2, 1, 1, 2]
    assert tracks.stretch.tolist() == [0, 1, 2, 0, 1, 2]


def crossing() -> tuple[list[tuple[int, int, int]], list[float]]:
    """Persons 1 and 2 walk through each other in camera 0, closest in frame 10; person 3 stands apart."""
    rows = [(frame, 0, person) for frame in range(21) for person in (1, 2, 3)]
    return rows, [{1: 100 + frame, 2: 120 - frame, 3: 200}[person] for frame, _, person in rows]


def test_a_crossing_swaps_two_tracks_at_the_frame_of_most_overlap_and_nobody_else() -> None:
    rows, lefts = crossing()
    sightings = table(rows, lefts=lefts)
    tracks = simulated_tracks(sightings, swap_rate=1.0)
    assert tracks.swaps == 1
    by_person = {person: tracks.track_id[sightings.person_id == person].tolist() for person in (1, 2, 3)}
    assert by_person == {1: [1] * 10 + [2] * 11, 2: [2] * 10 + [1] * 11, 3: [3] * 21}
    assert np.array_equal(tracks.stretch, simulated_tracks(sightings).stretch)


def test_someone_who_begins_in_the_frame_of_the_swap_can_be_swapped() -> None:
    rows = [*walk(range(10), 0, 1), *walk(range(5, 10), 0, 2)]
    sightings = table(rows, lefts=[100.0] * len(rows))
    tracks = simulated_tracks(sightings, swap_rate=1.0)
    assert tracks.track_id[sightings.person_id == 1].tolist() == [1] * 5 + [2] * 5
    assert tracks.track_id[sightings.person_id == 2].tolist() == [1] * 5


def test_people_who_cross_twice_may_swap_twice() -> None:
    rows = [*walk(range(30), 0, 1), *walk(range(30), 0, 2)]
    lefts = [100.0] * 30 + [100.0 if frame in (5, 20) else 150.0 for frame in range(30)]
    tracks = simulated_tracks(table(rows, lefts=lefts), swap_rate=1.0)
    assert tracks.swaps == 2
    assert tracks.track_id[::2].tolist() == [1] * 5 + [2] * 15 + [1] * 10


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_at_any_rate_a_frame_has_each_track_once_and_swaps_only_add_up(seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    rows = [(f, c, p) for f in range(40) for c in range(2) for p in range(1, 5) if rng.random() < 0.7]
    sightings = table(rows, lefts=rng.uniform(0, 40, len(rows)).tolist())
    tracks = simulated_tracks(sightings, rate, seed)
    shown = np.stack([sightings.camera, sightings.frame_index, tracks.track_id], axis=1)
    assert len(np.unique(shown, axis=0)) == len(shown)
    assert tracks.swaps <= simulated_tracks(sightings, 1.0, seed).swaps
