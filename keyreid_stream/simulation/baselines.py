"""What an association engine is compared with: one threshold, clustering afterwards, and the truth about tracks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from keyreid_stream.association.similarity import Signatures, prepared, signatures, similarity
from keyreid_stream.simulation.recording import RecordedTick, Recording
from keyreid_stream.simulation.replay import idf1
from keyreid_stream.structures import ClipEmbedding, Event, Identity, IntArray, TrackEvidence, TrackKey

GLOBAL_WEIGHT = 0.5
"""Share of the global part in a similarity, as in the engine: what differs is what is made of similarities."""

RIPE_OBSERVATIONS = 4
"""Crops that a track has shown before it is decided on, as for the engine."""

Against: TypeAlias = Literal["nearest", "mean"]

_NEVER = 4.0
"""A mean distance that cosine distances alone (0 to 2) never have."""


class ThresholdAssociator:
    """An `Associator` that goes by one threshold: the field's usual answer.

    A track's first ripe embedding goes to the most similar identity if it is similar enough, else it founds a new one.
    Nothing is known of cameras, time or who is in view, and nothing is ever taken back.

    Args:
        threshold: similarity from which two are one person.
        against: whether an identity is compared by its most similar embedding or by the mean of its embeddings.
    """

    def __init__(self, threshold: float, against: Against = "nearest") -> None:
        self._threshold = threshold
        self._against = against
        self._rows: list[Signatures] = []
        self._owners: list[int] = []
        self._members: defaultdict[int, list[ClipEmbedding]] = defaultdict(list)
        self._identity_by_track: dict[TrackKey, int] = {}
        self._identities: dict[int, Identity] = {}

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence of all cameras; return what was decided, in order."""
        events = [
            Event("left", identity_id, timestamp_s, key.camera_id, key.track_id)
            for key in sorted(ended)
            if (identity_id := self._identity_by_track.pop(key, None))
        ]
        events += [
            self._decide(one, embedding)
            for one in sorted(evidence, key=lambda one: one.key)
            if one.key not in self._identity_by_track and (embedding := _ripe(one)) is not None
        ]
        return events

    def identity_of(self, key: TrackKey) -> int | None:
        """The identity of a live track, None while undecided."""
        return self._identity_by_track.get(key)

    def identities(self) -> list[Identity]:
        """Everyone known now, by identity id; last seen when a track of theirs was decided on."""
        return list(self._identities.values())

    def _decide(self, one: TrackEvidence, embedding: ClipEmbedding) -> Event:
        row = signatures([embedding], GLOBAL_WEIGHT)
        identity_id, closeness = self._nearest(row)
        is_new = closeness < self._threshold
        if is_new:
            identity_id = len(self._identities) + 1
            self._identities[identity_id] = Identity(identity_id, one.timestamp_s, one.timestamp_s, ())
        known = self._identities[identity_id]
        tracks = (*known.tracks, one.key)
        self._identities[identity_id] = Identity(identity_id, known.first_seen_s, one.timestamp_s, tracks)
        self._identity_by_track[one.key] = identity_id
        self._remember(identity_id, embedding, row)
        if is_new:
            return Event.of_sighting("new", identity_id, one)
        return Event.of_sighting("matched", identity_id, one, similarity=closeness)

    def _remember(self, identity_id: int, embedding: ClipEmbedding, row: Signatures) -> None:
        members = self._members[identity_id]
        members.append(embedding)
        if self._against == "mean" and len(members) > 1:
            self._rows[self._owners.index(identity_id)] = _mean_signatures([members])
        else:
            self._rows.append(row)
            self._owners.append(identity_id)

    def _nearest(self, row: Signatures) -> tuple[int, float]:
        if not self._rows:
            return 0, -np.inf
        closeness = similarity(row, Signatures.joined(self._rows), GLOBAL_WEIGHT)[0]
        best = int(closeness.argmax())
        return self._owners[best], float(closeness[best])


def ripe_only(recording: Recording) -> Recording:
    """A recording cut down to what a `ThresholdAssociator` looks at: each track's first ripe embedding.

    What it says in the end is the same, in a fraction of the time.
    """
    decided: set[TrackKey] = set()
    ticks = []
    for tick in recording.ticks:
        chosen = [place for place, one in enumerate(tick.evidence) if one.key not in decided and _ripe(one) is not None]
        if chosen:
            evidence = tuple(tick.evidence[place] for place in chosen)
            decided |= {one.key for one in evidence}
            ticks.append(RecordedTick(tick.timestamp_s, evidence, (), tick.rows[chosen]))
    return replace(recording, ticks=tuple(ticks))


def _ripe(one: TrackEvidence) -> ClipEmbedding | None:
    return one.embedding if one.observations >= RIPE_OBSERVATIONS else None


def clustered_offline(recording: Recording) -> IntArray:
    """Identities (N,) of all sightings by clustering whole tracks, once everything was seen: what hindsight allows.

    Tracks are compared by the mean of all their embeddings; average linkage, never two tracks of one camera that are
    seen at one time. The threshold is that which the truth likes best: no real method knows it. Tracks without an
    embedding have none.
    """
    embeddings: dict[TrackKey, list[ClipEmbedding]] = {}
    for tick in recording.ticks:
        for one in tick.evidence:
            if one.embedding is not None:
                embeddings.setdefault(one.key, []).append(one.embedding)
    keys = sorted(embeddings)
    if len(keys) < 2:
        return np.array([int(key in embeddings) for key in recording.keys], np.int64)
    means = _mean_signatures([embeddings[key] for key in keys])
    # Rounding can make something more than alike.
    distances = np.maximum(1 - similarity(means, means, GLOBAL_WEIGHT).astype(np.float64), 0)
    distances[_together(recording, keys)] = _NEVER * len(keys) ** 2
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), method="average")
    places = {key: place for place, key in enumerate(keys)}
    of_row = np.array([places.get(key, -1) for key in recording.keys], np.int64)
    best, most = np.zeros(len(recording), np.int64), -1.0
    for height in [0.0, *tree[tree[:, 2] < _NEVER, 2].tolist()]:
        groups = fcluster(tree, t=height + 1e-9, criterion="distance")
        identities = np.where(of_row >= 0, groups[of_row], 0).astype(np.int64)
        if (score := idf1(recording.person_id, identities)) > most:
            best, most = identities, score
    return best


def whole_tracks(recording: Recording) -> IntArray:
    """Identities (N,) that are, for each track, the person whom it shows most.

    Nothing that leaves tracks whole does better.
    """
    codes = {key: code for code, key in enumerate(sorted(set(recording.keys)))}
    track = np.array([codes[key] for key in recording.keys], np.int64)
    people, person = np.unique(recording.person_id, return_inverse=True)
    counts = np.zeros((len(codes), len(people)), np.int64)
    np.add.at(counts, (track, person), 1)
    result: IntArray = people[counts.argmax(axis=1)][track] if len(people) else np.zeros(0, np.int64)
    return result


def _mean_signatures(tracks: Sequence[Sequence[ClipEmbedding]]) -> Signatures:
    layout = tracks[0][0].layout
    vectors, visibility = [], []
    for clips in tracks:
        rows = signatures(clips, GLOBAL_WEIGHT)
        vectors.append(rows.vectors.mean(axis=0))
        visibility.append(rows.visibility.mean(axis=0))
    return prepared(np.stack(vectors), np.stack(visibility), layout, GLOBAL_WEIGHT)


def _together(recording: Recording, keys: Sequence[TrackKey]) -> NDArray[np.bool_]:
    """(K, K): tracks that one camera shows in one frame."""
    places = {key: place for place, key in enumerate(keys)}
    found = np.zeros((len(keys), len(keys)), np.bool_)
    cameras = np.unique([key.camera_id for key in keys], return_inverse=True)[1]
    for tick in recording.ticks:
        seen = [places[one.key] for one in tick.evidence if one.key in places]
        found[np.ix_(seen, seen)] = True
    np.fill_diagonal(found, False)
    together: NDArray[np.bool_] = found & (cameras[:, None] == cameras)
    return together
