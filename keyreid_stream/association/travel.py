"""Travel times between cameras: learned from people who were recognised, or pinned by who knows the site."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.errors import ConfigError
from keyreid_stream.structures import FloatArray, IntArray

_EDGES_S = np.array([0.0, *(2.0 ** np.arange(0, 11))])
"""Gaps below 0 (in view at once), below 1 s, 2 s, 4 s, … 1024 s, and longer."""

_BINS = len(_EDGES_S) + 1
_HIGHER = 1 if sys.byteorder == "little" else 0
_FAMILIAR = 10.0
"""After so many people who took a way, half is believed of what they took."""

_MOST = 3.0
"""Travel times alone are never surer than this, in log odds."""


class TravelTime(BaseModel):
    """How long the way from one camera to another takes.

    Attributes:
        from_camera, to_camera: camera ids.
        min_s, max_s: nobody is faster or slower; 0 allows who is seen by both at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_camera: str
    to_camera: str
    min_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    max_s: float = Field(ge=0, allow_inf_nan=False)


class TravelTimes:
    """For every way from camera to camera, the gaps of those who were one person, and of those who were not.

    A gap is the time from a tracklet's end to a later tracklet's beginning, negative when they overlap in time.
    """

    def __init__(self, pinned: Sequence[TravelTime] = ()) -> None:
        """Start without experience.

        Raises:
            ConfigError: a pinned way's shortest time is longer than its longest, or it is pinned twice.
        """
        ways = [(one.from_camera, one.to_camera) for one in pinned]
        for one in pinned:
            way = f"from {one.from_camera!r} to {one.to_camera!r}"
            if one.min_s > one.max_s:
                raise ConfigError(f"the way {way} takes {one.min_s:g} to {one.max_s:g} s; give the shorter time first")
            if ways.count((one.from_camera, one.to_camera)) > 1:
                raise ConfigError(f"the way {way} is pinned more than once; keep one")
        self._pinned = tuple(pinned)
        self._names: list[str] = []
        self._same: NDArray[np.float64] = np.zeros((0, 0, _BINS))
        self._others: NDArray[np.float64] = np.zeros((0, 0, _BINS))
        self._odds: FloatArray | None = None  # until something is learned

    def camera(self, camera_id: str) -> None:
        """Get to know the next camera; numbers follow the order in which cameras are made known."""
        self._names.append(camera_id)
        count = len(self._names)
        for name in ("_same", "_others"):
            grown = np.zeros((count, count, _BINS))
            grown[:-1, :-1] = getattr(self, name)
            setattr(self, name, grown)
        self._odds = None

    @property
    def knows_nothing(self) -> bool:
        """Whether no way is pinned, and nobody was recognised yet."""
        return not self._pinned and not self._same.any()

    def learn(
        self, origins: IntArray, cameras: IntArray, gaps_s: NDArray[np.float64], *, same: NDArray[np.bool_]
    ) -> None:
        """Take gaps (n,) from cameras to cameras, (n,) their numbers, and whether each was one person's."""
        places = self._places(origins, cameras, gaps_s)
        for table, chosen in ((self._same, same), (self._others, ~same)):
            table += np.bincount(places[chosen], minlength=table.size).reshape(table.shape)
        self._odds = None

    def log_odds(self, origins: IntArray, cameras: IntArray, gaps_s: NDArray[np.float64]) -> FloatArray:
        """What gaps (any shape) say about being one person's: up to 3 either way, 0 where nothing is known."""
        if self._odds is None:
            self._odds = self._by_bin()
        found: FloatArray = self._odds.ravel()[self._places(origins, cameras, gaps_s)]
        return found

    def _places(self, origins: IntArray, cameras: IntArray, gaps_s: NDArray[np.float64]) -> NDArray[np.int32]:
        """Where in a flat table (C · C · bins) each gap counts."""
        ways = origins.astype(np.int32) * np.int32(len(self._names)) + cameras.astype(np.int32)
        places: NDArray[np.int32] = ways * np.int32(_BINS) + _bins(gaps_s)
        return places

    def _by_bin(self) -> FloatArray:
        """Log odds (C, C, bins) of being one person's."""
        everyone = self._same + self._others
        usual = (everyone + 1) / (everyone.sum(axis=2, keepdims=True) + _BINS)
        count = self._same.sum(axis=2, keepdims=True)
        theirs = (self._same + _FAMILIAR * usual) / (count + _FAMILIAR)
        odds: FloatArray = np.clip(np.log(theirs / usual), -_MOST, _MOST).astype(np.float32)
        odds[np.arange(len(odds)), np.arange(len(odds))] = 0
        return odds

    @property
    def rules_out(self) -> bool:
        """Whether any way is pinned."""
        return bool(self._pinned)

    def impossible(self, origins: IntArray, cameras: IntArray, gaps_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which gaps (any shape) a pinned way rules out."""
        ruled_out = np.zeros(gaps_s.shape, np.bool_)
        for one in self._pinned:
            if one.from_camera in self._names and one.to_camera in self._names:
                way = (origins == self._names.index(one.from_camera)) & (cameras == self._names.index(one.to_camera))
                too_soon = (gaps_s < one.min_s) & ((gaps_s >= 0) | (one.min_s > 0))
                ruled_out |= way & (too_soon | (gaps_s > one.max_s))
        return ruled_out

    def learned(self, *, share: float = 0.9) -> tuple[TravelTime, ...]:
        """The times that the middle `share` of recognised people took, for each way that ten or more took."""
        found = []
        for origin, destination in zip(*np.nonzero(self._same.sum(axis=2) >= _FAMILIAR), strict=True):
            reached = np.cumsum(self._same[origin, destination]) / self._same[origin, destination].sum()
            first, last = np.searchsorted(reached, [(1 - share) / 2 + 1e-9, (1 + share) / 2 - 1e-9])
            upper = float(_EDGES_S[min(int(last), len(_EDGES_S) - 1)])
            found.append(
                TravelTime(
                    from_camera=self._names[origin],
                    to_camera=self._names[destination],
                    min_s=float(_EDGES_S[first - 1]) if first else 0.0,
                    max_s=upper,
                )
            )
        return tuple(found)


def _bins(gaps_s: NDArray[np.float64]) -> NDArray[np.int32]:
    """The bin of each gap, as `np.digitize(gaps_s, _EDGES_S)` gives, but in a fraction of the time."""
    # A number's sign and exponent are its first 12 bits, so negative gaps come out negative; 1023 is 2 to the 0.
    halves = np.ascontiguousarray(gaps_s + 0.0).view(np.int32)
    exponents = halves[..., _HIGHER::2] >> 20
    bins: NDArray[np.int32] = np.minimum(np.maximum(exponents - 1021, 1), _BINS - 1)
    bins *= exponents >= 0
    return bins
