"""A gallery's state, and the operations that change it: the same ones on the same state always give the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keyreid_stream.association.entries import Entry, Member, RunTrack
from keyreid_stream.association.exemplars import Exemplar, keep
from keyreid_stream.structures import TrackKey

_CLOCK_TOLERANCE_S = 1e-3
"""Times in a file are rounded to this."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One change of a gallery.

    Attributes:
        name: one of `OPERATIONS`.
        arguments: plain values, as many as the operation takes.
        exemplar: of `add_exemplar` and `sketch` alone, in half precision.
        members: of `put_back` alone.
    """

    name: str
    arguments: tuple[int | float | str, ...]
    exemplar: Exemplar | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class SketchKey:
    """A tracklet of the present run."""

    track: TrackKey
    first_frame: int


class GalleryState:
    """All that decides what a gallery says and does.

    Attributes:
        entries: identities by id, ascending.
        sketches: whose an unsettled tracklet is, and what it looks like.
        next_id: the id that the next new identity gets.
        run: how many runs have begun.
        offset_s: how far the gallery's clock is ahead of the run's.
    """

    def __init__(self, most_exemplars: int, global_weight: float) -> None:
        """Start with nobody; the settings decide which exemplars are kept."""
        self.most_exemplars = most_exemplars
        self.global_weight = global_weight
        self.entries: dict[int, Entry] = {}
        self.sketches: dict[SketchKey, tuple[int, Exemplar]] = {}
        self.next_id = 1
        self.run = 0
        self.offset_s = 0.0

    def run_track(self, key: TrackKey) -> RunTrack:
        """A track of the present run."""
        return RunTrack(self.run, key)

    def holder(self, identity_id: int) -> int | None:
        """Who an id is now: itself, or whom it was merged into; None if nobody is known by it."""
        if identity_id in self.entries:
            return identity_id
        return next((holder for holder, entry in self.entries.items() if identity_id in entry.ids), None)

    def older(self, before_s: float, camera_id: str) -> list[int]:
        """Identities with sightings that ended before then, of a camera or, if that is empty, of all."""
        return [
            identity_id
            for identity_id, entry in self.entries.items()
            if (not camera_id and entry.last_seen_s < before_s)
            or any(_is_old(one, before_s, camera_id) for member in entry.member.family() for one in member.exemplars)
        ]

    def add(self, member: Member) -> None:
        """Take a member as an identity of its own; ids stay in order."""
        newest = next(reversed(self.entries), 0)
        self.entries[member.identity_id] = Entry(member, self.most_exemplars, self.global_weight)
        if member.identity_id < newest:
            ordered = sorted(self.entries.items())
            self.entries.clear()
            self.entries.update(ordered)

    def keep(self, member: Member, exemplar: Exemplar) -> None:
        """Give a member an exemplar more."""
        keep(member.exemplars, exemplar, self.most_exemplars, self.global_weight)

    def drop(self, identity_id: int) -> frozenset[int]:
        """Let an identity go, with all sketches of it; the ids it went by."""
        ids = self.entries.pop(identity_id).ids
        for key in [key for key, (owner, _) in self.sketches.items() if owner in ids]:
            del self.sketches[key]
        return ids


def _settle(state: GalleryState, operation: Operation) -> None:
    del operation
    for owner, exemplar in state.sketches.values():
        holder = state.holder(owner)
        if holder is None:
            raise ValueError("a sketch of nobody")
        entry = state.entries[holder]
        # A member that can be taken out again takes its own with it.
        member = next((one for one in entry.member.family() if one.identity_id == owner), entry.member)
        state.keep(member, exemplar)
        entry.changed()
    state.sketches.clear()


def _begin_run(state: GalleryState, operation: Operation) -> None:
    _, offset_s = operation.arguments
    _settle(state, operation)
    state.run += 1
    state.offset_s = float(offset_s)


def _found(state: GalleryState, operation: Operation) -> None:
    identity_id, timestamp_s = operation.arguments
    state.next_id = max(state.next_id, int(identity_id) + 1)
    state.add(Member(int(identity_id), float(timestamp_s), float(timestamp_s)))


def _touch(state: GalleryState, operation: Operation) -> None:
    identity_id, timestamp_s = operation.arguments
    member = state.entries[int(identity_id)].member
    member.last_seen_s = max(member.last_seen_s, float(timestamp_s))


def _add_track(state: GalleryState, operation: Operation) -> None:
    identity_id, camera_id, track_id = operation.arguments
    entry, track = state.entries[int(identity_id)], state.run_track(TrackKey(str(camera_id), int(track_id)))
    if not entry.lists(track):
        entry.member.list_track(track)


def _remove_track(state: GalleryState, operation: Operation) -> None:
    identity_id, camera_id, track_id = operation.arguments
    track = state.run_track(TrackKey(str(camera_id), int(track_id)))
    holding = [one for one in state.entries[int(identity_id)].member.family() if track in one.tracks]
    if not holding:
        raise ValueError("no such track")
    for member in holding:
        del member.tracks[track]


def _add_exemplar(state: GalleryState, operation: Operation) -> None:
    (identity_id,) = operation.arguments
    if operation.exemplar is None:
        raise ValueError("add_exemplar without an exemplar")
    entry = state.entries[int(identity_id)]
    state.keep(entry.member, operation.exemplar)
    entry.changed()


def _sketch(state: GalleryState, operation: Operation) -> None:
    identity_id, camera_id, track_id, first_frame = operation.arguments
    if operation.exemplar is None or int(identity_id) not in state.entries:
        raise ValueError("a sketch without an exemplar, or of nobody")
    key = SketchKey(TrackKey(str(camera_id), int(track_id)), int(first_frame))
    state.sketches[key] = int(identity_id), operation.exemplar


def _drop_sketch(state: GalleryState, operation: Operation) -> None:
    camera_id, track_id, first_frame = operation.arguments
    del state.sketches[SketchKey(TrackKey(str(camera_id), int(track_id)), int(first_frame))]


def _set_apart(state: GalleryState, operation: Operation) -> None:
    first, second = (int(one) for one in operation.arguments)
    for one, other in ((first, second), (second, first)):
        state.entries[one].part_from(other)


def _merge(state: GalleryState, operation: Operation) -> None:
    kept, gone = (int(one) for one in operation.arguments)
    entry = state.entries[kept]
    entry.take_in(state.entries.pop(gone).member)


def _unmerge(state: GalleryState, operation: Operation) -> None:
    identity_id, freed_id = operation.arguments
    entry = state.entries[int(identity_id)]
    freed = entry.member.merged.pop()
    if freed.identity_id != freed_id:
        raise ValueError("somebody else was merged last")
    entry.changed()
    state.add(freed)


def _detach(state: GalleryState, operation: Operation) -> None:
    identity_id, new_id, *numbers = (int(one) for one in operation.arguments)
    entry = state.entries[identity_id]
    chosen = [entry.exemplars[number] for number in numbers]
    for member in entry.member.family():
        member.exemplars = [one for one in member.exemplars if one not in chosen]
    entry.changed()
    state.next_id = max(state.next_id, new_id + 1)
    first_s, last_s = min(one.first_s for one in chosen), max(one.last_s for one in chosen)
    state.add(Member(new_id, first_s, last_s, exemplars=chosen))


def _part(state: GalleryState, operation: Operation) -> None:
    identity_id, new_id, *spans = operation.arguments
    entry, parted = state.entries[int(identity_id)], Member(int(new_id), np.inf, -np.inf)
    for camera_id, track_id, first_s, last_s in zip(*(iter(spans),) * 4, strict=True):
        track = state.run_track(TrackKey(str(camera_id), int(track_id)))
        parted.first_seen_s = min(parted.first_seen_s, float(first_s))
        parted.last_seen_s = max(parted.last_seen_s, float(last_s))
        parted.list_track(track)
        for member in entry.member.family():
            member.tracks.pop(track, None)
            theirs = [one for one in member.exemplars if _is_within(one, str(camera_id), float(first_s), float(last_s))]
            member.exemplars = [one for one in member.exemplars if one not in theirs]
            for exemplar in theirs:
                state.keep(parted, exemplar)
    entry.changed()
    state.next_id = max(state.next_id, int(new_id) + 1)
    state.add(parted)


def _is_within(exemplar: Exemplar, camera_id: str, first_s: float, last_s: float) -> bool:
    is_inside = first_s - _CLOCK_TOLERANCE_S <= exemplar.first_s and exemplar.last_s <= last_s + _CLOCK_TOLERANCE_S
    return exemplar.camera_id == camera_id and is_inside


def _put_back(state: GalleryState, operation: Operation) -> None:
    count, *ids = (int(one) for one in operation.arguments)  # the rest of the ids is told for `named_by`
    for identity_id in ids[:count]:
        del state.entries[identity_id]
    for member in operation.members:
        state.add(member.copied())


def _name(state: GalleryState, operation: Operation) -> None:
    identity_id, text = operation.arguments
    family = list(state.entries[int(identity_id)].member.family())
    family[0].name = str(text)
    if not text:  # nor does it go by a merged one's name
        for member in family:
            member.name = ""


def _forget(state: GalleryState, operation: Operation) -> None:
    (identity_id,) = operation.arguments
    ids = state.drop(int(identity_id))
    for entry in state.entries.values():
        if not ids.isdisjoint(entry.others):
            for member in entry.member.family():
                member.others = {other: None for other in member.others if other not in ids}
            entry.changed()


def _expire(state: GalleryState, operation: Operation) -> None:
    for identity_id in operation.arguments:
        state.drop(int(identity_id))


def _prune(state: GalleryState, operation: Operation) -> None:
    before_s, camera_id = float(operation.arguments[0]), str(operation.arguments[1])
    for identity_id in state.older(before_s, camera_id):
        entry = state.entries[identity_id]
        if not camera_id and entry.last_seen_s < before_s:
            state.drop(identity_id)
            continue
        for member in entry.member.family():
            member.exemplars = [one for one in member.exemplars if not _is_old(one, before_s, camera_id)]
        entry.changed()


def _is_old(exemplar: Exemplar, before_s: float, camera_id: str) -> bool:
    return exemplar.last_s < before_s and camera_id in ("", exemplar.camera_id)


OPERATIONS: dict[str, Callable[[GalleryState, Operation], None]] = {
    "begin_run": _begin_run,
    "settle": _settle,
    "found": _found,
    "touch": _touch,
    "add_track": _add_track,
    "remove_track": _remove_track,
    "add_exemplar": _add_exemplar,
    "sketch": _sketch,
    "drop_sketch": _drop_sketch,
    "set_apart": _set_apart,
    "merge": _merge,
    "unmerge": _unmerge,
    "detach": _detach,
    "part": _part,
    "put_back": _put_back,
    "name": _name,
    "forget": _forget,
    "expire": _expire,
    "prune": _prune,
}
"""What each operation does, by name."""

_OF_NOBODY = ("begin_run", "settle", "drop_sketch", "prune")
_OF_TWO = ("set_apart", "merge", "unmerge", "detach", "part")


def named_by(operation: Operation) -> frozenset[int]:
    """The identities that an operation names."""
    if operation.name in _OF_NOBODY:
        return frozenset()
    if operation.name == "expire":
        return frozenset(int(one) for one in operation.arguments)
    if operation.name == "put_back":
        return frozenset(int(one) for one in operation.arguments[1:])
    return frozenset(int(one) for one in operation.arguments[: 2 if operation.name in _OF_TWO else 1])


def changed_by(operation: Operation) -> frozenset[int] | None:
    """The identities that an operation makes, changes or ends; None for any of them."""
    if operation.name in ("begin_run", "settle", "forget", "prune"):
        return None
    return frozenset() if operation.name == "sketch" else named_by(operation)
