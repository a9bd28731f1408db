"""From the arrays that decide to records that people can read: who was a candidate, and what spoke for and against."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.decisions import (
    MOST_CANDIDATES,
    MOST_VIEWS,
    Candidate,
    LogOdds,
    PartComparison,
    Threshold,
    Veto,
    View,
)
from keyreid_stream.association.links import PairTables, Terms
from keyreid_stream.association.nodes import Groups
from keyreid_stream.association.similarity import Signatures, part_similarities, similarity
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import TrackletBook
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.structures import EmbeddingLayout, IntArray

_DECIMALS = 4
"""More says nothing, and a record has hundreds of numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Groups that were decided on, weighed against groups of people.

    Attributes:
        left, right: the groups.
        pairs: of their nodes.
        terms: of the groups.
        identity_ids: (len(right),) whose each group on the right is.
        people: how many were to choose from.
    """

    left: Groups
    right: Groups
    pairs: PairTables
    terms: Terms
    identity_ids: IntArray
    people: int


class Explainer:
    """Reads a comparison's arrays for one group at a time."""

    def __init__(self, config: AssociationConfig, book: TrackletBook, thresholds: Thresholds) -> None:
        self._config = config
        self._book = book
        self._thresholds = thresholds

    def candidates(
        self,
        comparison: Comparison,
        row: int,
        *,
        decided: Collection[int] = (),
        apart: Collection[int] = (),
        taken: Collection[int] = (),
        without: Collection[int] = (),
    ) -> tuple[Candidate, ...]:
        """Whom the group in a row might have been, best first, those that could not be last.

        Args:
            comparison: of groups.
            row: the group on the left.
            decided: identities to be listed whether or not they are among the best.
            apart: identities that were seen beside it by tracklets that are settled now.
            taken: identities that others fit better.
            without: identities that are not to be listed.
        """
        terms, identity_ids = comparison.terms, comparison.identity_ids
        ruled_out = terms.forbidden[row] | np.isin(identity_ids, [*apart, *taken])
        if terms.far is not None:
            ruled_out |= terms.far[row]
        by_odds = np.lexsort((identity_ids, -terms.log_odds()[row], ruled_out))
        ordered = [int(column) for column in by_odds if int(identity_ids[column]) not in without]
        missed = [column for column in ordered[MOST_CANDIDATES:] if int(identity_ids[column]) in decided]
        listed = [*ordered[: max(0, MOST_CANDIDATES - len(missed))], *missed]
        return tuple(
            self._candidate(comparison, row, column, self._vetoes(comparison, row, column, apart, taken))
            for column in listed
        )

    def _vetoes(
        self, comparison: Comparison, row: int, column: int, apart: Collection[int], taken: Collection[int]
    ) -> tuple[Veto, ...]:
        left, right = comparison.left, comparison.right
        mine, theirs = np.flatnonzero(left.group_of == row), np.flatnonzero(right.group_of == column)
        vetoes: list[Veto] = []
        for reason, table in comparison.pairs.vetoes.items():
            vetoed = table[np.ix_(mine, theirs)]
            if not vetoed.any():
                continue
            if reason == "seen at once" and self._is_now(comparison, vetoed, mine, theirs):
                vetoes.append("in view")
            else:
                vetoes.append(reason)
        identity_id, far = int(comparison.identity_ids[column]), comparison.terms.far
        if far is not None and far[row, column]:
            vetoes.append("places apart")
        if identity_id in apart:
            vetoes.append("known apart")
        if identity_id in taken:
            vetoes.append("taken")
        return tuple(vetoes)

    def _is_now(self, comparison: Comparison, vetoed: NDArray[np.bool_], mine: IntArray, theirs: IntArray) -> bool:
        """Whether both of any pair of tracklets that one camera saw at once are in its view still."""
        left, right = comparison.left.nodes, comparison.right.nodes
        open_left, open_right = (
            np.array([row >= 0 and not self._book.of_row(row).ended for row in rows.tolist()], np.bool_)
            for rows in (left.rows[mine], right.rows[theirs])
        )
        now = open_left[:, None] & open_right & (right.last_s[theirs] == left.last_s[mine, None])
        return bool((vetoed & now).any())

    def _candidate(self, comparison: Comparison, row: int, column: int, vetoes: tuple[Veto, ...]) -> Candidate:
        terms, place = comparison.terms, (row, column)
        common = 0 if terms.common_sightings is None else int(terms.common_sightings[place])
        metres = None
        if common and terms.tolerances is not None:
            metres = _rounded(terms.tolerances[place] * self._config.floor_tolerance_m)
        views = self._views(comparison, row, column)
        return Candidate(
            identity_id=int(comparison.identity_ids[column]),
            log_odds=LogOdds(
                appearance=_rounded(terms.appearance[place]),
                continuity=_rounded(terms.continuity[place]),
                travel=0.0 if terms.travel is None else _rounded(terms.travel[place]),
                places=0.0 if terms.places is None else _rounded(terms.places[place]),
            ),
            similarity=_rounded(terms.similarity[place]),
            threshold=self._threshold(comparison, row, column),
            parts=self._parts(comparison, row, column),
            metres_apart=metres,
            common_sightings=common,
            vetoes=vetoes,
            views=tuple(views[:MOST_VIEWS]),
            views_compared=len(views),
        )

    def _threshold(self, comparison: Comparison, row: int, column: int) -> Threshold:
        left, right = comparison.left, comparison.right
        mine = set(left.nodes.cameras[left.group_of == row].tolist())
        theirs = set(right.nodes.cameras[right.group_of == column].tolist())
        counts = self._thresholds.counts()
        pairs = {(min(one, other), max(one, other)) for one in mine for other in theirs}
        return Threshold(
            similarity=_rounded(comparison.terms.threshold[row, column]),
            spread=_rounded(comparison.terms.spread[row, column]),
            people=comparison.people,
            negatives=sum(int(counts[pair]) for pair in pairs),
            site_negatives=int(counts.sum()),
        )

    def _parts(self, comparison: Comparison, row: int, column: int) -> tuple[PartComparison, ...]:
        layout = self._book.layout
        if layout is None:
            return ()
        mine, theirs = _row(comparison.left.signatures, row), _row(comparison.right.signatures, column)
        return compared_parts(mine, theirs, layout, self._config.global_weight)

    def _views(self, comparison: Comparison, row: int, column: int) -> list[View]:
        """What there is of the candidate, the most similar first."""
        nodes = comparison.right.nodes
        members = np.flatnonzero(comparison.right.group_of == column)
        theirs = Signatures(nodes.signatures.vectors[members], nodes.signatures.visibility[members])
        mine = _row(comparison.left.signatures, row)
        close = similarity(mine, theirs, self._config.global_weight)[0]
        ordered = np.argsort(-close, kind="stable")
        return [self._view(comparison.right, int(members[place]), float(close[place])) for place in ordered]

    def _view(self, people: Groups, node: int, close: float) -> View:
        nodes, row = people.nodes, int(people.nodes.rows[node])
        tracklet = self._book.of_row(row) if row >= 0 else None
        return View(
            camera_id=self._thresholds.camera_ids[int(nodes.cameras[node])],
            track_id=None if tracklet is None else tracklet.key.track_id,
            first_frame=None if tracklet is None else tracklet.first_frame,
            first_s=_rounded(nodes.first_s[node]),
            last_s=_rounded(nodes.last_s[node]),
            clips=int(nodes.clips[node]),
            similarity=_rounded(close),
        )


def _row(signatures: Signatures, row: int) -> Signatures:
    return Signatures(signatures.vectors[row : row + 1], signatures.visibility[row : row + 1])


def compared_parts(
    mine: Signatures, theirs: Signatures, layout: EmbeddingLayout, global_weight: float
) -> tuple[PartComparison, ...]:
    """The whole body, then each part, of two rows side by side."""
    whole, parts = part_similarities(mine, theirs, layout, global_weight)
    compared = [
        PartComparison(name="whole body", similarity=_rounded(whole[0]), visibility=1.0, candidate_visibility=1.0)
    ]
    for part, name in enumerate(_names(layout.parts)):
        own, other = float(mine.visibility[0, part]), float(theirs.visibility[0, part])
        compared.append(
            PartComparison(
                name=name,
                similarity=_rounded(parts[0, part]) if own > 0 and other > 0 else None,
                visibility=_rounded(own),
                candidate_visibility=_rounded(other),
            )
        )
    return tuple(compared)


def _names(parts: int) -> Sequence[str]:
    return [PART_NAMES[part] if part < len(PART_NAMES) else f"part {part + 1}" for part in range(parts)]


def _rounded(number: float) -> float:
    return round(float(number), _DECIMALS)
