"""Changes by hand: what they do, that undoing them gives back what was, and when they cannot be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyreid_stream.association import GalleryStore, editing
from keyreid_stream.association.editing import Edit
from keyreid_stream.association.erasing import forget
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import TrackSpan
from keyreid_stream.association.journal import state
from keyreid_stream.errors import InputError
from keyreid_stream.structures import TrackKey
from tests.association.killed_run import CONFIG, SPACE
from tests.association.test_store import exemplar

FIRST, SECOND = TrackKey("a", 1), TrackKey("b", 2)


def seen(seed: int, camera_id: str, first_s: float, last_s: float) -> Exemplar:
    made = exemplar(seed)
    return Exemplar(made.signature, camera_id, 1, first_s, last_s)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GalleryStore]:
    """Two people: the first on two tracks with a view each, the second on one."""
    with GalleryStore(tmp_path / "people.gallery", CONFIG, SPACE) as opened:
        with opened.tick():
            opened.begin_run(0.0)
            gallery = opened.gallery
            one, other = gallery.found(0.0), gallery.found(1.0)
            gallery.add_track(one, FIRST)
            gallery.add_exemplar(one, seen(0, "a", 0.0, 2.0))
            gallery.add_track(one, SECOND)
            gallery.add_exemplar(one, seen(1, "b", 5.0, 6.0))
            gallery.add_track(other, TrackKey("a", 3))
            gallery.add_exemplar(other, seen(2, "a", 1.0, 2.0))
        yield opened


def views(store: GalleryStore, identity_id: int) -> list[tuple[str, float]]:
    offset_s = store.gallery.offset_s
    return [(one.camera_id, round(one.first_s - offset_s, 3)) for one in store.gallery.exemplars(identity_id)]


def tracks(store: GalleryStore, identity_id: int) -> list[TrackKey]:
    return [one.key for one in dict(store.gallery.entries())[identity_id].tracks]


EDITS: dict[str, Callable[[GalleryStore], Edit]] = {
    "rename": lambda store: editing.rename(store, 1, "Ada"),
    "rename to nothing": lambda store: editing.rename(store, 1, ""),
    "merge": lambda store: editing.merge(store, 1, 2),
    "part": lambda store: editing.part(store, 1, [TrackSpan(SECOND, 5.0, 6.0)]),
}


@pytest.mark.parametrize("name", EDITS)
def test_undoing_gives_back_what_was_also_in_the_file(store: GalleryStore, name: str) -> None:
    path, before = store.path, {one: views(store, one) for one in (1, 2)}
    held = [(one, entry.name, entry.tracks, entry.others) for one, entry in store.gallery.entries()]
    editing.undo(store, EDITS[name](store))
    assert {one: views(store, one) for one in (1, 2)} == before
    assert [(one, entry.name, entry.tracks, entry.others) for one, entry in store.gallery.entries()] == held
    now = state(store.gallery)
    store.close()
    with GalleryStore(path) as again:
        assert state(again.gallery) == now


def test_a_taken_name_comes_back_to_whoever_of_the_merged_had_it(store: GalleryStore) -> None:
    editing.rename(store, 2, "Grace")
    editing.merge(store, 1, 2)
    editing.undo(store, editing.rename(store, 1, ""))
    assert dict(store.gallery.entries())[1].name == "Grace"
    editing.take_out(store, 1)
    assert [entry.name for _, entry in store.gallery.entries()] == ["", "Grace"]


def test_taking_out_sets_apart_and_undoing_that_lets_them_be_one_again(store: GalleryStore) -> None:
    editing.merge(store, 1, 2)
    edit = editing.take_out(store, 1)
    assert edit.identity_id == 2
    assert store.gallery.are_apart(1, 2)
    editing.undo(store, edit)
    assert [one for one, _ in store.gallery.entries()] == [1]
    assert dict(store.gallery.entries())[1].ids == {1, 2}


def test_parted_tracks_take_the_views_with_them_that_they_gave(store: GalleryStore) -> None:
    edit = editing.part(store, 1, [TrackSpan(SECOND, 5.0, 6.0)])
    new = edit.identity_id
    assert new == 3
    assert (tracks(store, 1), views(store, 1)) == ([FIRST], [("a", 0.0)])
    assert (tracks(store, new), views(store, new)) == ([SECOND], [("b", 5.0)])
    assert store.gallery.are_apart(1, new)


def test_views_of_another_camera_or_another_time_stay(store: GalleryStore) -> None:
    edit = editing.part(store, 1, [TrackSpan(SECOND, 0.0, 4.0)])
    assert views(store, 1) == [("a", 0.0), ("b", 5.0)]
    assert views(store, edit.identity_id) == []


def test_what_a_run_left_unsettled_goes_the_same_way(store: GalleryStore) -> None:
    with store.tick():
        store.gallery.sketch(1, TrackKey("b", 2), 0, seen(7, "b", 5.5, 5.9))
    edit = editing.part(store, 1, [TrackSpan(SECOND, 5.0, 6.0)])
    assert not store.gallery.state.sketches
    assert ("b", 5.5) in views(store, edit.identity_id)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([], "some tracks of identity 1 must be chosen"),
        ([TrackSpan(FIRST, 0, 2), TrackSpan(SECOND, 5, 6)], "one must remain"),
        ([TrackSpan(TrackKey("a", 3), 0, 2)], "a/3 are not of identity 1"),
    ],
)
def test_what_cannot_be_parted_is_refused(store: GalleryStore, spans: list[TrackSpan], message: str) -> None:
    with pytest.raises(InputError, match=message):
        editing.part(store, 1, spans)


def test_nothing_is_undone_past_a_later_change(store: GalleryStore) -> None:
    edit = editing.merge(store, 1, 2)
    editing.rename(store, 1, "Ada")
    with pytest.raises(InputError, match="“P2 is P1” cannot be undone"):
        editing.undo(store, edit)


def test_whoever_is_forgotten_is_not_in_what_an_undone_change_left_in_the_log(store: GalleryStore) -> None:
    path = store.path
    editing.rename(store, 1, "Ada Lovelace")
    editing.undo(store, editing.merge(store, 1, 2))
    store.snapshot()
    forget(store, 1)
    store.close()
    assert b"Ada Lovelace" not in path.read_bytes()
    with GalleryStore(path) as again:
        assert [one for one, _ in again.gallery.entries()] == [2]


def test_someone_unknown_is_refused_and_the_file_stays_as_it_is(store: GalleryStore) -> None:
    before = state(store.gallery)
    with pytest.raises(InputError, match="no identity 9"):
        editing.merge(store, 1, 9)
    assert state(store.gallery) == before
