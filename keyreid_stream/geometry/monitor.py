"""Watches a running site for calibrations that cannot be right: exchanged cameras, a camera that was moved."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from keyreid_stream.geometry.agreement import Agreement, Sightings, Trials, agreement, trials
from keyreid_stream.geometry.blame import Blame, blame
from keyreid_stream.geometry.calibration import CameraCalibration, Points

SAMPLE_S = 1.0
"""People hardly move in less: more samples would cost more and tell no more."""

WINDOW_SAMPLES = 240
"""What is remembered: a few minutes, so that a camera that is moved is noticed a few minutes later."""

MIN_TRIALS = 60
MIN_BLOCKS = 6
"""Below, two cameras are not judged."""

CONTRADICTS_BELOW, AGREES_ABOVE = 0.2, 0.2
"""Agreement beyond chance; its error decides how clearly below or above it must be."""

_ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class CalibrationFault:
    """Cameras that do not put people where others see them at the same time.

    Attributes:
        cameras: whose positions cannot be used, sorted: those of `exchanged`, else all that others outvote, else,
            where no side has a majority, all that contradict each other.
        exchanged: pairs of cameras that would agree with all others if they had each other's calibration. Usually
            one; several where a site is so symmetric that nothing tells them apart.
    """

    cameras: tuple[str, ...]
    exchanged: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        named = ", ".join(repr(camera_id) for camera_id in self.cameras)
        what = f"calibration of {named} contradicts what other cameras see at the same time"
        if not self.exchanged:
            return f"{what}; calibrate again, and check that the cameras' clocks agree"
        pairs = " or ".join(f"{one!r} and {other!r}" for one, other in self.exchanged)
        return f"{what}; {pairs} seem to have each other's: give each its own"


class CalibrationMonitor:
    """Compares where cameras with overlapping views put people at the same time.

    Args:
        calibrations: of the cameras, by camera id; the positions that it is told are made with these.
    """

    def __init__(self, calibrations: Mapping[str, CameraCalibration]) -> None:
        self._calibrations = dict(calibrations)
        self._samples: deque[tuple[float, dict[str, Points]]] = deque(maxlen=WINDOW_SAMPLES)

    def observe(self, timestamp_s: float, floor_xy: Mapping[str, Points]) -> None:
        """Take one tick; ticks closer than `SAMPLE_S` to the last one taken are passed over.

        Args:
            timestamp_s: of the tick, rising.
            floor_xy: where each camera that gave a frame sees people: (n, 2) metres, rows of NaN are left out.
        """
        if self._samples and timestamp_s - self._samples[-1][0] < SAMPLE_S:
            return
        kept = {
            camera_id: np.asarray(places, float)[np.isfinite(places).all(axis=1)]
            for camera_id, places in floor_xy.items()
            if camera_id in self._calibrations
        }
        self._samples.append((timestamp_s, kept))

    def faults(self) -> tuple[CalibrationFault, ...]:
        """Whose calibration cannot be right, as far as it can be told by now; empty for nobody's.

        Cameras are judged once a minute or more of people in their shared views has been seen, so early silence is no
        proof; nor is it for cameras whose views do not overlap.
        """
        pairs = {pair: self._agreement(pair) for pair in combinations(self._calibrations, 2)}
        contradicting = [pair for pair, one in pairs.items() if _contradict(one)]
        knots = blame([pair for pair, one in pairs.items() if _agree(one)], contradicting)
        return tuple(self._explained(knot, contradicting) for knot in knots)

    def agreements(self) -> dict[tuple[str, str], Agreement]:
        """How far each two cameras confirm each other, of those that could."""
        pairs = {pair: self._agreement(pair) for pair in combinations(self._calibrations, 2)}
        return {pair: one for pair, one in pairs.items() if one.trials}

    def _agreement(self, pair: tuple[str, str], exchanged: tuple[str, str] | None = None) -> Agreement:
        return agreement(self._trials(*pair, exchanged))

    def _trials(self, one: str, other: str, exchanged: tuple[str, str] | None) -> list[Trials]:
        """Of both cameras' people, at samples to which both gave a frame."""
        samples = [(time_s, seen) for time_s, seen in self._samples if one in seen and other in seen]
        if not samples:
            return []
        views = {camera_id: self._calibrations[_swapped(camera_id, exchanged)] for camera_id in (one, other)}
        seen = {camera_id: self._sightings(camera_id, samples, views[camera_id]) for camera_id in (one, other)}
        return [trials(seen[one], seen[other], views[other]), trials(seen[other], seen[one], views[one])]

    def _sightings(
        self, camera_id: str, samples: list[tuple[float, dict[str, Points]]], view: CameraCalibration
    ) -> Sightings:
        """What a camera saw, as if it had the calibration `view`."""
        own = self._calibrations[camera_id]
        counts = [len(seen[camera_id]) for _, seen in samples]
        places = np.concatenate([seen[camera_id] for _, seen in samples])
        rows = np.repeat(np.arange(len(samples)), counts)
        if view is not own:
            pixels, _ = own.project(np.column_stack([places, np.zeros(len(places))]))
            places, _ = view.floor_points(pixels)
            known = np.isfinite(places).all(axis=1)
            rows, places = rows[known], places[known]
        return Sightings(np.array([time_s for time_s, _ in samples]), rows, places)

    def _explained(self, knot: Blame, contradicting: list[tuple[str, str]]) -> CalibrationFault:
        """The fault, with the exchanges of two calibrations that would settle it."""
        ids = sorted(self._calibrations)
        # Contradictions first: an exchange that leaves one of them is soon done with.
        pairs = sorted(combinations(ids, 2), key=lambda pair: pair not in contradicting)
        of_knot = [pair for pair in pairs if knot.cameras & set(pair)]
        exchanged = tuple(pair for pair in combinations(ids, 2) if self._settles(pair, knot, of_knot))
        blamed = {camera_id for pair in exchanged for camera_id in pair} or knot.blamed
        return CalibrationFault(tuple(sorted(blamed)), exchanged)

    def _settles(self, exchanged: tuple[str, str], knot: Blame, pairs: list[tuple[str, str]]) -> bool:
        """Whether exchanging two calibrations leaves no contradiction among these pairs and somebody to confirm it."""
        one, other = (self._calibrations[camera_id] for camera_id in exchanged)
        if not knot.cameras & set(exchanged) or (one.width, one.height) != (other.width, other.height):
            return False
        confirmed = False
        for pair in pairs:
            now = self._agreement(pair, exchanged)
            if _contradict(now):
                return False
            confirmed = confirmed or (bool(set(pair) & set(exchanged)) and _agree(now))
        return confirmed


def _swapped(camera_id: str, exchanged: tuple[str, str] | None) -> str:
    if exchanged is None or camera_id not in exchanged:
        return camera_id
    return exchanged[1] if camera_id == exchanged[0] else exchanged[0]


def _error(of: Agreement) -> float:
    """Not smaller than so many independent trials would have: few blocks may happen to be alike."""
    return max(of.error, 0.5 / math.sqrt(of.trials))


def _is_judged(of: Agreement) -> bool:
    return of.trials >= MIN_TRIALS and of.blocks >= MIN_BLOCKS


def _contradict(of: Agreement) -> bool:
    return _is_judged(of) and of.beyond_chance + _ERRORS * _error(of) < CONTRADICTS_BELOW


def _agree(of: Agreement) -> bool:
    return _is_judged(of) and of.beyond_chance - _ERRORS * _error(of) > AGREES_ABOVE
