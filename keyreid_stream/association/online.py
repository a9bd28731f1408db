"""The association engine: which tracks, across all cameras, are the same person; decided online, revised later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from scipy.optimize import linear_sum_assignment

from keyreid_stream.association.assignments import Assignments
from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.explaining import Comparison
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.links import FORBIDDEN, IMPOSSIBLE, Links
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.recording import DecisionRecorder, DecisionTaker
from keyreid_stream.association.revising import Reviser
from keyreid_stream.association.revision import clusters
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.association.site import learn_travel
from keyreid_stream.association.sketches import Sketcher, as_exemplar
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import Sighting, Tracklet, TrackletBook, rows_of
from keyreid_stream.association.travel import TravelTime, TravelTimes
from keyreid_stream.structures import Event, FloatArray, Identity, IntArray, TrackEvidence, TrackKey

_UNSURE = -2.0
"""Log odds of the best candidate above which a new identity is provisional."""

_SETTLE_EVERY_S = 1.0
_PRUNE_EVERY_S = 60.0


class OnlineAssociator:
    """Decides on each tracklet when it has shown enough, and takes decisions back when later evidence says otherwise.

    In every tick, all undecided tracklets of all cameras are decided on together; within a camera one to one. Every
    `AssociationConfig.revise_every_s` the recent tracklets are clustered anew: identities merge, and tracklets move.
    Two tracks of one camera in one tick never share an identity.
    """

    def __init__(
        self,
        config: AssociationConfig | None = None,
        *,
        gallery: Gallery | None = None,
        decisions: DecisionTaker | None = None,
    ) -> None:
        """Start a run.

        Args:
            config: settings; the gallery's, where one is given.
            gallery: who is known already, and where whoever is met is noted; without it, nobody is known. Its clock
                must have been set for this run (`Gallery.begin_run`).
            decisions: takes a record of every decision (see `record_decisions`).
        """
        self._config = config or AssociationConfig()
        self._gallery = Gallery(self._config) if gallery is None else gallery
        self._thresholds = Thresholds(self._config)
        self._book = TrackletBook(self._config)
        self._travel = TravelTimes(self._config.travel)
        self._links = Links(self._config, self._book, self._thresholds, self._travel)
        self._recorder: DecisionRecorder | None = None
        if decisions is not None:
            self.record_decisions(decisions)
        self._cameras: dict[str, int] = {}
        self._assignments = Assignments(self._gallery, self._book, self._camera)
        self._reviser = Reviser(
            self._config, self._gallery, self._book, self._thresholds, self._links, self._assignments
        )
        self._sketcher = Sketcher(self._gallery, self._book)
        self._next_settling_s = -np.inf
        self._next_pruning_s = -np.inf

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence of all cameras; return what was decided, in order."""
        events = list(self._end(timestamp_s, ended))
        ordered = sorted((_without_damage(one) for one in evidence), key=lambda one: one.key)
        cameras = [self._camera(one.key.camera_id) for one in ordered]
        sightings = self._book.see(ordered, cameras)
        sightings, doubles = self._part_doubles(sightings)
        events += doubles
        if self._recorder is not None:
            self._recorder.cut(doubles)
        self._book.note(sightings)
        events += self._take_clips(sightings)
        events += self._decide(sightings)
        events += self._reviser.revise(timestamp_s, self._recorder)
        self._settle(timestamp_s)
        self._sketcher.draw()
        return events

    def record_decisions(self, take: DecisionTaker) -> None:
        """From now on, hand a record of every decision to `take`, in order and before `update` returns."""
        self._recorder = DecisionRecorder(self._config, self._book, self._thresholds, self._links, self._gallery, take)

    def identity_of(self, key: TrackKey) -> int | None:
        """The identity of a live track, None while undecided."""
        tracklet = self._book.current(key)
        return (tracklet.identity_id or None) if tracklet is not None else None

    def identities(self) -> list[Identity]:
        """Everyone known now, by identity id."""
        return self._gallery.identities()

    def travel_times(self) -> tuple[TravelTime, ...]:
        """How long people took from camera to camera, to look at, edit and pin in the settings."""
        return self._travel.learned()

    def _camera(self, camera_id: str) -> int:
        if camera_id not in self._cameras:
            self._cameras[camera_id] = self._thresholds.camera(camera_id)
            self._travel.camera(camera_id)
        return self._cameras[camera_id]

    def _end(self, timestamp_s: float, ended: Sequence[TrackKey]) -> Iterator[Event]:
        for key in sorted(ended):
            tracklet = self._book.end(key)
            if tracklet is not None and tracklet.identity_id:
                yield Event("left", tracklet.identity_id, timestamp_s, key.camera_id, key.track_id)

    def _part_doubles(self, sightings: Sequence[Sighting]) -> tuple[list[Sighting], list[Event]]:
        """Say who tracklets that begin with a cut are: for now, whom their track was.

        Tracks of one camera that are in view at once under one identity are parted; the best observed keeps it.
        """
        kept: list[Sighting] = []
        events: list[Event] = []
        for _, group in groupby(sightings, key=lambda one: one.tracklet.camera):
            in_camera = list(group)
            decided = [one.tracklet.identity_id for one in in_camera if one.tracklet.identity_id]
            if len(set(decided)) == len(decided) and all(one.was is None for one in in_camera):
                kept += in_camera
                continue
            owners: set[int] = set()
            for one in sorted(in_camera, key=lambda one: (-one.evidence.observations, one.evidence.key)):
                identity_id = one.tracklet.identity_id or (one.was.identity_id if one.was is not None else 0)
                if identity_id and identity_id in owners:
                    one = self._book.cut(one)
                    self._assignments.assign(one.tracklet, self._gallery.found(one.evidence.timestamp_s))
                    events.append(_split(one, identity_id))
                elif identity_id and one.was is not None:
                    self._assignments.assign(one.tracklet, identity_id)
                    frame = one.tracklet.first_frame
                    events.append(Event.of_sighting("matched", identity_id, one.evidence, first_frame=frame))
                owners |= {one.tracklet.identity_id} if one.tracklet.identity_id else set()
                kept.append(one)
        return sorted(kept, key=lambda one: one.evidence.key), events

    def _take_clips(self, sightings: Sequence[Sighting]) -> Iterator[Event]:
        """Learn from new embeddings, and keep decided tracklets' identities fresh."""
        self._book.add_clips([one for one in sightings if self._is_telling(one)])
        for one in sightings:
            identity_id = one.tracklet.identity_id
            if not identity_id:
                continue
            self._gallery.touch(identity_id, one.evidence.timestamp_s)
            if one.evidence.embedding is not None and one.tracklet.seen > 1:  # else it has just been said who it is
                yield Event.of_sighting("seen", identity_id, one.evidence, first_frame=one.tracklet.first_frame)

    def _is_telling(self, one: Sighting) -> bool:
        """Whether there is a clip without crops from before the track was cut, and of one person alone if it can be."""
        if one.evidence.embedding is None or (one.is_crossing and one.tracklet.clips):
            return False
        return one.tracklet.number == 0 or one.tracklet.seen >= self._config.min_observations

    def _decide(self, sightings: Sequence[Sighting]) -> list[Event]:
        """Match undecided tracklets to identities that are not in their camera's view, or found new ones."""
        undecided = [
            one
            for one in sightings
            if not one.tracklet.identity_id
            and one.tracklet.clips
            and one.evidence.observations >= self._config.min_observations
        ]
        if not undecided:
            return []
        nodes = Nodes.of(self._book, rows_of(one.tracklet for one in undecided))
        singles = Groups.singles(nodes, self._book.layout, self._config.global_weight)
        comparison = self._compared(singles)
        identity_ids, scores = _scores(undecided, comparison)
        among = self._links.weights(singles, singles, self._links.pairs(nodes, nodes), len(self._gallery) + len(nodes))
        matches = _assign_best(nodes.cameras, identity_ids, scores, among)
        left_over = [row for row in range(len(undecided)) if row not in matches]
        founded = self._found([undecided[row] for row in left_over], among[np.ix_(left_over, left_over)])
        unsure = scores.max(axis=1, initial=FORBIDDEN) > _UNSURE
        events: dict[int, Event] = {}
        for row, one in enumerate(undecided):
            identity_id, is_new = (matches[row], False) if row in matches else founded.get(one.tracklet.row, (0, False))
            if not identity_id:
                continue
            event = Event.of_sighting(
                "new" if is_new else "matched",
                identity_id,
                one.evidence,
                similarity=None if is_new else self._closeness(one.tracklet, identity_id),
                first_frame=one.tracklet.first_frame,
                provisional=bool(unsure[row]) and row not in matches,
            )
            self._assignments.assign(one.tracklet, identity_id)
            events[row] = event
        if self._recorder is not None:
            self._recorder.compared([one.tracklet for one in undecided], events, comparison, among, singles)
        return list(events.values())

    def _closeness(self, tracklet: Tracklet, identity_id: int) -> float | None:
        """Similarity of a tracklet to whatever of the identity is most like it."""
        rows, columns = self._book.decided(), self._book.columns
        members = rows[(columns.identities[rows] == identity_id) & (columns.clips[rows] > 0)]
        settled = self._assignments.settled([identity_id])
        if not len(members) and not settled:
            return None
        own = self._book.signatures.of(rows_of([tracklet]))
        others = Signatures.joined([self._book.signatures.of(members), *(one.signatures for one in settled)])
        return float(similarity(own, others, self._config.global_weight).max())

    def _compared(self, singles: Groups) -> Comparison | None:
        """Each undecided tracklet beside each identity that it may be; None where nobody is known."""
        known = self._book.decided()
        settled = self._assignments.candidates(singles.nodes)
        if not len(known) and not settled:
            return None
        others = Nodes.of(self._book, known, settled)
        identity_ids, columns = np.unique(others.identities, return_inverse=True)
        people = Groups(others, columns, self._book.layout, self._config.global_weight)
        pairs, count = self._links.pairs(singles.nodes, others), len(self._gallery)
        return Comparison(singles, people, pairs, self._links.terms(singles, people, pairs, count), identity_ids, count)

    def _found(self, left_over: Sequence[Sighting], among: FloatArray) -> dict[int, tuple[int, bool]]:
        """Identities for tracklets that are nobody known, by row: whose, and whether it is their first."""
        founded: dict[int, tuple[int, bool]] = {}
        groups: defaultdict[int, list[Sighting]] = defaultdict(list)
        for one, group in zip(left_over, clusters(among).tolist(), strict=True):
            groups[group].append(one)
        for members in groups.values():
            if sum(one.tracklet.quality for one in members) < self._config.min_quality:
                continue
            identity_id = self._gallery.found(min(one.tracklet.first_s for one in members))
            for one in members:
                founded[one.tracklet.row] = identity_id, one is members[0]
        return founded

    def _settle(self, now_s: float) -> None:
        """Now and then, let old tracklets become exemplars of their identities, and let old identities go."""
        if now_s < self._next_settling_s:
            return
        self._next_settling_s = now_s + _SETTLE_EVERY_S
        old = self._book.settled(now_s)
        learn_travel(self._book, self._travel, old)
        for one in old:
            if one.identity_id:
                neighbours = self._book.neighbours(one)
                for other in neighbours:
                    other.not_these.add(one.identity_id)
                for other_id in sorted({other.identity_id for other in neighbours} - {0, one.identity_id}):
                    self._gallery.set_apart(one.identity_id, other_id)
                if one.clips:
                    self._gallery.add_exemplar(one.identity_id, as_exemplar(self._book, one))
            self._sketcher.drop(one)
        self._book.remove(old)
        self._assignments.let_go(self._gallery.expire(now_s, (one.identity_id for one in self._book)))
        self._drop_old_views(now_s)

    def _drop_old_views(self, now_s: float) -> None:
        """Now and then, let views go that their cameras keep no longer."""
        if now_s < self._next_pruning_s:
            return
        self._next_pruning_s = now_s + _PRUNE_EVERY_S
        for camera_id, kept_s in self._config.camera_retention_s.items():
            if self._gallery.prune(now_s + self._gallery.offset_s - kept_s, camera_id):
                self._assignments.let_go()


def _without_damage(one: TrackEvidence) -> TrackEvidence:
    """The evidence, without an embedding that is not finite: half precision can overflow, and one spoils a gallery."""
    if one.embedding is None or np.isfinite(one.embedding.vector).all():
        return one
    return replace(one, embedding=None)


def _scores(undecided: Sequence[Sighting], comparison: Comparison | None) -> tuple[IntArray, FloatArray]:
    """How strongly each undecided tracklet speaks for each identity it may be."""
    if comparison is None:
        return np.zeros(0, np.int64), np.zeros((len(undecided), 0), np.float32)
    identity_ids, scores = comparison.identity_ids, comparison.terms.weights()
    for row, one in enumerate(undecided):
        if one.tracklet.not_these:
            scores[row, np.isin(identity_ids, list(one.tracklet.not_these))] = FORBIDDEN
    return identity_ids, scores


def _split(one: Sighting, before: int) -> Event:
    return Event.of_sighting(
        "split",
        one.tracklet.identity_id,
        one.evidence,
        other_identity_id=before,
        first_frame=one.tracklet.first_frame,
        provisional=True,
    )


def _assign_best(cameras: IntArray, identity_ids: IntArray, scores: FloatArray, among: FloatArray) -> dict[int, int]:
    """Within each camera, one-to-one pairs of largest total score, none below 0: row -> identity id.

    Two cameras may see one person at once; where their tracklets cannot be one, the better match stays.
    """
    found = []
    for camera in np.unique(cameras):
        mine = np.flatnonzero(cameras == camera)
        # Below 0 every pair counts the same, so that a hopeless pair never costs another its match.
        rows, columns = linear_sum_assignment(np.maximum(scores[mine], 0), maximize=True)
        found += [
            (float(scores[mine[row], column]), int(mine[row]), int(identity_ids[column]))
            for row, column in zip(rows, columns, strict=True)
            if scores[mine[row], column] > 0
        ]
    matches: dict[int, int] = {}
    for _, row, identity_id in sorted(found, key=lambda one: (-one[0], one[1])):
        rivals = [other for other, taken in matches.items() if taken == identity_id]
        if all(among[row, other] > IMPOSSIBLE for other in rivals):
            matches[row] = identity_id
    return matches
