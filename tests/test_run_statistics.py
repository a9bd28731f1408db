from collections.abc import Sequence

import numpy as np

from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.structures import CameraTick, Detections, Event, Frame, Tick, Tracks


def seen(camera_id: str, time_s: float, detections: int, ids: Sequence[tuple[int, int]]) -> CameraTick:
    """A camera's share of a tick, with tracks given as (track id, identity id)."""
    frame = Frame(camera_id, 0, time_s, np.zeros((4, 4, 3), np.uint8))
    boxes, ones = np.zeros((detections, 4), np.float32), np.ones(detections, np.float32)
    count = len(ids)
    track_ids, identity_ids = np.array(ids, np.int64).reshape(count, 2).T
    tracks = Tracks(
        track_ids, np.zeros((count, 4), np.float32), np.ones(count, np.float32), np.arange(count, dtype=np.int64)
    )
    return CameraTick(frame, Detections(boxes, ones), tracks, identity_ids, {})


def test_counts_add_up_per_camera_and_over_all() -> None:
    statistics = RunStatistics(["a", "b", "silent"])
    events = (Event("new", 1, 0.0, "a", 1), Event("new", 2, 0.0, "b", 1))
    statistics.write(Tick(0, 0.0, (seen("a", 0.0, 3, [(1, 1), (2, 0)]), seen("b", 0.0, 1, [(1, 2)])), events))
    statistics.write(Tick(1, 0.1, (seen("a", 0.1, 1, [(2, 2)]),), (Event("matched", 2, 0.1, "a", 2),)))
    a, b, silent = statistics.cameras.values()
    assert (statistics.ticks, statistics.frames, statistics.identities) == (2, 3, {1, 2})
    assert statistics.events == {"new": 2, "matched": 1}
    assert (a.frames, a.detections, a.tracks, a.people_now, a.identities) == (2, 4, 2, 1, {1, 2})
    assert (b.frames, b.identities, b.last_timestamp_s) == (1, {2}, 0.0)
    assert (silent.frames, silent.identities) == (0, set())


def test_who_was_merged_into_another_is_not_counted_any_more() -> None:
    statistics = RunStatistics(["a", "b"])
    events = (Event("new", 1, 0.0, "a", 1), Event("new", 2, 0.0, "b", 1), Event("new", 3, 0.0, "b", 2))
    statistics.write(Tick(0, 0.0, (), events))
    statistics.write(Tick(1, 0.1, (), (Event("merged", 1, 0.1, other_identity_id=2),)))
    assert statistics.identities == {1, 3}
    assert statistics.cameras["b"].identities == {1, 3}
    assert statistics.cameras["a"].identities == {1}


def test_tracks_are_counted_whatever_their_ids_and_once_each() -> None:
    statistics = RunStatistics(["a"])
    for index, ids in enumerate([[(1001, 0)], [(1001, 0), (7, 0)], [(7, 0)], [(1001, 0)]]):
        statistics.write(Tick(index, index / 10, (seen("a", index / 10, 2, ids),), ()))
    assert statistics.cameras["a"].tracks == 2


def test_a_camera_that_joins_is_counted_and_one_that_comes_back_counts_on() -> None:
    statistics = RunStatistics(["a"])
    statistics.write(Tick(0, 0.0, (seen("late", 0.0, 1, [(1, 1)]),), (Event("new", 1, 0.0, "late", 1),), {"late": 5.0}))
    statistics.write(Tick(1, 0.1, (seen("late", 0.1, 1, [(1, 1)]),), (), {"late": 5.0}))
    assert statistics.cameras["late"].frames == 2
    assert statistics.cameras["late"].identities == {1}
