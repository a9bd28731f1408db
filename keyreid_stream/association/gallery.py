"""The gallery: known identities with a few exemplar embeddings each, bounded in size and time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.similarity import Signatures, signatures, similarity
from keyreid_stream.structures import ClipEmbedding, FloatArray, Identity, IntArray, TrackKey

REMEMBERED_TRACKS = 256
"""Tracks listed per identity: enough to look at, bounded for runs that last weeks."""


@dataclass(slots=True, eq=False)
class _Entry:
    first_seen_s: float
    last_seen_s: float
    exemplars: list[Signatures] = field(default_factory=list)
    tracks: deque[TrackKey] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TRACKS))


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

    def add_track(self, identity_id: int, key: TrackKey) -> None:
        """List a track under an identity."""
        self._entries[identity_id].tracks.append(key)

    def remove_track(self, identity_id: int, key: TrackKey) -> None:
        """Take a track out of an identity's list, if it is still there."""
        tracks = self._entries[identity_id].tracks
        if key in tracks:
            tracks.remove(key)

    def add_exemplar(self, identity_id: int, embedding: ClipEmbedding) -> None:
        """Keep an embedding; a full set gives up the exemplar most like it, so that what stays is diverse."""
        exemplars = self._entries[identity_id].exemplars
        new = signatures([embedding], self._config.global_weight)
        if len(exemplars) < self._config.exemplars:
            exemplars.append(new)
            return
        closeness = [float(similarity(new, old, self._config.global_weight)[0, 0]) for old in exemplars]
        exemplars[int(np.argmax(closeness))] = new

    def search(self, embeddings: list[ClipEmbedding]) -> tuple[IntArray, FloatArray]:
        """Every identity's best similarity to each embedding.

        Returns:
            identity ids (I,) ascending by founding, and similarities (len(embeddings), I): the closest exemplar's.
        """
        known = [(identity_id, entry.exemplars) for identity_id, entry in self._entries.items() if entry.exemplars]
        ids = np.array([identity_id for identity_id, _ in known], np.int64)
        if not known or not embeddings:
            return ids, np.zeros((len(embeddings), len(ids)), np.float32)
        rows = Signatures(
            np.concatenate([one.vectors for _, exemplars in known for one in exemplars]),
            np.concatenate([one.visibility for _, exemplars in known for one in exemplars]),
        )
        weight = self._config.global_weight
        pairs = similarity(signatures(embeddings, weight), rows, weight)
        starts = np.cumsum([0, *(len(exemplars) for _, exemplars in known[:-1])])
        best: FloatArray = np.maximum.reduceat(pairs, starts, axis=1)
        return ids, best

    def expire(self, now_s: float, in_view: set[int]) -> list[int]:
        """Drop identities out of view past retention, then the least recently seen beyond the cap; return their ids.

        With them go their embeddings: nobody is matched to them any more. What was said of them stays said.

        Identities in `in_view` are never dropped.
        """
        away = [identity_id for identity_id in self._entries if identity_id not in in_view]
        oldest_allowed = now_s - self._config.retention_s
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
            for identity_id, entry in self._entries.items()
        ]
