"""Do two cameras put the same people at the same places?

Two cameras whose views overlap see the same people at once, so right calibrations put a person of the one where the
other has somebody too. Wrong ones do so only by chance, and chance is high where people sit or queue. What is measured
is therefore agreement beyond chance (Cohen's kappa): 1 if everyone is confirmed, 0 if no more than the other camera's
habit of having somebody there would confirm.

Walls can keep views apart that overlap on paper. A person counts only at places where the other camera has had
somebody at another time: behind a wall it never has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from keyreid_stream.geometry.calibration import CameraCalibration, Points
from keyreid_stream.geometry.floor import MAX_METRES_PER_PIXEL

SAME_PLACE_M = 0.75
"""Two positions of one person are hardly ever farther apart: see docs/guides/calibration.md."""

NEARBY_S = 5.0
"""Somebody who is there within this time may be the same person still, so it does not count as chance."""

BLOCK_S = 10.0
"""Sightings closer in time are not independent of each other; errors are estimated over blocks this long."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Where one camera saw people in a window of time.

    Attributes:
        times_s: (S,) samples, those without people included, rising.
        rows: (n,) int64, the sample of each position.
        floor_xy: (n, 2) metres.
    """

    times_s: Points
    rows: NDArray[np.int64]
    floor_xy: Points


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far cameras confirm each other.

    Attributes:
        beyond_chance: kappa, about 0 for wrong calibrations, 0.5 to 1 for right ones.
        error: its standard error.
        trials: sightings behind it.
        blocks: independent stretches of time behind it.
    """

    beyond_chance: float
    error: float
    trials: int
    blocks: int


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Sightings that another camera should confirm.

    Attributes:
        times_s: (n,) when.
        confirmed: (n,) whether the other camera had somebody there at that time.
        by_chance: (n,) the share of the other times at which it did.
    """

    times_s: Points
    confirmed: NDArray[np.bool_]
    by_chance: Points


def shared_floor(calibration: CameraCalibration, floor_xy: Points) -> NDArray[np.bool_]:
    """Which places (n, 2) on the floor a camera's picture shows, finely enough to be used."""
    pixels, _ = calibration.project(np.column_stack([floor_xy, np.zeros(len(floor_xy))]))
    with np.errstate(invalid="ignore"):
        within = (pixels >= 0) & (pixels < np.array([calibration.width, calibration.height]))
    inside: NDArray[np.bool_] = within[:, 0] & within[:, 1]
    _, coarseness = calibration.floor_points(pixels[inside])
    inside[inside] = coarseness <= MAX_METRES_PER_PIXEL
    return inside


def trials(of: Sightings, by: Sightings, witness: CameraCalibration) -> Trials:
    """Whom of one camera's people another camera should have confirmed, and whom it did.

    Args:
        of: the people.
        by: what the other camera saw. Both have the same samples.
        witness: the other camera.
    """
    wanted = shared_floor(witness, of.floor_xy)
    rows, places = of.rows[wanted], of.floor_xy[wanted]
    if not len(rows) or not len(by.rows):
        return Trials(np.zeros(0), np.zeros(0, bool), np.zeros(0))
    near = cKDTree(places).sparse_distance_matrix(cKDTree(by.floor_xy), SAME_PLACE_M, output_type="coo_matrix")
    # For each of the people and each sample: did the other camera have anybody there?
    there = np.zeros((len(rows), len(by.times_s)), bool)
    there[near.row, by.rows[near.col]] = True
    other_time = np.abs(by.times_s[None, :] - of.times_s[rows][:, None]) > NEARBY_S
    at_other_times = (there & other_time).sum(axis=1)
    counts = at_other_times > 0
    by_chance = at_other_times[counts] / other_time[counts].sum(axis=1)
    confirmed = there[np.arange(len(rows)), rows]
    return Trials(of.times_s[rows][counts], confirmed[counts], by_chance)


def agreement(of: Sequence[Trials]) -> Agreement:
    """Agreement beyond chance over all these trials."""
    times_s = np.concatenate([np.zeros(0), *(one.times_s for one in of)])
    above = np.concatenate([np.zeros(0), *(one.confirmed - one.by_chance for one in of)])
    room = np.concatenate([np.zeros(0), *(1 - one.by_chance for one in of)])
    blocks, block = np.unique(times_s // BLOCK_S, return_inverse=True)
    above_B, room_B = np.bincount(block, above, len(blocks)), np.bincount(block, room, len(blocks))
    if len(blocks) < 2 or room_B.sum() <= 0:
        return Agreement(float("nan"), float("inf"), len(times_s), len(blocks))
    kappa = above_B.sum() / room_B.sum()
    # A ratio's error from its blocks' residuals.
    spread = np.sqrt(((above_B - kappa * room_B) ** 2).sum() * len(blocks) / (len(blocks) - 1)) / room_B.sum()
    return Agreement(float(kappa), float(spread), len(times_s), len(blocks))
