"""Cutting tracks, and what is kept of pairs of tracklets."""

from collections.abc import Mapping

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.tracklets import Sighting, TrackletBook
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey

CONFIG = AssociationConfig(crossing_iou=0.3, max_gap_s=1.0, window_s=10.0, max_tracklets=16)
LAYOUT = EmbeddingLayout(global_dim=2, parts=1, part_dim=2)
A1, A2, B1 = TrackKey("a", 1), TrackKey("a", 2), TrackKey("b", 1)
CAMERAS = {"a": 0, "b": 1}


def see(
    book: TrackletBook,
    time_s: float,
    lefts: Mapping[TrackKey, float],
    places: Mapping[TrackKey, tuple[float, float]] | None = None,
) -> list[Sighting]:
    """One tick of people 10 pixels wide and 20 high, `left` pixels from the left."""
    evidence = [
        TrackEvidence(
            key,
            time_s,
            round(10 * time_s),
            np.array([left, 0, left + 10, 20], np.float32),
            1,
            floor_xy=(places or {}).get(key),
        )
        for key, left in sorted(lefts.items())
    ]
    sightings = book.see(evidence, [CAMERAS[one.key.camera_id] for one in evidence])
    book.note(sightings)
    return sightings


def test_a_track_that_nothing_happens_to_is_one_tracklet() -> None:
    book = TrackletBook(CONFIG)
    for tick in range(50):
        see(book, tick / 10, {A1: tick, A2: 200, B1: 0})
    assert [(one.key, one.first_frame, one.seen) for one in book] == [(A1, 0, 50), (A2, 0, 50), (B1, 0, 50)]


def test_tracks_are_cut_when_their_crossing_ends() -> None:
    book = TrackletBook(CONFIG)
    for tick, gap in enumerate([30, 10, 4, 0, 4, 10, 30]):  # IoU 0, 0, 0.43, 1, 0.43, 0, 0
        sightings = see(book, tick / 10, {A1: 100, A2: 100 + gap, B1: 100})
    assert [(one.key, one.first_frame, one.number, one.seen, one.ended) for one in book] == [
        (A1, 0, 0, 5, True),
        (A2, 0, 0, 5, True),
        (B1, 0, 0, 7, False),  # people of another camera are nowhere near
        (A1, 5, 1, 2, False),
        (A2, 5, 1, 2, False),
    ]
    assert [one.was for one in sightings] == [None, None, None]
    assert book.current(A1) is sightings[0].tracklet


def test_a_track_is_cut_when_it_returns_after_a_gap() -> None:
    book = TrackletBook(CONFIG)
    for time_s in (0.0, 1.0, 2.5):
        sightings = see(book, time_s, {A1: 0})
    first, second = book
    assert (first.last_s, first.ended, second.first_frame) == (1.0, True, 25)
    assert sightings[0].was is first


def test_a_cut_by_hand_begins_with_the_sighting_that_is_not_noted_yet() -> None:
    book = TrackletBook(CONFIG)
    see(book, 0.0, {A1: 0})
    evidence = TrackEvidence(A1, 0.1, 1, np.array([0, 0, 10, 20], np.float32), 2)
    (sighting,) = book.see([evidence], [0])
    parted = book.cut(sighting)
    book.note([parted])
    assert [(one.first_frame, one.last_s, one.seen) for one in book] == [(0, 0.0, 1), (1, 0.1, 1)]
    (new,) = book.see([TrackEvidence(A2, 0.1, 1, np.array([50, 0, 60, 20], np.float32), 2)], [0])
    assert book.cut(new) is new  # it has only just begun


def test_it_knows_who_was_seen_beside_whom() -> None:
    book = TrackletBook(CONFIG)
    see(book, 0.0, {A1: 0, B1: 0})
    see(book, 0.5, {A2: 0, B1: 0})
    see(book, 0.8, {A1: 0, A2: 50})
    rows = {one.key: one.row for one in book}
    assert book.together[rows[A1], rows[A2]]
    assert book.together[rows[A2], rows[A1]]
    assert book.together.sum() == 2
    assert book.neighbours(book.of_row(rows[A1])) == [book.of_row(rows[A2])]


def test_it_measures_how_far_apart_cameras_put_people() -> None:
    book = TrackletBook(CONFIG)
    see(book, 0.0, {A1: 0, A2: 50, B1: 0}, {A1: (0, 0), A2: (9, 9), B1: (3, 4)})
    see(book, 0.1, {A1: 0, A2: 50, B1: 0}, {A1: (1, 0), B1: (1, 1)})
    rows = {one.key: one.row for one in book}
    assert book.floor_count[rows[A1], rows[B1]] == 2
    assert book.floor_sum[rows[A1], rows[B1]] == 6
    assert book.floor_count[rows[A1], rows[A2]] == 0  # of one camera
    row = rows[A1]
    assert (book.columns.first_places[row].tolist(), book.columns.last_places[row].tolist()) == ([0, 0], [1, 0])


def clip(degrees: float, quality: float, *, shown: float = 1.0) -> TrackEvidence:
    angle = np.deg2rad(degrees)
    vector = np.array([np.cos(angle), np.sin(angle)] * 2, np.float32) * 7
    embedding = ClipEmbedding(vector, np.array([shown], np.float32), LAYOUT)
    return TrackEvidence(A1, 0.0, 0, np.array([0, 0, 10, 20], np.float32), 1, embedding, quality)


def test_an_embedding_is_the_quality_weighted_mean_of_clips() -> None:
    book = TrackletBook(CONFIG)
    for evidence in (clip(0, 0.75), clip(90, 0.25, shown=0.0)):
        sightings = book.see([evidence], [0])
        book.note(sightings)
        book.add_clips(sightings)
    (tracklet,) = book
    assert (tracklet.clips, tracklet.quality) == (2, 1.0)
    x, y, part_x, part_y = book.signatures.vectors[tracklet.row]
    np.testing.assert_allclose([x, y], np.sqrt(0.5) * np.array([0.75, 0.25]) / np.hypot(0.75, 0.25), atol=1e-6)
    np.testing.assert_allclose(book.signatures.visibility[tracklet.row], [0.75], atol=1e-6)
    # The clip that hides the part does not turn it.
    np.testing.assert_allclose([part_x, part_y], [np.sqrt(0.5) * 0.75, 0], atol=1e-6)


def test_the_worst_clip_still_gives_a_direction() -> None:
    book = TrackletBook(CONFIG)
    sightings = book.see([clip(0, 0.0)], [0])
    book.note(sightings)
    book.add_clips(sightings)
    assert np.isfinite(book.signatures.vectors).all()
    assert book.signatures.vectors[0, 0] > 0.7


def test_who_ended_long_ago_is_to_be_settled_and_rows_are_used_again() -> None:
    book = TrackletBook(CONFIG)
    see(book, 0.0, {A1: 0, A2: 50}, {A1: (0, 0)})
    book.end(A1)
    assert book.current(A1) is None
    assert book.end(A1) is None
    assert book.settled(9.0) == []
    (old,) = book.settled(11.0)
    book.remove([old])
    assert len(book) == 1
    assert not book.together.any()
    see(book, 11.0, {A1: 0})
    assert next(one for one in book if one.key == A1).row == old.row
    assert not book.floor_count.any()


def test_beyond_the_cap_the_longest_ended_go_first_and_open_ones_never() -> None:
    book = TrackletBook(CONFIG)
    for number in range(20):
        key = TrackKey("a", number)
        see(book, number / 100, {key: 0})
        if number % 2:
            book.end(key)
    assert [one.key.track_id for one in book.settled(1.0)] == [1, 3, 5, 7]


def test_it_grows_beyond_its_first_rows() -> None:
    book = TrackletBook(AssociationConfig(max_tracklets=4096))
    for number in range(200):
        sightings = book.see(
            [TrackEvidence(TrackKey("a", number), 0.0, 0, clip(0, 1).box_xyxy, 1, clip(number, 1).embedding)], [0]
        )
        book.note(sightings)
        book.add_clips(sightings)
    assert len({one.row for one in book}) == 200
    assert (np.linalg.norm(book.signatures.vectors[[one.row for one in book]], axis=1) > 0.99).all()
