"""How strongly groups of tracklets speak for being the same person, in natural log odds.

Appearance speaks by how far a similarity lies above its camera pair's threshold; calibrated cameras by how far apart
they put two people on the floor; the time between two cameras by how long people take; a track by going on. What is
impossible is forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.similarity import similarity
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import TrackletBook
from keyreid_stream.association.travel import TravelTimes
from keyreid_stream.structures import FloatArray, IntArray

FORBIDDEN = np.float32(-1e9)
"""Weight of two groups that cannot be one person: no sum or mean of others outweighs it."""

IMPOSSIBLE = FORBIDDEN / 1e6
"""Whatever is below was forbidden somewhere."""

_STEEPNESS = 5.0
"""Log odds per spread of the similarities of different people."""

_MOST = 8.0
"""Appearance alone is never surer than this."""

_HALF_SURE_CLIPS = 0.5
"""A group of so many clips says half of what one of many would."""

_FLOOR_STRENGTH = 5.0
_FLOOR_SIGHTINGS = 3.0
"""From so many common sightings on, places on the floor count."""

_FAR_SIGHTINGS = 5.0
_FAR = 4.0
"""Tolerances between two people on the floor, on average over so many sightings, at which they cannot be one."""

_ROWS_AT_ONCE = 64
"""Of a large table of pairs: what is worked out in between stays in the processor's cache."""

PairVeto: TypeAlias = Literal["seen at once", "travel time", "walking speed", "known apart"]
"""Why two nodes cannot be one person: one camera saw both at once; nobody takes the way in that time; nobody walks so
fast; one camera saw at once what else their identities are."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTables:
    """What is known of pairs of nodes, (n, m) each; it does not change while the nodes are grouped and regrouped.

    Attributes:
        same_track: rows, columns and log odds of pairs of one track.
        ways: log odds by the time between cameras; None where nothing is known of it.
        floor_count, floor_sum: common sightings, and how far apart they were in sum; None without calibration.
        forbidden: pairs that cannot be one person.
        vetoes: the same by reason, as far as it was looked at.
    """

    same_track: tuple[IntArray, IntArray, FloatArray]
    ways: FloatArray | None
    floor_count: FloatArray | None
    floor_sum: FloatArray | None
    forbidden: NDArray[np.bool_]
    vetoes: Mapping[PairVeto, NDArray[np.bool_]]

    def with_apart(self, apart: NDArray[np.bool_]) -> PairTables:
        """The same, with pairs (n, m) that are known to be different people."""
        return replace(self, forbidden=self.forbidden | apart, vetoes={**self.vetoes, "known apart": apart})


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What adds up to the weights of pairs of groups, (g, h) each.

    Attributes:
        similarity: how alike they look, -1 to 1.
        threshold, spread: what that is compared with: their cameras', on average.
        appearance: log odds by it.
        continuity: log odds of being one track that goes on.
        travel: log odds by the time between cameras; None where nothing is known of it.
        places: log odds by places on the floor; None without calibration.
        tolerances: how far apart they were on the floor on average, in `AssociationConfig.floor_tolerance_m`; None
            without calibration.
        common_sightings: over how many sightings; None without calibration.
        far: pairs that are too far apart for that; None without calibration.
        forbidden: pairs of which a pair of nodes cannot be one person.
    """

    similarity: FloatArray
    threshold: FloatArray
    spread: FloatArray
    appearance: FloatArray
    continuity: FloatArray
    travel: FloatArray | None
    places: FloatArray | None
    tolerances: FloatArray | None
    common_sightings: FloatArray | None
    far: NDArray[np.bool_] | None
    forbidden: NDArray[np.bool_]

    def log_odds(self) -> FloatArray:
        """The sum of what speaks for or against, whatever is forbidden."""
        total = self.appearance + self.continuity
        if self.travel is not None:
            total += self.travel
        if self.places is not None:
            total += self.places
        return total

    def weights(self) -> FloatArray:
        """The sum, and `FORBIDDEN` for what is impossible."""
        weights = self.log_odds()
        if self.far is not None:
            weights[self.far] = FORBIDDEN
        weights[self.forbidden] = FORBIDDEN
        return weights


class Links:
    """Weights of pairs of groups."""

    def __init__(
        self, config: AssociationConfig, book: TrackletBook, thresholds: Thresholds, travel: TravelTimes
    ) -> None:
        self._config = config
        self._book = book
        self._thresholds = thresholds
        self._travel = travel

    def pairs(self, left: Nodes, right: Nodes) -> PairTables:
        """What is known of pairs of nodes, besides how alike they look."""
        vetoes: dict[PairVeto, NDArray[np.bool_]] = {"seen at once": _of_pairs(self._book.together, left, right)}
        ways = None
        if not self._travel.knows_nothing:
            ways, ruled_out = self._ways(left, right)
            if self._travel.rules_out:
                vetoes["travel time"] = ruled_out
        count = total = None
        if self._book.has_places:
            count = _of_pairs(self._book.floor_count, left, right)
            total = _of_pairs(self._book.floor_sum, left, right)
            vetoes["walking speed"] = self._too_fast(left, right)
        forbidden = np.logical_or.reduce(list(vetoes.values()))
        return PairTables(self._same_track(left, right), ways, count, total, forbidden, vetoes)

    def weights(self, left: Groups, right: Groups, pairs: PairTables, candidates: int) -> FloatArray:
        """Log odds (len(left), len(right)) that two groups are one person, `FORBIDDEN` where they cannot be.

        Args:
            left: some groups.
            right: others, or the same; a group's weight with itself means nothing.
            pairs: of the nodes of both.
            candidates: how many people are to choose from: the more, the surer a pair must be.
        """
        return self.terms(left, right, pairs, candidates).weights()

    def terms(self, left: Groups, right: Groups, pairs: PairTables, candidates: int) -> Terms:
        """What the `weights` of the same groups add up from."""
        close, threshold, spread = self._compared(left, right, candidates)
        appearance = _appearance(left, right, (close - threshold) * _STEEPNESS / spread)
        rows, columns, odds = pairs.same_track
        strongest = np.zeros_like(appearance)
        np.maximum.at(strongest, (left.group_of[rows], right.group_of[columns]), odds)
        travel = places = tolerances = count = far = None
        if pairs.ways is not None:
            travel = left.sums(right, pairs.ways) / (left.sizes[:, None] * right.sizes)
        if pairs.floor_count is not None and pairs.floor_sum is not None:
            count, total = left.sums(right, pairs.floor_count), left.sums(right, pairs.floor_sum)
            tolerances = (total / np.maximum(count, 1) / self._config.floor_tolerance_m).astype(np.float32, copy=False)
            near = np.clip(_FLOOR_STRENGTH * (1 - tolerances**2), -2 * _FLOOR_STRENGTH, _FLOOR_STRENGTH)
            places = np.where(count >= _FLOOR_SIGHTINGS, near, np.float32(0))
            far = (count >= _FAR_SIGHTINGS) & (tolerances >= _FAR)
        forbidden = left.sums(right, pairs.forbidden) > 0
        return Terms(close, threshold, spread, appearance, strongest, travel, places, tolerances, count, far, forbidden)

    def _compared(self, left: Groups, right: Groups, candidates: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """How alike groups look, and the threshold and the spread for that."""
        close = similarity(left.signatures, right.signatures, self._config.global_weight)
        by_camera, spreads = self._thresholds.matrices(candidates)
        mine, theirs = left.cameras(len(by_camera)), right.cameras(len(by_camera))
        count = left.sizes[:, None] * right.sizes
        return close, mine @ by_camera @ theirs.T / count, mine @ spreads @ theirs.T / count

    def _same_track(self, left: Nodes, right: Nodes) -> tuple[IntArray, IntArray, FloatArray]:
        """A track goes on as the same person unless its tracker swapped people, at each cut with a certain rate."""
        rows, columns = np.nonzero((left.tracks[:, None] == right.tracks) & (left.tracks[:, None] >= 0))
        cuts = np.maximum(np.abs(left.numbers[rows] - right.numbers[columns]), 1)
        kept = (1 - self._config.swap_rate) ** cuts
        return rows, columns, np.maximum(np.log(kept / (1 - kept)), 0).astype(np.float32)

    def _ways(self, left: Nodes, right: Nodes) -> tuple[FloatArray, NDArray[np.bool_]]:
        """What the time between two cameras says, from the earlier tracklet's end to the later one's beginning."""
        odds = np.empty((len(left), len(right)), np.float32)
        ruled_out = np.zeros(odds.shape, np.bool_)
        mine, theirs = left.cameras.astype(np.int32)[:, None], right.cameras.astype(np.int32)
        for start in range(0, len(left), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            first_s, last_s, camera = left.first_s[some, None], left.last_s[some, None], mine[some]
            earlier = first_s <= right.first_s
            gaps_s = np.where(earlier, right.first_s - last_s, first_s - right.last_s)
            origins, cameras = np.where(earlier, camera, theirs), np.where(earlier, theirs, camera)
            odds[some] = self._travel.log_odds(origins, cameras, gaps_s)
            if self._travel.rules_out:
                ruled_out[some] = self._travel.impossible(origins, cameras, gaps_s) & (origins != cameras)
        return odds, ruled_out

    def _too_fast(self, left: Nodes, right: Nodes) -> NDArray[np.bool_]:
        """Pairs of which the later one begins farther from the earlier one's end than anybody can walk."""
        too_fast = np.zeros((len(left), len(right)), np.bool_)
        for ends, begins, end_places, begin_places in (
            (left.last_s[:, None], right.first_s, left.last_places[:, None], right.first_places),
            (-left.first_s[:, None], -right.last_s, left.first_places[:, None], right.last_places),
        ):
            gap = begins - ends
            metres = np.linalg.norm(end_places - begin_places, axis=2) - 2 * self._config.floor_tolerance_m
            too_fast |= (gap >= 0) & (metres > self._config.max_speed_m_s * np.maximum(gap, 0))
        return too_fast


def _appearance(left: Groups, right: Groups, surplus: FloatArray) -> FloatArray:
    """Log odds by how far similarities lie above their thresholds, less of them where there are few clips."""
    sure = (left.clips / (left.clips + _HALF_SURE_CLIPS))[:, None] * (right.clips / (right.clips + _HALF_SURE_CLIPS))
    result: FloatArray = (np.clip(surplus, -_MOST, _MOST) * sure).astype(np.float32)
    return result


def _of_pairs(table: NDArray, left: Nodes, right: Nodes) -> NDArray:  # type: ignore[type-arg]
    """A square array of the book for pairs of nodes; 0 where one is settled."""
    found: NDArray = table.take(left.rows, axis=0).take(right.rows, axis=1)  # type: ignore[type-arg]
    found[left.rows < 0] = 0
    found[:, right.rows < 0] = 0
    return found
