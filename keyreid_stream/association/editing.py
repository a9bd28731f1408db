"""Changes of a gallery by hand, one at a time, each of which can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from keyreid_stream.association.entries import Member
from keyreid_stream.association.gallery import Gallery, TrackSpan
from keyreid_stream.association.journal import encoded_member
from keyreid_stream.association.store import GalleryStore
from keyreid_stream.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A change that was made.

    Attributes:
        told: what was done, a few words.
        identity_id: whom to look at afterwards.
        ids: everyone concerned, by all the ids they go by: whoever is forgotten is in no edit that is kept.
        before: those concerned as they were.
        after: those concerned as they became, as bytes, by id: only while they are still so it can be undone.
    """

    told: str
    identity_id: int
    ids: frozenset[int]
    before: tuple[Member, ...]
    after: dict[int, tuple[str, bytes]]


def rename(store: GalleryStore, identity_id: int, text: str) -> Edit:
    """Call somebody something; an empty text takes the name away.

    Raises:
        InputError: the identity is unknown, or the text is no name.
    """
    told = f"P{identity_id} is called {text}" if text else f"P{identity_id} has no name"

    def change(gallery: Gallery) -> int:
        gallery.name(identity_id, text)
        return identity_id

    return _edit(store, [identity_id], change, told)


def merge(store: GalleryStore, kept: int, gone: int) -> Edit:
    """Say that two are one person; the first id stays.

    Raises:
        InputError: both are the same, or one is unknown.
    """

    def change(gallery: Gallery) -> int:
        gallery.merge(kept, gone)
        return kept

    return _edit(store, [kept, gone], change, f"P{gone} is P{kept}")


def take_out(store: GalleryStore, identity_id: int) -> Edit:
    """Take whom was merged into an identity last out of it again; both are known to be different from then on.

    Raises:
        InputError: the identity is unknown, or nobody can be taken out of it.
    """

    def change(gallery: Gallery) -> int:
        other = gallery.unmerge(identity_id)
        gallery.set_apart(identity_id, other)
        return other

    return _edit(store, [identity_id], change, f"somebody is not P{identity_id} any more")


def part(store: GalleryStore, identity_id: int, spans: Iterable[TrackSpan]) -> Edit:
    """Say that some tracks of the gallery's last run are somebody else; both are known to be different from then on.

    Raises:
        InputError: the identity is unknown, a track is not its, or none would remain.
    """
    chosen = list(spans)

    def change(gallery: Gallery) -> int:
        other = gallery.part(identity_id, chosen)
        gallery.set_apart(identity_id, other)
        return other

    return _edit(store, [identity_id], change, f"{len(chosen)} tracks are not P{identity_id} any more")


def undo(store: GalleryStore, edit: Edit) -> None:
    """Let everyone concerned be as they were before.

    Raises:
        InputError: one of them has changed since.
    """
    gallery = store.gallery
    if _as_bytes(gallery, edit.after) != edit.after:
        raise InputError(f"“{edit.told}” cannot be undone: somebody concerned has changed since")
    with store.tick():
        gallery.put_back(list(edit.after), edit.before)


def _edit(store: GalleryStore, ids: list[int], change: Callable[[Gallery], int], told: str) -> Edit:
    gallery = store.gallery
    with store.tick():
        gallery.settle()  # whoever can open the file knows that its last run has ended
        entries = dict(gallery.entries())
        before = tuple(entries[one].member.copied() for one in ids if one in entries)
        identity_id = change(gallery)
    entries = dict(gallery.entries())
    concerned = [one for one in dict.fromkeys([*ids, identity_id]) if one in entries]
    names = frozenset(one for there in concerned for one in entries[there].ids)
    return Edit(told, identity_id, names, before, _as_bytes(gallery, concerned))


def _as_bytes(gallery: Gallery, ids: Iterable[int]) -> dict[int, tuple[str, bytes]]:
    entries = dict(gallery.entries())
    return {one: encoded_member(entries[one].member) for one in ids if one in entries}
