"""The first associator: exemplar gallery, Hungarian assignment, one threshold, nobody twice in one camera at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from scipy.optimize import linear_sum_assignment

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.structures import (
    ClipEmbedding,
    Event,
    FloatArray,
    Identity,
    IntArray,
    TrackEvidence,
    TrackKey,
)

FORBIDDEN = np.float32(-2.0)
"""A similarity below every possible one: marks pairs that must not be assigned."""


class OnlineAssociator:
    """Decides each track once, when it has shown enough, and takes a decision back only where it became impossible.

    Two tracks of one camera in one tick never share an identity. A lost track that comes back while another track has
    taken its identity is such a case: the track with fewer observations is split off into an identity of its own.
    """

    def __init__(self, config: AssociationConfig | None = None) -> None:
        self._config = config or AssociationConfig()
        self._gallery = Gallery(self._config)
        self._identity_by_track: dict[TrackKey, int] = {}
        self._newest_of_undecided: dict[TrackKey, ClipEmbedding] = {}

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence of all cameras; return what was decided, in order."""
        events = list(self._end(timestamp_s, ended))
        for _, in_camera in groupby(sorted(evidence, key=lambda one: one.key), key=lambda one: one.key.camera_id):
            tracks = [_without_damage(one) for one in in_camera]
            splits = list(self._split_doubles(tracks))
            moved = {event.track_id for event in splits}
            events += splits
            events += self._confirm([one for one in tracks if one.key.track_id not in moved])
            events += self._decide(tracks)
        self._gallery.expire(timestamp_s, in_view=set(self._identity_by_track.values()))
        return events

    def identity_of(self, key: TrackKey) -> int | None:
        """The identity of a live track, None while undecided."""
        return self._identity_by_track.get(key)

    def identities(self) -> list[Identity]:
        """Everyone known now, by identity id."""
        return self._gallery.identities()

    def _end(self, timestamp_s: float, ended: Sequence[TrackKey]) -> Iterator[Event]:
        for key in sorted(ended):
            self._newest_of_undecided.pop(key, None)
            identity_id = self._identity_by_track.pop(key, None)
            if identity_id is not None:
                yield Event("left", identity_id, timestamp_s, key.camera_id, key.track_id)

    def _split_doubles(self, tracks: list[TrackEvidence]) -> Iterator[Event]:
        """Part tracks of one camera that are in view at once under one identity; the best observed keeps it."""
        owners: set[int] = set()
        for one in sorted(tracks, key=lambda one: (-one.observations, one.key)):
            identity_id = self._identity_by_track.get(one.key)
            if identity_id is None or identity_id not in owners:
                owners |= {identity_id} if identity_id is not None else set()
                continue
            self._gallery.remove_track(identity_id, one.key)
            new_id = self._assign(one, self._gallery.found(one.timestamp_s), one.embedding)
            yield Event.of_sighting("split", new_id, one, other_identity_id=identity_id)

    def _confirm(self, tracks: list[TrackEvidence]) -> Iterator[Event]:
        """Keep decided tracks' identities fresh."""
        for one in tracks:
            identity_id = self._identity_by_track.get(one.key)
            if identity_id is None:
                continue
            self._gallery.touch(identity_id, one.timestamp_s)
            if one.embedding is not None:
                self._gallery.add_exemplar(identity_id, one.embedding)
                yield Event.of_sighting("seen", identity_id, one)

    def _decide(self, tracks: list[TrackEvidence]) -> Iterator[Event]:
        """Match this camera's undecided tracks to identities not in its view, or found new ones."""
        undecided = self._ripe(tracks)
        if not undecided:
            return
        identity_ids, similarities = self._gallery.search([self._newest_of_undecided[one.key] for one in undecided])
        taken = [self._identity_by_track[one.key] for one in tracks if one.key in self._identity_by_track]
        similarities[:, np.isin(identity_ids, taken)] = FORBIDDEN
        matches = _assign_best(identity_ids, similarities, self._config.threshold)
        for row, one in enumerate(undecided):
            embedding = self._newest_of_undecided.pop(one.key)
            if row in matches:
                identity_id, closeness = matches[row]
                yield Event.of_sighting("matched", self._assign(one, identity_id, embedding), one, similarity=closeness)
            else:
                yield Event.of_sighting("new", self._assign(one, self._gallery.found(one.timestamp_s), embedding), one)

    def _ripe(self, tracks: list[TrackEvidence]) -> list[TrackEvidence]:
        """Undecided tracks that have shown enough and have an embedding, new or from before."""
        undecided = [one for one in tracks if one.key not in self._identity_by_track]
        for one in undecided:
            if one.embedding is not None:
                self._newest_of_undecided[one.key] = one.embedding
        least = self._config.min_observations
        return [one for one in undecided if one.observations >= least and one.key in self._newest_of_undecided]

    def _assign(self, one: TrackEvidence, identity_id: int, embedding: ClipEmbedding | None) -> int:
        self._identity_by_track[one.key] = identity_id
        self._gallery.touch(identity_id, one.timestamp_s)
        self._gallery.add_track(identity_id, one.key)
        if embedding is not None:
            self._gallery.add_exemplar(identity_id, embedding)
        return identity_id


def _without_damage(one: TrackEvidence) -> TrackEvidence:
    """The evidence, without an embedding that is not finite: half precision can overflow, and one spoils a gallery."""
    if one.embedding is None or np.isfinite(one.embedding.vector).all():
        return one
    return replace(one, embedding=None)


def _assign_best(identity_ids: IntArray, similarities: FloatArray, threshold: float) -> dict[int, tuple[int, float]]:
    """One-to-one pairs of largest total similarity, none below `threshold`: row -> (identity id, similarity)."""
    # Below the threshold every pair counts the same, so that a hopeless pair never costs another its match.
    rows, columns = linear_sum_assignment(np.maximum(similarities, threshold), maximize=True)
    return {
        int(row): (int(identity_ids[column]), float(similarities[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if similarities[row, column] >= threshold and similarities[row, column] > FORBIDDEN
    }
