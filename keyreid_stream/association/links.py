"""How strongly groups of tracklets speak for being the same person, in natural log odds.

Appearance speaks by how far a similarity lies above its camera pair's threshold; calibrated cameras by how far apart
they put two people on the floor; the time between two cameras by how long people take; a track by going on. What is
impossible is forbidden.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.similarity import similarity
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import TrackletBook
from keyreid_stream.association.travel import TravelTimes
from keyreid_stream.structures import FloatArray

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


class Links:
    """Weights of pairs of groups."""

    def __init__(
        self, config: AssociationConfig, book: TrackletBook, thresholds: Thresholds, travel: TravelTimes
    ) -> None:
        self._config = config
        self._book = book
        self._thresholds = thresholds
        self._travel = travel

    def weights(self, left: Groups, right: Groups, candidates: int) -> FloatArray:
        """Log odds (len(left), len(right)) that two groups are one person, `FORBIDDEN` where they cannot be.

        Args:
            left: some groups.
            right: others, or the same; a group's weight with itself means nothing.
            candidates: how many people are to choose from: the more, the surer a pair must be.
        """
        weights = self._appearance(left, right, candidates)
        weights += left.over_pairs(right, self._track(left.nodes, right.nodes), np.maximum)
        forbidden = self._beside(left.nodes, right.nodes)
        if not self._travel.knows_nothing:
            odds, ruled_out = self._way(left.nodes, right.nodes)
            weights += left.over_pairs(right, odds, np.add) / (left.sizes[:, None] * right.sizes)
            forbidden |= ruled_out
        if self._book.has_places:
            odds, too_far = self._floor(left, right)
            weights += odds
            weights[too_far] = FORBIDDEN
            forbidden |= self._too_fast(left.nodes, right.nodes)
        weights[left.over_pairs(right, forbidden, np.logical_or)] = FORBIDDEN
        return weights

    def _appearance(self, left: Groups, right: Groups, candidates: int) -> FloatArray:
        close = similarity(left.signatures, right.signatures, self._config.global_weight)
        pairs = left.nodes.cameras[:, None], right.nodes.cameras
        count = left.sizes[:, None] * right.sizes
        threshold, spread = (
            left.over_pairs(right, by_camera[pairs], np.add) / count
            for by_camera in self._thresholds.matrices(candidates)
        )
        surplus = np.clip((close - threshold) * _STEEPNESS / spread, -_MOST, _MOST)
        sure = (left.clips / (left.clips + _HALF_SURE_CLIPS))[:, None] * (
            right.clips / (right.clips + _HALF_SURE_CLIPS)
        )
        result: FloatArray = (surplus * sure).astype(np.float32)
        return result

    def _track(self, left: Nodes, right: Nodes) -> FloatArray:
        """A track goes on as the same person unless its tracker swapped people, at each cut with a certain rate."""
        odds = np.zeros((len(left), len(right)), np.float32)
        rows, columns = np.nonzero((left.tracks[:, None] == right.tracks) & (left.tracks[:, None] >= 0))
        cuts = np.maximum(np.abs(left.numbers[rows] - right.numbers[columns]), 1)
        kept = (1 - self._config.swap_rate) ** cuts
        odds[rows, columns] = np.maximum(np.log(kept / (1 - kept)), 0)
        return odds

    def _beside(self, left: Nodes, right: Nodes) -> NDArray[np.bool_]:
        """Pairs that one camera saw at once."""
        return _of_pairs(self._book.together, left, right)

    def _way(self, left: Nodes, right: Nodes) -> tuple[FloatArray, NDArray[np.bool_]]:
        """What the time between two cameras says, from the earlier tracklet's end to the later one's beginning."""
        odds = np.zeros((len(left), len(right)), np.float32)
        ruled_out = np.zeros(odds.shape, np.bool_)
        rows, columns = np.nonzero(left.cameras[:, None] != right.cameras)
        earlier = left.first_s[rows] <= right.first_s[columns]
        origins = np.where(earlier, left.cameras[rows], right.cameras[columns])
        cameras = np.where(earlier, right.cameras[columns], left.cameras[rows])
        gaps_s = np.where(
            earlier, right.first_s[columns] - left.last_s[rows], left.first_s[rows] - right.last_s[columns]
        )
        odds[rows, columns] = self._travel.log_odds(origins, cameras, gaps_s)
        ruled_out[rows, columns] = self._travel.impossible(origins, cameras, gaps_s)
        return odds, ruled_out

    def _floor(self, left: Groups, right: Groups) -> tuple[FloatArray, NDArray[np.bool_]]:
        """What places on the floor say, over all moments at which two cameras saw both; and who is too far away."""
        count = left.over_pairs(right, _of_pairs(self._book.floor_count, left.nodes, right.nodes), np.add)
        total = left.over_pairs(right, _of_pairs(self._book.floor_sum, left.nodes, right.nodes), np.add)
        tolerances = total / np.maximum(count, 1) / self._config.floor_tolerance_m
        weight = np.clip(_FLOOR_STRENGTH * (1 - tolerances**2), -2 * _FLOOR_STRENGTH, _FLOOR_STRENGTH)
        weight = np.where(count >= _FLOOR_SIGHTINGS, weight, 0).astype(np.float32)
        return weight, (count >= _FAR_SIGHTINGS) & (tolerances >= _FAR)

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
