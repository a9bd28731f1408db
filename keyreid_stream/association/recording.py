"""What an associator has decided, handed on as records to whoever asked for them. It decides nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.decisions import Candidate, Decision, How
from keyreid_stream.association.explaining import Comparison, Explainer
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.links import IMPOSSIBLE, Links, PairTables
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import Tracklet, TrackletBook
from keyreid_stream.structures import Event, FloatArray, IntArray

DecisionTaker: TypeAlias = Callable[[Decision], None]

_IN_QUESTION = -1
_NOT_ASKED = -2


class DecisionRecorder:
    """Makes a record of every decision, from the arrays that it was made by."""

    def __init__(
        self,
        config: AssociationConfig,
        book: TrackletBook,
        thresholds: Thresholds,
        links: Links,
        gallery: Gallery,
        take: DecisionTaker,
    ) -> None:
        """Record for `take`, which is called with each decision, in order."""
        self._config = config
        self._book = book
        self._links = links
        self._gallery = gallery
        self._take = take
        self._explainer = Explainer(config, book, thresholds)

    def cut(self, events: Iterable[Event]) -> None:
        """Tracklets that begin with a cut were said to be whom their tracks were, or were parted from one another."""
        for event in events:
            if event.kind == "split":
                beside = Candidate(identity_id=event.other_identity_id or 0, vetoes=("in view",))
                self._record(event, "parted", 0, (beside,))
            else:
                self._record(event, "goes on", 0, ())

    def compared(
        self,
        tracklets: Sequence[Tracklet],
        events: Mapping[int, Event],
        comparison: Comparison | None,
        among: FloatArray,
        singles: Groups,
    ) -> None:
        """Undecided tracklets were decided on.

        Args:
            tracklets: all that were to be decided on.
            events: what was decided, by place in `tracklets`; those that wait have none.
            comparison: of the tracklets, in this order, with everyone known; None where nobody was.
            among: (n, n) weights of the tracklets with each other.
            singles: the tracklets.
        """
        known = set() if comparison is None else set(comparison.identity_ids.tolist())
        for row, event in events.items():
            candidates = self._together(row, event, events, singles) if event.identity_id not in known else ()
            if comparison is not None:
                taken = {
                    other.identity_id
                    for rival, other in events.items()
                    if other.identity_id != event.identity_id and among[row, rival] <= IMPOSSIBLE
                }
                candidates += self._explainer.candidates(
                    comparison, row, decided={event.identity_id}, apart=tracklets[row].not_these, taken=taken
                )
            self._record(event, "compared", tracklets[row].clips, candidates)

    def revised(self, nodes: Nodes, pairs: PairTables, events: Sequence[Event]) -> None:
        """A revision changed identities.

        Args:
            nodes: all that was clustered, with the identities from before.
            pairs: of the nodes.
            events: the changes, which have been made.
        """
        merged = {one.other_identity_id: one.identity_id for one in events if one.kind == "merged"}
        after = np.array(
            [
                self._book.of_row(row).identity_id if row >= 0 else _followed(identity_id, merged)
                for row, identity_id in zip(nodes.rows.tolist(), nodes.identities.tolist(), strict=True)
            ]
        )
        places = {self._name(row): place for place, row in enumerate(nodes.rows.tolist()) if row >= 0}
        for event in events:
            if event.kind == "merged":
                mine, identities = nodes.identities == event.other_identity_id, nodes.identities
            else:
                place = places[event.camera_id, event.track_id, event.first_frame]
                mine, identities = np.arange(len(nodes)) == place, after
            candidates = self._beside(nodes, pairs, mine, identities, event.identity_id)
            self._record(event, "revised", int(nodes.clips[mine].sum()), candidates)

    def _together(self, row: int, event: Event, events: Mapping[int, Event], singles: Groups) -> tuple[Candidate, ...]:
        """The others with whom a tracklet founded an identity, as the candidate that it was matched to."""
        others = [one for one, other in events.items() if other.identity_id == event.identity_id and one != row]
        if not others or event.kind == "new":
            return ()
        nodes = singles.nodes
        identities = np.where(np.isin(np.arange(len(nodes)), others), event.identity_id, _NOT_ASKED)
        mine = np.arange(len(nodes)) == row
        return self._beside(nodes, self._links.pairs(nodes, nodes), mine, identities, event.identity_id)

    def _beside(
        self, nodes: Nodes, pairs: PairTables, mine: NDArray[np.bool_], identities: IntArray, decided: int
    ) -> tuple[Candidate, ...]:
        """Some nodes as one, compared with all others of the nodes by identity."""
        identity_ids, groups = np.unique(np.where(mine, _IN_QUESTION, identities), return_inverse=True)
        grouped = Groups(nodes, groups, self._book.layout, self._config.global_weight)
        people = len(self._gallery)
        terms = self._links.terms(grouped, grouped, pairs, people)
        return self._explainer.candidates(
            Comparison(grouped, grouped, pairs, terms, identity_ids, people),
            int(np.flatnonzero(identity_ids == _IN_QUESTION)[0]),
            decided={decided},
            without={_IN_QUESTION, _NOT_ASKED},
        )

    def _name(self, row: int) -> tuple[str | None, int | None, int | None]:
        tracklet = self._book.of_row(row)
        return tracklet.key.camera_id, tracklet.key.track_id, tracklet.first_frame

    def _record(self, event: Event, how: How, clips: int, candidates: tuple[Candidate, ...]) -> None:
        if event.kind not in ("new", "matched", "split", "merged"):
            raise AssertionError(f"a {event.kind} event is no decision")
        self._take(
            Decision(
                kind=event.kind,
                how=how,
                identity_id=event.identity_id,
                timestamp_s=event.timestamp_s,
                camera_id=event.camera_id,
                track_id=event.track_id,
                first_frame=event.first_frame,
                clips=clips,
                other_identity_id=event.other_identity_id,
                provisional=event.provisional,
                candidates=candidates,
            )
        )


def _followed(identity_id: int, merged: Mapping[int | None, int]) -> int:
    """Who an identity is after merges."""
    while identity_id in merged:
        identity_id = merged[identity_id]
    return identity_id
