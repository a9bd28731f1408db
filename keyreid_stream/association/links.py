"""How strongly groups of tracklets speak for being the same person, in natural log odds.

Appearance speaks by how far a similarity lies above its camera pair's threshold; calibrated cameras by how far apart
they put two people on the floor; the time between two cameras by how long people take; a track by going on. What is
impossible is forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class PairTables:
    """What is known of pairs of nodes, (n, m) each; it does not change while the nodes are grouped and regrouped.

    Attributes:
        same_track: rows, columns and log odds of pairs of one track.
        ways: log odds by the time between cameras; None where nothing is known of it.
        floor_count, floor_sum: common sightings, and how far apart they were in sum; None without calibration.
        forbidden: pairs that cannot be one person.
    """

    same_track: tuple[IntArray, IntArray, FloatArray]
    ways: FloatArray | None
    floor_count: FloatArray | None
    floor_sum: FloatArray | None
    forbidden: NDArray[np.bool_]


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
        forbidden = _of_pairs(self._book.together, left, right)
        ways = None
        if not self._travel.knows_nothing:
            ways, ruled_out = self._way(left, right)
            forbidden |= ruled_out
        count = total = None
        if self._book.has_places:
            count = _of_pairs(self._book.floor_count, left, right)
            total = _of_pairs(self._book.floor_sum, left, right)
            forbidden |= self._too_fast(left, right)
        return PairTables(self._same_track(left, right), ways, count, total, forbidden)

    def weights(self, left: Groups, right: Groups, pairs: PairTables, candidates: int) -> FloatArray:
        """Log odds (len(left), len(right)) that two groups are one person, `FORBIDDEN` where they cannot be.

        Args:
            left: some groups.
            right: others, or the same; a group's weight with itself means nothing.
            pairs: of the nodes of both.
            candidates: how many people are to choose from: the more, the surer a pair must be.
        """
        weights = self._appearance(left, right, candidates)
        rows, columns, odds = pairs.same_track
        strongest = np.zeros_like(weights)
        np.maximum.at(strongest, (left.group_of[rows], right.group_of[columns]), odds)
        weights += strongest
        if pairs.ways is not None:
            weights += left.sums(right, pairs.ways) / (left.sizes[:, None] * right.sizes)
        if pairs.floor_count is not None and pairs.floor_sum is not None:
            count, total = left.sums(right, pairs.floor_count), left.sums(right, pairs.floor_sum)
            tolerances = total / np.maximum(count, 1) / self._config.floor_tolerance_m
            places = np.clip(_FLOOR_STRENGTH * (1 - tolerances**2), -2 * _FLOOR_STRENGTH, _FLOOR_STRENGTH)
            weights += np.where(count >= _FLOOR_SIGHTINGS, places, 0)
            weights[(count >= _FAR_SIGHTINGS) & (tolerances >= _FAR)] = FORBIDDEN
        weights[left.sums(right, pairs.forbidden) > 0] = FORBIDDEN
        return weights

    def _appearance(self, left: Groups, right: Groups, candidates: int) -> FloatArray:
        close = similarity(left.signatures, right.signatures, self._config.global_weight)
        by_camera, spreads = self._thresholds.matrices(candidates)
        mine, theirs = left.cameras(len(by_camera)), right.cameras(len(by_camera))
        count = left.sizes[:, None] * right.sizes
        threshold, spread = mine @ by_camera @ theirs.T / count, mine @ spreads @ theirs.T / count
        surplus = np.clip((close - threshold) * _STEEPNESS / spread, -_MOST, _MOST)
        sure = (left.clips / (left.clips + _HALF_SURE_CLIPS))[:, None] * (
            right.clips / (right.clips + _HALF_SURE_CLIPS)
        )
        result: FloatArray = (surplus * sure).astype(np.float32)
        return result

    def _same_track(self, left: Nodes, right: Nodes) -> tuple[IntArray, IntArray, FloatArray]:
        """A track goes on as the same person unless its tracker swapped people, at each cut with a certain rate."""
        rows, columns = np.nonzero((left.tracks[:, None] == right.tracks) & (left.tracks[:, None] >= 0))
        cuts = np.maximum(np.abs(left.numbers[rows] - right.numbers[columns]), 1)
        kept = (1 - self._config.swap_rate) ** cuts
        return rows, columns, np.maximum(np.log(kept / (1 - kept)), 0).astype(np.float32)

    def _way(self, left: Nodes, right: Nodes) -> tuple[FloatArray, NDArray[np.bool_]]:
        """What the time between two cameras says, from the earlier tracklet's end to the later one's beginning."""
        earlier = left.first_s[:, None] <= right.first_s
        gaps_s = np.where(earlier, right.first_s - left.last_s[:, None], left.first_s[:, None] - right.last_s)
        origins = np.where(earlier, left.cameras[:, None], right.cameras)
        cameras = np.where(earlier, right.cameras, left.cameras[:, None])
        another = origins != cameras
        odds = np.where(another, self._travel.log_odds(origins, cameras, gaps_s), np.float32(0))
        return odds, another & self._travel.impossible(origins, cameras, gaps_s)

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


def _of_pairs(table: NDArray, left: Nodes, right: Nodes) -> NDArray:  # type: ignore[type-arg]
    """A square array of the book for pairs of nodes; 0 where one is settled."""
    settled = (left.rows[:, None] < 0) | (right.rows < 0)
    return np.where(settled, table.dtype.type(0), table[left.rows[:, None], right.rows])
