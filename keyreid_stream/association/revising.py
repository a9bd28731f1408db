"""Revision: decisions on the recent tracklets are looked at again, all together, and taken back where need be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.assignments import Assignments
from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.links import Links, PairTables
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.recording import DecisionRecorder
from keyreid_stream.association.revision import clusters, relabelled
from keyreid_stream.association.site import learn_differences
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import Tracklet, TrackletBook, rows_of
from keyreid_stream.structures import Event, IntArray

_INERTIA = 0.5
"""Log odds that a revision must gain to change a decision."""

_ROUNDS = 4
"""Clusterings of one revision, each by what the groups of the one before look like."""

_MOST_MASS = 20
"""Clips beyond which a tracklet counts no more for whose identity a group keeps."""

_SETTLED_MASS = 50
"""What a settled exemplar counts there: identities follow who was known first."""

REVISED_AT_ONCE = 128
"""Tracklets of the window up to which revisions come as often as they are asked for. What one costs grows with the
square of their number, so with more of them revisions are as much rarer, and a busy site pays in proportion."""


class Reviser:
    """Clusters the window's tracklets anew, from time to time."""

    def __init__(
        self,
        config: AssociationConfig,
        gallery: Gallery,
        book: TrackletBook,
        thresholds: Thresholds,
        links: Links,
        assignments: Assignments,
    ) -> None:
        """Revise what was decided on the tracklets of a book."""
        self._config = config
        self._gallery = gallery
        self._book = book
        self._thresholds = thresholds
        self._links = links
        self._assignments = assignments
        self._next_revision_s: float | None = None

    def revise(self, timestamp_s: float, recorder: DecisionRecorder | None) -> list[Event]:
        """Cluster the window's tracklets anew, if it is time, with the settled exemplars of everyone they may be.

        Returns:
            what changed, in order; `recorder` has been told why.
        """
        if not self._config.revise_every_s:
            return []
        if self._next_revision_s is None:
            self._next_revision_s = timestamp_s + self._config.revise_every_s
        if timestamp_s < self._next_revision_s:
            return []
        crowd = max(1.0, len(self._book) / REVISED_AT_ONCE)
        self._next_revision_s = timestamp_s + self._config.revise_every_s * crowd
        learn_differences(self._book, self._thresholds, self._config)
        tracklets = [one for one in self._book if one.identity_id]
        if len(tracklets) < 2:
            return []
        nodes = self._with_settled(tracklets)
        pairs = self._links.pairs(nodes, nodes).with_apart(self._apart(nodes, tracklets))
        groups = self._clustered(nodes, pairs)
        mass = np.where(nodes.rows < 0, _SETTLED_MASS, 1 + np.minimum(nodes.clips, _MOST_MASS)).astype(np.float32)
        changes = relabelled(groups, nodes.identities, mass)
        events = [
            *self._merge(timestamp_s, changes.merged),
            *self._relabel(timestamp_s, tracklets, changes.identities),
        ]
        if events and recorder is not None:
            recorder.revised(nodes, pairs, events)
        return events

    def _with_settled(self, tracklets: list[Tracklet]) -> Nodes:
        identities = {one.identity_id for one in tracklets}
        young = [one for one in tracklets if not self._gallery.exemplars(one.identity_id)]
        if young:
            identities |= {
                one.identity_id for one in self._assignments.candidates(Nodes.of(self._book, rows_of(young)))
            }
        return Nodes.of(self._book, rows_of(tracklets), self._assignments.settled(sorted(identities)))

    def _clustered(self, nodes: Nodes, pairs: PairTables) -> IntArray:
        """Groups (n,) of nodes: clustered, and clustered again by what each group looks like until nothing changes."""
        # What is settled is settled: an identity's exemplars are one group from the start.
        _, members = np.unique(nodes.identities[nodes.rows < 0], return_inverse=True)
        count = len(nodes) - len(members)
        groups: IntArray = np.concatenate([np.arange(count), count + members]).astype(np.int64)
        for _ in range(_ROUNDS):
            grouped = Groups(nodes, groups, self._book.layout, self._config.global_weight)
            weights = self._links.weights(grouped, grouped, pairs, len(self._gallery))
            weights = ((weights + weights.T) / 2).astype(np.float32)
            main = grouped.main_identities()
            weights += np.float32(_INERTIA) * (main[:, None] == main)
            joined = clusters(weights)
            if joined.max() + 1 == len(grouped):
                break
            groups = joined[groups]
        return groups

    def _apart(self, nodes: Nodes, tracklets: Sequence[Tracklet]) -> NDArray[np.bool_]:
        """Pairs (n, n) of nodes of which one is settled, and which were seen beside one another."""
        apart = np.zeros((len(nodes), len(nodes)), np.bool_)
        is_settled = nodes.rows < 0
        known, columns = np.unique(nodes.identities[is_settled], return_inverse=True)
        settled, column_of = known.tolist(), {identity_id: column for column, identity_id in enumerate(known.tolist())}
        of_tracklets = np.zeros((len(tracklets), len(known)), np.bool_)
        for row, one in enumerate(tracklets):
            of_tracklets[row, [column_of[other] for other in one.not_these if other in column_of]] = True
        of_settled = np.zeros((len(known), len(known)), np.bool_)
        for column, identity_id in enumerate(settled):
            of_settled[column, :column] = [self._gallery.are_apart(identity_id, other) for other in settled[:column]]
        count = len(tracklets)
        apart[:count, count:] = of_tracklets[:, columns]
        apart[count:, count:] = of_settled[np.ix_(columns, columns)]
        return apart | apart.T

    def _merge(self, timestamp_s: float, merged: Sequence[tuple[int, int]]) -> Iterator[Event]:
        for gone, kept in merged:
            self._gallery.merge(kept, gone)
            for one in self._book:
                if one.identity_id == gone:
                    self._book.assign(one, kept)
                if gone in one.not_these:
                    one.not_these.add(kept)
            yield Event("merged", kept, timestamp_s, other_identity_id=gone)

    def _relabel(self, timestamp_s: float, tracklets: Sequence[Tracklet], targets: IntArray) -> Iterator[Event]:
        new: dict[int, int] = {}
        for tracklet, target in zip(tracklets, targets.tolist(), strict=False):
            if target == tracklet.identity_id:
                continue
            if target < 0:
                if target not in new:
                    new[target] = self._gallery.found(tracklet.first_s)
                target = new[target]
            before = tracklet.identity_id
            self._assignments.move(tracklet, target)
            yield Event(
                "split",
                target,
                timestamp_s,
                tracklet.key.camera_id,
                tracklet.key.track_id,
                other_identity_id=before,
                first_frame=tracklet.first_frame,
            )
