"""Whom every camera saw, counted: what is left of the events once nobody asks who a track was in which frame."""

from __future__ import annotations

from collections import Counter, defaultdict, deque

from keyreid_stream.structures import Event, TrackKey

REMEMBERED_TRACKS = 4096
"""Tracks that have ended and are still known one by one; revisions reach back for some hundred."""

_NOBODY = 0


class IdentityCounts:
    """Follows events and knows whom each camera saw. Grows with people, not with tracks: for runs without an end.

    A track's tracklets are known one by one until it is long over. What is revised later still counts right, because
    a `split` says whom the tracklet was taken for before.
    """

    def __init__(self) -> None:
        self._tracklets: dict[TrackKey, dict[int, int]] = {}
        self._left: deque[TrackKey] = deque()
        self._counts: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def apply(self, event: Event) -> None:
        """Take the next event."""
        if event.kind in ("new", "matched", "split"):
            self._assign(event)
        elif event.kind == "merged" and event.other_identity_id is not None:
            self._merge(event.other_identity_id, event.identity_id)
        elif event.kind == "forgotten":
            self._merge(event.identity_id, _NOBODY)
        elif event.kind == "left" and event.camera_id is not None and event.track_id is not None:
            self._left.append(TrackKey(event.camera_id, event.track_id))
            while len(self._left) > REMEMBERED_TRACKS:
                self._tracklets.pop(self._left.popleft(), None)

    def identities(self, camera_id: str | None = None) -> set[int]:
        """Everyone whom any camera saw, or one."""
        return {
            identity_id
            for identity_id, cameras in self._counts.items()
            if identity_id != _NOBODY
            and (cameras[camera_id] > 0 if camera_id is not None else any(count > 0 for count in cameras.values()))
        }

    def _assign(self, event: Event) -> None:
        if event.camera_id is None or event.track_id is None:
            return
        key, first_frame = TrackKey(event.camera_id, event.track_id), event.first_frame or 0
        known = self._tracklets.get(key)
        if known is None:
            known = self._tracklets[key] = {}
            if event.kind == "split" and event.other_identity_id is not None:
                known[first_frame] = event.other_identity_id
        replaced = list(known) if event.first_frame is None else [first_frame]
        for frame in replaced:
            if (before := known.pop(frame, None)) is not None:
                self._counts[before][key.camera_id] -= 1
        known[first_frame] = event.identity_id
        self._counts[event.identity_id][key.camera_id] += 1

    def _merge(self, gone: int, kept: int) -> None:
        self._counts[kept].update(self._counts.pop(gone, Counter()))
        for tracklets in self._tracklets.values():
            for first_frame, identity_id in tracklets.items():
                if identity_id == gone:
                    tracklets[first_frame] = kept
