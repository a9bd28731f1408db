"""An associator that is fed the truth: it knows whom each track shows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from keyreid_stream.oracle.matching import match_boxes
from keyreid_stream.oracle.people import true_people
from keyreid_stream.oracle.truth import Truth
from keyreid_stream.structures import Event, Identity, TrackEvidence, TrackKey

REMEMBERED_TRACKS = 256
"""Tracks listed per identity: enough to look at, bounded for runs that last long."""


@dataclass(slots=True, eq=False)
class _Known:
    """What is known of one identity."""

    first_seen_s: float
    last_seen_s: float
    tracks: deque[TrackKey] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TRACKS))


class OracleAssociator:
    """An `Associator` whose identity of a track is the person whom most of the track's boxes showed so far.

    Identity ids are the world's person ids. A box shows the person whose visible box it overlaps best, one to one among
    the camera's tracks and by at least 0.5. The first such box decides a track; a tie leaves things as they are. When a
    track comes to show another person for longer, it moves there (`split`): the tracker's error, which the best
    association of whole tracks cannot mend, stays visible. For the same reason two tracks of one camera can be the same
    identity at once, when one of them has strayed to somebody else. With true tracks nothing of this happens.

    Args:
        truth: about all cameras' frames.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._boxes_by_person: dict[TrackKey, Counter[int]] = {}
        self._identity_by_track: dict[TrackKey, int] = {}
        self._known: dict[int, _Known] = {}

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence of all cameras; return what was decided, in order.

        Raises:
            InputError: a frame is of a camera that the truth does not know, or too old.
        """
        events = list(self._end(timestamp_s, ended))
        for _, in_camera in groupby(sorted(evidence, key=lambda one: one.key), key=lambda one: one.key.camera_id):
            tracks = list(in_camera)
            self._count(tracks)
            for one in tracks:
                events += self._decide(one)
        return events

    def identity_of(self, key: TrackKey) -> int | None:
        """The identity of a live track, None while no box of it showed anyone."""
        return self._identity_by_track.get(key)

    def identities(self) -> list[Identity]:
        """Everyone known now, by identity id."""
        return [
            Identity(identity_id, known.first_seen_s, known.last_seen_s, tuple(known.tracks))
            for identity_id, known in sorted(self._known.items())
        ]

    def _end(self, timestamp_s: float, ended: Sequence[TrackKey]) -> Iterator[Event]:
        for key in sorted(ended):
            self._boxes_by_person.pop(key, None)
            identity_id = self._identity_by_track.pop(key, None)
            if identity_id is not None:
                yield Event("left", identity_id, timestamp_s, key.camera_id, key.track_id)

    def _count(self, tracks: list[TrackEvidence]) -> None:
        """Note whom each of one camera's tracks shows in this tick."""
        first = tracks[0]
        people = true_people(self._truth.at(first.key.camera_id, first.frame_index))
        partners = match_boxes(np.stack([one.box_xyxy for one in tracks]), people.boxes_xyxy)
        for one, partner in zip(tracks, partners, strict=True):
            boxes = self._boxes_by_person.setdefault(one.key, Counter())
            if partner >= 0:
                boxes[int(people.person_ids[partner])] += 1

    def _decide(self, one: TrackEvidence) -> Iterator[Event]:
        """What this tick changes or confirms about a track."""
        before = self._identity_by_track.get(one.key)
        boxes = self._boxes_by_person[one.key]
        if not boxes:
            return
        identity_id = max(boxes, key=lambda person: (boxes[person], person == before, -person))
        is_known = identity_id in self._known
        known = self._known.setdefault(identity_id, _Known(one.timestamp_s, one.timestamp_s))
        known.first_seen_s = min(known.first_seen_s, one.timestamp_s)
        known.last_seen_s = max(known.last_seen_s, one.timestamp_s)
        if identity_id == before:
            if one.embedding is not None:  # as often as an associator that goes by embeddings confirms
                yield Event.of_sighting("seen", identity_id, one)
            return
        self._move(one.key, before, identity_id)
        if before is None:
            yield Event.of_sighting("matched" if is_known else "new", identity_id, one)
        else:
            yield Event.of_sighting("split", identity_id, one, other_identity_id=before)

    def _move(self, key: TrackKey, before: int | None, identity_id: int) -> None:
        if before is not None and key in self._known[before].tracks:
            self._known[before].tracks.remove(key)
        self._known[identity_id].tracks.append(key)
        self._identity_by_track[key] = identity_id
