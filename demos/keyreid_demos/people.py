"""Who was in a run, as its folder and its gallery tell it together: what was changed by hand since is in it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from keyreid_stream.association.entries import Entry, RunTrack
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.sinks import crop_files, final_identities
from keyreid_stream.structures import Event, TrackKey

_NOT_SEEN = frozenset({"left", "merged", "forgotten"})
"""Kinds of events without somebody in view."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A track, or the part of one that shows one person.

    Attributes:
        key: the track.
        first_frame: from which frame on, as the event log counts.
        said: who the run said it is, in the end.
        first_s, last_s: on the run's clock.
        crop: its best picture, if there is one.
    """

    key: TrackKey
    first_frame: int
    said: int
    first_s: float
    last_s: float
    crop: Path | None

    @property
    def name(self) -> str:
        """What the page calls it."""
        return f"{self.key.camera_id}/{self.key.track_id}" + (f"@{self.first_frame}" if self.first_frame else "")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody.

    Attributes:
        identity_id: who.
        name: what they are called; empty without.
        sightings: in the order of time.
        ids: every id they went by in the run.
        can_take_out: whether somebody was merged into them who can be taken out again.
    """

    identity_id: int
    name: str
    sightings: tuple[Sighting, ...]
    ids: frozenset[int]
    can_take_out: bool = False

    @property
    def title(self) -> str:
        """Number and name."""
        return f"P{self.identity_id} {self.name}".strip()

    @property
    def cameras(self) -> tuple[str, ...]:
        """Those that saw them, by name."""
        return tuple(sorted({one.key.camera_id for one in self.sightings}))

    @property
    def first_s(self) -> float:
        """When they were seen first."""
        return min(one.first_s for one in self.sightings)

    @property
    def last_s(self) -> float:
        """When they were seen last."""
        return max(one.last_s for one in self.sightings)

    def crop(self, camera_id: str | None = None) -> Path | None:
        """The picture of their longest sighting that has one, in a camera or in any."""
        with_crop = [one for one in self.sightings if one.crop and camera_id in (None, one.key.camera_id)]
        return max(with_crop, key=lambda one: one.last_s - one.first_s).crop if with_crop else None


class KnownPeople(Protocol):
    """Who is known under which id, and whose a track is."""

    def holder(self, sighting: Sighting) -> int | None:
        """Who a sighting shows now; None where they were erased."""
        ...

    def person(self, identity_id: int) -> tuple[str, frozenset[int], bool]:
        """Name, all ids, and whether somebody can be taken out."""
        ...


@dataclass(frozen=True, slots=True)
class AsTheRunSaid:
    """Nobody changed anything: a run without a gallery."""

    def holder(self, sighting: Sighting) -> int | None:
        """Who the run said."""
        return sighting.said

    def person(self, identity_id: int) -> tuple[str, frozenset[int], bool]:
        """No name, no other ids."""
        return "", frozenset({identity_id}), False


@dataclass(frozen=True, slots=True)
class AsTheGallerySays:
    """What was changed by hand counts.

    Attributes:
        gallery: the run's.
        run: the run's number in it.
    """

    gallery: Gallery
    run: int
    _listing: dict[RunTrack, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, gallery: Gallery, run: int) -> AsTheGallerySays:
        """Look up whose the run's tracks are."""
        known = cls(gallery, run)
        for identity_id, entry in gallery.entries():
            for track in entry.tracks:
                if track.run == run:
                    known._listing[track].append(identity_id)
        return known

    def holder(self, sighting: Sighting) -> int | None:
        """Whoever lists the track; of several, whom the run said; of nobody, whoever the run's person is now."""
        said = self.gallery.holder(sighting.said)
        listed = self._listing.get(RunTrack(self.run, sighting.key), [])
        if said in listed or not listed:
            return said
        return listed[0] if len(listed) == 1 else said

    def person(self, identity_id: int) -> tuple[str, frozenset[int], bool]:
        """As the gallery has them."""
        entry: Entry = self._entry(identity_id)
        return entry.name, entry.ids, bool(entry.member.merged)

    def _entry(self, identity_id: int) -> Entry:
        return self.gallery.state.entries[identity_id]


def people_of(sightings: Iterable[Sighting], known: KnownPeople) -> tuple[Person, ...]:
    """Everybody in a run, by id."""
    theirs: defaultdict[int, list[Sighting]] = defaultdict(list)
    for one in sightings:
        holder = known.holder(one)
        if holder is not None:
            theirs[holder].append(one)
    return tuple(
        Person(identity_id, name, tuple(sorted(seen, key=lambda one: (one.first_s, one.key))), ids, can_take_out)
        for identity_id, seen in sorted(theirs.items())
        for name, ids, can_take_out in [known.person(identity_id)]
    )


def sightings_of(events: Sequence[Event], crops_folder: Path, fps: Mapping[str, float]) -> tuple[Sighting, ...]:
    """What a run's events say of its tracks, once all are known.

    Args:
        events: the run's.
        crops_folder: its crops, if it kept any.
        fps: nominal frames per second, by camera.

    Raises:
        InputError: an event lacks what its kind needs.
    """
    tracklets = final_identities(events)
    times: defaultdict[tuple[TrackKey, int], list[float]] = defaultdict(list)
    for event in events:
        if event.kind in _NOT_SEEN or event.camera_id is None or event.track_id is None or event.frame_index is None:
            continue
        key = TrackKey(event.camera_id, event.track_id)
        if key not in tracklets:
            continue
        first_frame = tracklets[key][_place([one.first_frame for one in tracklets[key]], event.frame_index)].first_frame
        began_s = event.timestamp_s - max(0, event.frame_index - first_frame) / fps.get(key.camera_id, 25.0)
        # A tracklet from frame 0 is a whole track, whose first frame the log does not tell.
        times[key, first_frame] += [event.timestamp_s] + ([began_s] if first_frame else [])
    crops = _crops(crops_folder, {key: [one.first_frame for one in parts] for key, parts in tracklets.items()})
    return tuple(
        Sighting(key, one.first_frame, one.identity_id, min(seen), max(seen), crops.get((key, one.first_frame)))
        for key, parts in tracklets.items()
        for one in parts
        if one.identity_id and (seen := times.get((key, one.first_frame)))
    )


def _crops(folder: Path, starts: Mapping[TrackKey, Sequence[int]]) -> dict[tuple[TrackKey, int], Path]:
    """The crop of each tracklet, the last one of several."""
    return {
        (crop.key, starts[crop.key][_place(starts[crop.key], crop.frame_index)]): crop.path
        for crop in crop_files(folder)
        if crop.key in starts
    }


def _place(starts: Sequence[int], frame: int) -> int:
    return max(0, bisect_right(starts, frame) - 1)
