"""The gallery: known identities with a few settled exemplars each, bounded in size and time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.structures import FloatArray, Identity, IntArray, TrackKey

REMEMBERED_TRACKS = 256
"""Tracks listed per identity: enough to look at, bounded for runs that last weeks."""

REMEMBERED_OTHERS = 256
"""People known to be somebody else, per identity: those seen beside them last."""


@dataclass(frozen=True, slots=True, eq=False)
class Exemplar:
    """A settled tracklet: what an identity looked like to one camera.

    Attributes:
        signature: one row.
        camera: the camera's number.
        clips: how many clips it is the mean of.
        first_s, last_s: when it was seen.
    """

    signature: Signatures
    camera: int
    clips: int
    first_s: float
    last_s: float


@dataclass(slots=True, eq=False)
class _Entry:
    first_seen_s: float
    last_seen_s: float
    exemplars: list[Exemplar] = field(default_factory=list)
    tracks: deque[TrackKey] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TRACKS))
    others: dict[int, None] = field(default_factory=dict)


class Gallery:
    """Identities by id, searched exactly."""

    def __init__(self, config: AssociationConfig) -> None:
        self._config = config
        self._entries: dict[int, _Entry] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, identity_id: int) -> bool:
        return identity_id in self._entries

    def found(self, timestamp_s: float) -> int:
        """Make a new, empty identity; its id was never used before."""
        identity_id = self._next_id
        self._next_id += 1
        self._entries[identity_id] = _Entry(timestamp_s, timestamp_s)
        return identity_id

    def touch(self, identity_id: int, timestamp_s: float) -> None:
        """Note that the person is in view now."""
        entry = self._entries[identity_id]
        entry.last_seen_s = max(entry.last_seen_s, timestamp_s)

    def first_seen_s(self, identity_id: int) -> float:
        """When the person was first seen."""
        return self._entries[identity_id].first_seen_s

    def add_track(self, identity_id: int, key: TrackKey) -> None:
        """List a track under an identity, once."""
        tracks = self._entries[identity_id].tracks
        if key not in tracks:
            tracks.append(key)

    def remove_track(self, identity_id: int, key: TrackKey) -> None:
        """Take a track out of an identity's list, if it is still there."""
        tracks = self._entries[identity_id].tracks
        if key in tracks:
            tracks.remove(key)

    def add_exemplar(self, identity_id: int, exemplar: Exemplar) -> None:
        """Keep a settled tracklet; a full set gives up the one most like another, so that what stays is diverse."""
        exemplars = self._entries[identity_id].exemplars
        exemplars.append(exemplar)
        if len(exemplars) <= self._config.exemplars:
            return
        rows = Signatures.joined([one.signature for one in exemplars])
        closeness = similarity(rows, rows, self._config.global_weight)
        cameras = np.array([one.camera for one in exemplars])
        np.fill_diagonal(closeness, -1)
        # A camera's only view of somebody stays, if there is a pair of one camera to choose from.
        same = np.where(cameras[:, None] == cameras, closeness, closeness - 2)
        first, second = np.unravel_index(int(np.argmax(same)), same.shape)
        del exemplars[min(int(first), int(second), key=lambda row: (exemplars[row].clips, row))]

    def exemplars(self, identity_id: int) -> tuple[Exemplar, ...]:
        """An identity's settled exemplars."""
        return tuple(self._entries[identity_id].exemplars)

    def set_apart(self, first: int, second: int) -> None:
        """Note that two identities were seen at once by one camera: they are never the same person."""
        for one, other in ((first, second), (second, first)):
            others = self._entries[one].others
            others.pop(other, None)
            others[other] = None
            if len(others) > REMEMBERED_OTHERS:
                del others[next(iter(others))]

    def are_apart(self, first: int, second: int) -> bool:
        """Whether two identities are known to be different people."""
        return second in self._entries[first].others or first in self._entries[second].others

    def merge(self, kept: int, gone: int) -> None:
        """Fold an identity into another."""
        entry, other = self._entries[kept], self._entries.pop(gone)
        entry.first_seen_s = min(entry.first_seen_s, other.first_seen_s)
        entry.last_seen_s = max(entry.last_seen_s, other.last_seen_s)
        for key in other.tracks:
            self.add_track(kept, key)
        for exemplar in other.exemplars:
            self.add_exemplar(kept, exemplar)
        for apart in other.others:
            if apart in self._entries:
                self.set_apart(kept, apart)

    def search(self, rows: Signatures) -> tuple[IntArray, FloatArray]:
        """Every identity's best similarity to each row.

        Returns:
            identity ids (I,) ascending by founding, and similarities (len(rows), I): the closest exemplar's.
        """
        known = [(identity_id, entry.exemplars) for identity_id, entry in self._entries.items() if entry.exemplars]
        ids = np.array([identity_id for identity_id, _ in known], np.int64)
        if not known or not len(rows):
            return ids, np.zeros((len(rows), len(ids)), np.float32)
        all_exemplars = Signatures.joined([one.signature for _, exemplars in known for one in exemplars])
        pairs = similarity(rows, all_exemplars, self._config.global_weight)
        starts = np.cumsum([0, *(len(exemplars) for _, exemplars in known[:-1])])
        best: FloatArray = np.maximum.reduceat(pairs, starts, axis=1)
        return ids, best

    def expire(self, now_s: float, in_use: Iterable[int]) -> list[int]:
        """Drop identities unseen past retention, then the least recently seen beyond the cap; return their ids.

        With them go their embeddings: nobody is matched to them any more. What was said of them stays said.

        Identities in `in_use` are never dropped.
        """
        oldest_allowed = now_s - self._config.retention_s
        if len(self._entries) <= self._config.max_identities and not any(
            entry.last_seen_s < oldest_allowed for entry in self._entries.values()
        ):
            return []
        used = set(in_use)
        away = [identity_id for identity_id in self._entries if identity_id not in used]
        gone = [identity_id for identity_id in away if self._entries[identity_id].last_seen_s < oldest_allowed]
        surplus = len(self._entries) - len(gone) - self._config.max_identities
        if surplus > 0:
            expired = set(gone)
            by_age = sorted(
                (i for i in away if i not in expired), key=lambda identity_id: self._entries[identity_id].last_seen_s
            )
            gone += by_age[:surplus]
        for identity_id in gone:
            del self._entries[identity_id]
        return gone

    def identities(self) -> list[Identity]:
        """Everyone, by identity id."""
        return [
            Identity(identity_id, entry.first_seen_s, entry.last_seen_s, tuple(entry.tracks))
            for identity_id, entry in sorted(self._entries.items())
        ]
