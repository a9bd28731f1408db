"""Thresholds that set themselves: how alike do different people look at this site?

Two people seen at once by one camera are certainly different. Of the people one camera sees while another camera sees
somebody, at most one is that person, so all but the most alike are different too. Each camera pair's threshold is so
far above the similarities of such pairs that chance rarely reaches it; the more alike people look, the higher it is.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.structures import FloatArray, IntArray

PRIOR_SPREAD = 0.1
"""Standard deviation of similarities of different people, until the site has shown its own."""

PRIOR_PAIRS = 20.0
"""How many pairs of different people what was assumed about them is worth."""

_LEAST_SPREAD = 0.03
_LARGEST = 0.98
"""Above this, nobody would ever be matched."""


class Thresholds:
    """Similarities of certainly different people, per camera pair, and what follows from them."""

    def __init__(self, config: AssociationConfig) -> None:
        self._config = config
        self._cameras: dict[str, int] = {}
        self._moments: NDArray[np.float64] = np.zeros((0, 0, 3))  # count, sum, sum of squares
        self._found: tuple[int, tuple[FloatArray, FloatArray]] | None = None  # for so many candidates, until it changes

    def camera(self, camera_id: str) -> int:
        """The camera's number, for the matrices."""
        if camera_id not in self._cameras:
            self._cameras[camera_id] = len(self._cameras)
            grown = np.zeros((len(self._cameras), len(self._cameras), 3))
            grown[:-1, :-1] = self._moments
            self._moments = grown
            self._found = None
        return self._cameras[camera_id]

    @property
    def camera_ids(self) -> tuple[str, ...]:
        """Cameras in the order of their numbers."""
        return tuple(self._cameras)

    def counts(self) -> IntArray:
        """(C, C): pairs of certainly different people taken so far, at [smaller, larger] camera's number."""
        return self._moments[..., 0].astype(np.int64)

    def different(self, first: IntArray, second: IntArray, similarities: FloatArray) -> None:
        """Take similarities (n,) of different people seen by cameras `first` and `second` (n,), by number."""
        values = similarities.astype(np.float64)
        columns = np.stack([np.ones_like(values), values, values**2], axis=1)
        np.add.at(self._moments, (np.minimum(first, second), np.maximum(first, second)), columns)
        self._found = None

    def different_moments(self, first: int, second: int, count: int, total: float, squares: float) -> None:
        """Take similarities of different people seen by cameras `first` and `second`, counted and summed elsewhere."""
        self._moments[min(first, second), max(first, second)] += (count, total, squares)
        self._found = None

    def matrices(self, candidates: int) -> tuple[FloatArray, FloatArray]:
        """Threshold and spread of every camera pair, (C, C) each, for decisions among so many candidates."""
        if self._found is None or self._found[0] != candidates:
            self._found = candidates, self._work_out(candidates)
        return self._found[1]

    def _work_out(self, candidates: int) -> tuple[FloatArray, FloatArray]:
        upper = self._moments
        moments = upper + np.swapaxes(upper, 0, 1) * (1 - np.eye(len(upper)))[:, :, None]
        z = -NormalDist().inv_cdf(self._config.false_merge_rate / max(candidates, 1))
        site_mean, site_spread = _shrunk(
            upper.sum(axis=(0, 1)), self._config.threshold - z * PRIOR_SPREAD, PRIOR_SPREAD
        )
        mean, spread = _shrunk(moments, site_mean, site_spread)
        threshold = np.minimum(mean + z * spread, _LARGEST)
        return threshold.astype(np.float32), spread.astype(np.float32)


def _shrunk(
    moments: NDArray[np.float64], prior_mean: NDArray[np.float64] | float, prior_spread: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of moments (..., 3) to which what was assumed adds `PRIOR_PAIRS` pairs."""
    count = moments[..., 0] + PRIOR_PAIRS
    mean = (moments[..., 1] + PRIOR_PAIRS * prior_mean) / count
    square = (moments[..., 2] + PRIOR_PAIRS * (np.square(prior_mean) + np.square(prior_spread))) / count
    return mean, np.maximum(np.sqrt(np.maximum(square - mean**2, 0)), _LEAST_SPREAD)
