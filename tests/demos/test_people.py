"""Sightings out of events, and people out of sightings, by hand."""

from __future__ import annotations

from pathlib import Path

from keyreid_demos.people import AsTheGallerySays, AsTheRunSaid, Sighting, people_of, sightings_of
from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.structures import Event, TrackKey
from tests.demos.runs import sighting

DOOR, HALL = TrackKey("door", 1), TrackKey("hall", 4)
FPS = {"door": 10.0, "hall": 10.0}


def told(*events: Event) -> list[tuple[str, int, float, float]]:
    found = sightings_of(events, Path("nowhere"), FPS)
    return [(one.name, one.said, one.first_s, one.last_s) for one in found]


def test_a_track_lasts_from_its_first_event_to_its_last_sighting() -> None:
    events = [sighting("new", 1, DOOR, 1.0), sighting("seen", 1, DOOR, 2.5), Event("left", 1, 9.0, *DOOR)]
    assert told(*events) == [("door/1", 1, 1.0, 2.5)]


def test_a_track_that_was_cut_is_two_sightings_the_second_from_where_it_was_cut() -> None:
    events = [
        sighting("new", 1, DOOR, 1.0),
        sighting("seen", 1, DOOR, 2.0),
        sighting("split", 2, DOOR, 3.0, other_identity_id=1, first_frame=24),
        sighting("seen", 2, DOOR, 4.0, first_frame=24),
    ]
    assert told(*events) == [("door/1", 1, 1.0, 2.0), ("door/1@24", 2, 2.4, 4.0)]


def test_a_merge_holds_for_what_was_before() -> None:
    events = [
        sighting("new", 1, DOOR, 1.0),
        sighting("new", 2, HALL, 2.0),
        Event("merged", 1, 3.0, other_identity_id=2),
    ]
    assert told(*events) == [("door/1", 1, 1.0, 1.0), ("hall/4", 1, 2.0, 2.0)]


def test_whoever_was_forgotten_is_nobody() -> None:
    events = [sighting("new", 1, DOOR, 1.0), sighting("new", 2, HALL, 2.0), Event("forgotten", 1, 3.0)]
    assert told(*events) == [("hall/4", 2, 2.0, 2.0)]


def seen(key: TrackKey, said: int) -> Sighting:
    return Sighting(key, 0, said, 0.0, 1.0, None)


def test_without_a_gallery_people_are_whom_the_run_said() -> None:
    people = people_of([seen(HALL, 2), seen(DOOR, 1)], AsTheRunSaid())
    assert [(one.identity_id, one.title, one.cameras) for one in people] == [(1, "P1", ("door",)), (2, "P2", ("hall",))]


def known() -> Gallery:
    gallery = Gallery(AssociationConfig())
    gallery.begin_run(0.0, 0.0)
    for _ in range(2):
        gallery.found(0.0)
    return gallery


def test_a_track_is_whoevers_list_it_is_on() -> None:
    gallery = known()
    gallery.add_track(2, DOOR)
    people = people_of([seen(DOOR, 1)], AsTheGallerySays.of(gallery, 1))
    assert [one.identity_id for one in people] == [2]


def test_a_track_of_two_people_is_each_time_whom_the_run_said() -> None:
    gallery = known()
    gallery.add_track(1, DOOR)
    gallery.add_track(2, DOOR)
    parts = [Sighting(DOOR, 0, 1, 0.0, 1.0, None), Sighting(DOOR, 24, 2, 2.4, 4.0, None)]
    people = people_of(parts, AsTheGallerySays.of(gallery, 1))
    assert {one.identity_id: [part.name for part in one.sightings] for one in people} == {
        1: ["door/1"],
        2: ["door/1@24"],
    }


def test_tracks_of_other_runs_and_people_who_are_gone_do_not_count() -> None:
    gallery = known()
    gallery.add_track(2, DOOR)
    gallery.begin_run(9.0, 9.0)
    people = people_of([seen(DOOR, 1), seen(HALL, 7)], AsTheGallerySays.of(gallery, 2))
    assert [one.identity_id for one in people] == [1]


def test_the_picture_of_a_person_is_of_the_longest_sighting_that_has_one() -> None:
    pieces = [
        Sighting(DOOR, 0, 1, 0.0, 9.0, None),
        Sighting(HALL, 0, 1, 0.0, 2.0, Path("short.jpg")),
        Sighting(TrackKey("hall", 5), 0, 1, 3.0, 6.0, Path("long.jpg")),
    ]
    (person,) = people_of(pieces, AsTheRunSaid())
    assert person.crop() == Path("long.jpg")
    assert person.crop("door") is None
