"""From events back to state: which identity every track has now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Event, TrackKey


class IdentityReplay:
    """Follows events and knows the identity of every track so far. Grows with tracks, not with sightings."""

    def __init__(self) -> None:
        self._identity_of: dict[TrackKey, int] = {}
        self._tracks_of: defaultdict[int, set[TrackKey]] = defaultdict(set)

    def apply(self, event: Event) -> None:
        """Take the next event.

        Raises:
            InputError: the event names no track, or no second identity, where its kind needs one.
        """
        if event.kind in ("new", "matched", "split"):
            self._assign(_track_of(event), event.identity_id)
        elif event.kind == "merged":
            if event.other_identity_id is None:
                raise InputError(f"a merged event at {event.timestamp_s:g} s names no other_identity_id; it needs one")
            for key in self._tracks_of.pop(event.other_identity_id, set()):
                self._assign(key, event.identity_id)
        elif event.kind == "forgotten":
            for key in self._tracks_of.pop(event.identity_id, set()):
                del self._identity_of[key]
        # `seen` confirms what is known, and a track that has `left` keeps its identity.

    def identities(self) -> dict[TrackKey, int]:
        """The identity of every track that has one."""
        return dict(self._identity_of)

    def _assign(self, key: TrackKey, identity_id: int) -> None:
        if (before := self._identity_of.get(key)) is not None:
            self._tracks_of[before].discard(key)
        self._identity_of[key] = identity_id
        self._tracks_of[identity_id].add(key)


def final_identities(events: Iterable[Event]) -> dict[TrackKey, int]:
    """The identity that every track ends up with, once all merges, splits and erasures are known.

    Tracks that never got an identity, or whose identity was forgotten, are left out.

    Raises:
        InputError: an event lacks what its kind needs.
    """
    replay = IdentityReplay()
    for event in events:
        replay.apply(event)
    return replay.identities()


def _track_of(event: Event) -> TrackKey:
    if event.camera_id is None or event.track_id is None:
        raise InputError(
            f"a {event.kind} event at {event.timestamp_s:g} s names no track; it needs camera_id and track_id"
        )
    return TrackKey(event.camera_id, event.track_id)
