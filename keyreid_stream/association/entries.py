"""What a gallery knows of an identity: of what it was founded as, and of what was merged into it since.

What was merged stays apart inside, as it was, so that a merge can be undone; what counts outside is all of it together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from keyreid_stream.association.exemplars import Exemplar, keep
from keyreid_stream.structures import TrackKey

REMEMBERED_TRACKS = 256
"""Tracks listed per member: enough to look at, bounded for runs that last weeks."""

REMEMBERED_OTHERS = 256
"""People known to be somebody else, per member: those seen beside them last. As many ids of what was folded in."""

SEPARABLE = 8
"""Merges into an identity, and into what was merged, that can be undone; the oldest beyond are final."""


_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class RunTrack:
    """A track of one of the runs that a gallery served: track ids begin anew in each."""

    run: int
    key: TrackKey


@dataclass(slots=True, eq=False)
class Member:
    """What was founded as one identity, by itself.

    Attributes:
        identity_id: what it was founded as.
        first_seen_s, last_seen_s: on the gallery's clock.
        name: what people call it; empty without.
        exemplars: settled ones.
        tracks: those listed last, the newest at the end.
        others: ids of people known to be somebody else, those seen beside them last at the end.
        folded: ids of those who were merged into it for good.
        merged: those that were merged into it and can be taken out again, in the order of merging.
    """

    identity_id: int
    first_seen_s: float
    last_seen_s: float
    name: str = ""
    exemplars: list[Exemplar] = field(default_factory=list)
    tracks: dict[RunTrack, None] = field(default_factory=dict)
    others: dict[int, None] = field(default_factory=dict)
    folded: dict[int, None] = field(default_factory=dict)
    merged: list[Member] = field(default_factory=list)

    def family(self) -> Iterator[Member]:
        """Itself, then everyone merged into it, and into those."""
        yield self
        for one in self.merged:
            yield from one.family()

    def copied(self) -> Member:
        """The same, with its family, that does not change with it."""
        return replace(
            self,
            exemplars=list(self.exemplars),
            tracks=dict(self.tracks),
            others=dict(self.others),
            folded=dict(self.folded),
            merged=[one.copied() for one in self.merged],
        )

    def part_from(self, identity_id: int) -> None:
        """Note that somebody is another person."""
        self.others.pop(identity_id, None)
        self.others[identity_id] = None
        _trim(self.others, REMEMBERED_OTHERS)

    def list_track(self, track: RunTrack) -> None:
        """Note a track that is not listed yet."""
        self.tracks[track] = None
        _trim(self.tracks, REMEMBERED_TRACKS)

    def fold(self, member: Member, most: int, global_weight: float) -> None:
        """Take in all that is known of another, of whom nobody can be taken out, for good."""
        self.first_seen_s = min(self.first_seen_s, member.first_seen_s)
        self.last_seen_s = max(self.last_seen_s, member.last_seen_s)
        self.name = self.name or member.name
        for exemplar in member.exemplars:
            keep(self.exemplars, exemplar, most, global_weight)
        # What is folded is older: of too much, it goes first.
        self.tracks = {**{one: None for one in member.tracks if one not in self.tracks}, **self.tracks}
        self.others = {**member.others, **self.others}
        self.folded = {**member.folded, member.identity_id: None, **self.folded}
        _trim(self.tracks, REMEMBERED_TRACKS)
        _trim(self.others, REMEMBERED_OTHERS)
        _trim(self.folded, REMEMBERED_OTHERS)


class Entry:
    """An identity: a member and its family, seen as one. To be read only, but by the gallery."""

    __slots__ = ("_exemplars", "_global_weight", "_ids", "_most", "_others", "member")

    def __init__(self, member: Member, most: int, global_weight: float) -> None:
        """See a family as one, with at most so many exemplars."""
        self.member = member
        self._most = most
        self._global_weight = global_weight
        self.changed()

    def changed(self) -> None:
        """Something in the family has changed: what follows from it is worked out anew when it is asked for."""
        self._exemplars: tuple[Exemplar, ...] | None = None
        self._ids: frozenset[int] | None = None
        self._others: frozenset[int] | None = None

    @property
    def first_seen_s(self) -> float:
        """When anybody of the family was seen first, on the gallery's clock."""
        if not self.member.merged:
            return self.member.first_seen_s
        return min(one.first_seen_s for one in self.member.family())

    @property
    def last_seen_s(self) -> float:
        """When anybody of the family was seen last, on the gallery's clock."""
        if not self.member.merged:
            return self.member.last_seen_s
        return max(one.last_seen_s for one in self.member.family())

    @property
    def name(self) -> str:
        """What people call it; empty without."""
        return next((one.name for one in self.member.family() if one.name), "")

    @property
    def exemplars(self) -> tuple[Exemplar, ...]:
        """All the family's, of which the most alike gave way."""
        if self._exemplars is None:
            kept: list[Exemplar] = []
            for member in self.member.family():
                for exemplar in member.exemplars:
                    keep(kept, exemplar, self._most, self._global_weight)
            self._exemplars = tuple(kept)
        return self._exemplars

    @property
    def tracks(self) -> tuple[RunTrack, ...]:
        """All the family's, each once."""
        if not self.member.merged:
            return tuple(self.member.tracks)
        return tuple(dict.fromkeys(track for one in self.member.family() for track in one.tracks))

    @property
    def ids(self) -> frozenset[int]:
        """Every id that the family goes by or went by."""
        if self._ids is None:
            members = list(self.member.family())
            self._ids = frozenset([*(one.identity_id for one in members), *(i for one in members for i in one.folded)])
        return self._ids

    @property
    def others(self) -> frozenset[int]:
        """Ids of people known to be somebody else."""
        if self._others is None:
            self._others = frozenset(other for one in self.member.family() for other in one.others)
        return self._others

    def part_from(self, identity_id: int) -> None:
        """Note that somebody is another person."""
        self.member.part_from(identity_id)
        self._others = None

    def is_apart_from(self, other: Entry) -> bool:
        """Whether the other is known to be somebody else."""
        return not (self.ids.isdisjoint(other.others) and other.ids.isdisjoint(self.others))

    def lists(self, track: RunTrack) -> bool:
        """Whether the track is any member's."""
        return any(track in one.tracks for one in self.member.family())

    def take_in(self, member: Member) -> None:
        """Merge another into this one; more than `SEPARABLE` members are folded, the oldest first."""
        self.member.merged.append(member)
        while sum(1 for _ in self.member.family()) - 1 > SEPARABLE:
            into = self.member
            while into.merged[0].merged:
                into = into.merged[0]
            into.fold(into.merged.pop(0), self._most, self._global_weight)
        self.changed()


def _trim(kept: dict[_Kept, None], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
