"""From raw floor positions to trails that can be drawn: without gaps, jumps and jitter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from keyreid_stream.sinks import FloorPath
from keyreid_stream.world.structures import Points

_LONGEST_GAP_S = 1.0
_FASTEST_M_S = 4.0
"""Faster than that is no walk but a box that jumped: the trail is cut there."""

_WINDOW = 5
"""Sightings over which positions are evened out: half a second at ten frames a second."""

_FEWEST = 3
_BEYOND_FLOOR_M = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """An unbroken piece of one track's way.

    Attributes:
        identity_id: who, by the run's own belief.
        camera_id: who saw it.
        times_s: (n,) rising.
        floor_xy: (n, 2) metres.
    """

    identity_id: int
    camera_id: str
    times_s: NDArray[np.float64]
    floor_xy: Points


def trails_of(paths: Iterable[FloorPath], floor: tuple[float, float]) -> tuple[Trail, ...]:
    """The trails of all tracks that have an identity; positions off the floor are left out.

    Args:
        paths: what `FloorPathsSink.paths` gives.
        floor: width and depth of the floor, metres.
    """
    return tuple(trail for path in paths if path.identity_id > 0 for trail in _pieces(path, floor))


def _pieces(path: FloorPath, floor: tuple[float, float]) -> Iterator[Trail]:
    low, high = -_BEYOND_FLOOR_M, np.add(floor, _BEYOND_FLOOR_M)
    with np.errstate(invalid="ignore"):
        usable = ((path.floor_xy >= low) & (path.floor_xy <= high)).all(axis=1)
    times_s, floor_xy = path.times_s[usable], path.floor_xy[usable]
    for seen in _runs(np.diff(times_s) > _LONGEST_GAP_S, len(times_s)):
        # The median takes out single wrong positions before they count as jumps.
        steady = median_filter(floor_xy[seen], size=(_WINDOW, 1), mode="nearest")
        steps_m = np.linalg.norm(np.diff(steady, axis=0), axis=1)
        for piece in _runs(steps_m > _FASTEST_M_S * np.diff(times_s[seen]), len(steady)):
            if len(steady[piece]) >= _FEWEST:
                even = uniform_filter1d(steady[piece], _WINDOW, axis=0, mode="nearest")
                yield Trail(path.identity_id, path.key.camera_id, times_s[seen][piece], even)


def _runs(breaks: NDArray[np.bool_], length: int) -> Iterator[slice]:
    """Slices of what lies between breaks; `breaks[i]` parts i from i + 1."""
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), length]
    for start, end in pairwise(edges):
        if end > start:
            yield slice(start, end)
