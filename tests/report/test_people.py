from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.report.people import PersonSeen, Stay, camera_lanes, people_seen
from keyreid_stream.sinks import BestCrop, FloorPath
from keyreid_stream.structures import TrackKey

CROP = BestCrop(np.zeros((8, 4, 3), np.uint8), 0.3, 3, (0.0, 0.0, 4.0, 8.0), 1.0)


def path(camera_id: str, track_id: int, identity_id: int, *times_s: float) -> FloorPath:
    return FloorPath(TrackKey(camera_id, track_id), identity_id, np.array(times_s), np.full((len(times_s), 2), np.nan))


def test_tracks_of_one_identity_are_one_person_and_long_absences_part_stays() -> None:
    first, second = people_seen(
        [
            path("a", 1, 1, 0.0, 0.1, 0.2),
            path("a", 2, 1, 1.1, 1.2),  # 0.9 s later: the same stay
            path("a", 3, 1, 5.0),
            path("b", 1, 1, 3.0, 3.1),
            path("b", 2, 2, 0.5),
            path("b", 3, 0, 0.5),  # undecided
        ],
        {1: {"b": CROP}},
    )
    assert first.identity_id == 1
    assert first.stays == {"a": (Stay(0.0, 1.2), Stay(5.0, 5.0)), "b": (Stay(3.0, 3.1),)}
    assert (first.first_seen_s, first.last_seen_s) == (0.0, 5.0)
    assert first.crops == {"b": CROP}
    assert (second.identity_id, second.crops) == (2, {})


def test_nobody_is_nobody() -> None:
    assert people_seen([], {}) == ()


def person(identity_id: int, *stays: tuple[float, float]) -> PersonSeen:
    return PersonSeen(identity_id, {"a": tuple(Stay(*stay) for stay in stays)}, {})


def test_lanes_are_reused_once_free_and_all_stays_of_one_identity_share_theirs() -> None:
    bars = camera_lanes([person(1, (0, 1), (4, 5)), person(2, (2, 3)), person(3, (6, 7)), person(4, (2, 9))], "a")
    assert {(bar.identity_id, bar.lane) for bar in bars} == {(1, 0), (2, 1), (3, 0), (4, 2)}
    assert camera_lanes([person(1, (0, 1))], "another") == ()


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 10)), max_size=15).map(
        lambda spans: [person(number, (start, start + length)) for number, (start, length) in enumerate(spans, 1)]
    )
)
def test_bars_of_one_lane_never_overlap(people: list[PersonSeen]) -> None:
    bars = camera_lanes(people, "a")
    assert len(bars) == len(people)
    for one in bars:
        for other in bars:
            if one is not other and one.lane == other.lane:
                assert one.stay.end_s < other.stay.start_s or other.stay.end_s < one.stay.start_s
