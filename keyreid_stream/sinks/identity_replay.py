"""From events back to state: which identity every track has, frame by frame."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Event, TrackKey

_NOBODY = 0


class Tracklet(NamedTuple):
    """A track from a frame on, until its next tracklet begins: who it shows. `identity_id` 0: erased."""

    first_frame: int
    identity_id: int


class IdentityReplay:
    """Follows events and knows who every track shows. Grows with tracklets, not with sightings."""

    def __init__(self) -> None:
        self._tracklets: defaultdict[TrackKey, list[Tracklet]] = defaultdict(list)
        self._beginnings_of: defaultdict[int, set[tuple[TrackKey, int]]] = defaultdict(set)

    def apply(self, event: Event) -> None:
        """Take the next event.

        Raises:
            InputError: the event names no track, or no second identity, where its kind needs one.
        """
        if event.kind in ("new", "matched", "split"):
            key = _track_of(event)
            if event.first_frame is None:
                self._clear(key)
            self._assign(key, event.first_frame or 0, event.identity_id)
        elif event.kind == "merged":
            if event.other_identity_id is None:
                raise InputError(f"a merged event at {event.timestamp_s:g} s names no other_identity_id; it needs one")
            for key, first_frame in self._beginnings_of.pop(event.other_identity_id, set()):
                self._assign(key, first_frame, event.identity_id)
        elif event.kind == "forgotten":
            for key, first_frame in self._beginnings_of.pop(event.identity_id, set()):
                self._assign(key, first_frame, _NOBODY)
        # `seen` confirms what is known, and a track that has `left` keeps its identities.

    def identity_at(self, key: TrackKey, frame_index: int) -> int | None:
        """Who a track shows in a frame; None while undecided or where erased."""
        tracklets = self._tracklets.get(key, [])
        place = bisect_right(tracklets, frame_index, key=lambda tracklet: tracklet.first_frame)
        return (tracklets[place - 1].identity_id or None) if place else None

    def tracklets(self) -> dict[TrackKey, tuple[Tracklet, ...]]:
        """Who every track shows, from which frame on; neighbours with one identity are one tracklet."""
        found = {}
        for key, tracklets in self._tracklets.items():
            changes = [
                tracklet
                for before, tracklet in zip([None, *tracklets], tracklets, strict=False)
                if before is None or before.identity_id != tracklet.identity_id
            ]
            if any(tracklet.identity_id for tracklet in changes):
                found[key] = tuple(changes)
        return found

    def identities(self, camera_id: str | None = None) -> set[int]:
        """Everyone whom any track shows, or any track of one camera."""
        return {
            identity_id
            for identity_id, beginnings in self._beginnings_of.items()
            if identity_id and any(camera_id in (None, key.camera_id) for key, _ in beginnings)
        }

    def of_tracks(self, keys: Collection[TrackKey]) -> IdentityReplay:
        """A replay that stands where this one stands, and knows of these tracks alone."""
        kept = IdentityReplay()
        for key in keys:
            for first_frame, identity_id in self._tracklets.get(key, []):
                kept._assign(key, first_frame, identity_id)
        return kept

    def _clear(self, key: TrackKey) -> None:
        for tracklet in self._tracklets.pop(key, []):
            self._beginnings_of[tracklet.identity_id].discard((key, tracklet.first_frame))

    def _assign(self, key: TrackKey, first_frame: int, identity_id: int) -> None:
        tracklets = self._tracklets[key]
        for before in [tracklet for tracklet in tracklets if tracklet.first_frame == first_frame]:
            tracklets.remove(before)
            self._beginnings_of[before.identity_id].discard((key, first_frame))
        insort(tracklets, Tracklet(first_frame, identity_id))
        self._beginnings_of[identity_id].add((key, first_frame))


def final_identities(events: Iterable[Event]) -> dict[TrackKey, tuple[Tracklet, ...]]:
    """Who every track showed, from which frame on, once all merges, splits and erasures are known.

    Tracks that never got an identity, or whose every identity was forgotten, are left out.

    Raises:
        InputError: an event lacks what its kind needs.
    """
    replay = IdentityReplay()
    for event in events:
        replay.apply(event)
    return replay.tracklets()


def _track_of(event: Event) -> TrackKey:
    if event.camera_id is None or event.track_id is None:
        raise InputError(
            f"a {event.kind} event at {event.timestamp_s:g} s names no track; it needs camera_id and track_id"
        )
    return TrackKey(event.camera_id, event.track_id)
