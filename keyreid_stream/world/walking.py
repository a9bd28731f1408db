"""From a visit's trajectory to its steps: when each foot leaves the floor, and where it comes down.

The gait phase counts steps: step k swings from phase k + 0.2 to k + 1 (left foot for even k, right foot for odd), so
each foot is on the floor for 60 % of its cycle and both are for 20 % (Perry: Gait Analysis, 1992). Steps per second
follow from speed and height. Where a step comes down is where the body will be a little later; between two landings a
foot's place does not change, so feet do not slide. Every walk ends on a whole number of steps, feet side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from keyreid_stream.world.plan import Visit
from keyreid_stream.world.structures import Person, Points
from keyreid_stream.world.walker import TICK_S

LIFT_OFF = 0.2
"""Phase of a step at which its foot leaves the floor."""

_LANDING_LEAD = 1.45
"""A foot comes down where the body will be at phase k + this: 0.45 steps ahead of it on landing."""
_PAD = 12
"""Ticks by which a visit is continued on both sides, for the steps that begin before it and end after it."""
_SMOOTHING_TICKS = 1.5
_SETTLING_TICKS = 5
_STILL_M_S, _STILL_RAD_S = 0.06, 0.25
_LEAST_STEPS_S = 1.3

_X, _Y, _HEADING, _SEATED, _SEAT_HEIGHT, _PHASE, _SPEED, _TURN = range(8)


@dataclass(frozen=True, slots=True)
class Foot:
    """What a foot does at a moment.

    Attributes:
        lifted, landed: x, y and yaw of the last and of the next (or present) foothold; the ankle's place when flat.
        swing: 0 on the floor to 1 on landing.
        age: steps since it landed; 0 while it swings.
    """

    lifted: tuple[float, float, float]
    landed: tuple[float, float, float]
    swing: float
    age: float


@dataclass(frozen=True, slots=True)
class Moment:
    """What a visit's person does at a moment, before any joint is placed.

    Attributes:
        person: who.
        x, y: metres.
        heading_rad: where the body faces.
        phase: of the gait, in steps.
        speed_m_s: of walking.
        turn_rad_s: counter-clockwise.
        seated: 0 standing to 1 sitting.
        seat_height_m: of the seat.
        left, right: the feet.
    """

    person: Person
    x: float
    y: float
    heading_rad: float
    phase: float
    speed_m_s: float
    turn_rad_s: float
    seated: float
    seat_height_m: float
    left: Foot
    right: Foot


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A visit with its steps.

    Attributes:
        person: who.
        start_s, end_s: of the visit.
        rows: (n, 8) every `TICK_S` from `_PAD` ticks before `start_s`.
        footholds: x, y and yaw of the landing of step k at k + 2.
    """

    person: Person
    start_s: float
    end_s: float
    rows: Points
    footholds: tuple[tuple[float, float, float], ...]

    def at(self, time_s: float) -> Moment:
        """The moment at a time between `start_s` and `end_s`."""
        tick, part = divmod((time_s - self.start_s) / TICK_S + _PAD, 1.0)
        around = self.rows[int(tick) - 1 : int(tick) + 3]
        x, y, heading = (_spline_weights(part) @ around[:, : _HEADING + 1]).tolist()
        seated, seat_height, phase, speed, turn = (
            (1 - part) * around[1, _SEATED:] + part * around[2, _SEATED:]
        ).tolist()
        step = math.floor(phase + 1e-6)
        done = max(phase - step, 0.0)
        before, planted, after = self.footholds[step : step + 3]
        stepping = Foot(before, after, max(0.0, (done - LIFT_OFF) / (1 - LIFT_OFF)), 1.0 + done)
        standing = Foot(planted, planted, 0.0, done)
        left, right = (stepping, standing) if step % 2 == 0 else (standing, stepping)
        return Moment(self.person, x, y, heading, phase, speed, turn, seated, seat_height, left, right)


def walk_of(visit: Visit) -> Walk:
    """Put steps under a visit."""
    rows = np.pad(visit.rows, ((_PAD, _PAD), (0, 0)), mode="reflect", reflect_type="odd")
    rows[:, _SEATED:] = np.pad(visit.rows[:, _SEATED:], ((_PAD, _PAD), (0, 0)), mode="edge")
    rows[:, :_SEATED] = gaussian_filter1d(rows[:, :_SEATED], _SMOOTHING_TICKS, axis=0, mode="nearest")
    speed = np.hypot(np.gradient(rows[:, _X]), np.gradient(rows[:, _Y])) / TICK_S
    turn = gaussian_filter1d(np.gradient(rows[:, _HEADING]) / TICK_S, _SMOOTHING_TICKS)
    runs = _runs((speed > _STILL_M_S) | (np.abs(turn) > _STILL_RAD_S), rows[:, _SEATED] > 0)
    phase = _phases(speed, runs, visit.person.height_m)
    series = np.column_stack([rows, phase, gaussian_filter1d(speed, 2.0), turn])
    return Walk(visit.person, visit.start_s, visit.end_s, series, _footholds(series, runs, visit.person.height_m))


def _runs(moves: NDArray[np.bool_], sits: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last tick of every stretch of steps, each with time to bring the feet together."""
    stepping = moves.copy()
    for lag in range(1, _SETTLING_TICKS + 1):
        stepping[lag:] |= moves[:-lag]
    stepping &= ~sits
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stepping, [False]]).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2) if end - first > 1]


def _phases(speed: Points, runs: list[tuple[int, int]], height_m: float) -> Points:
    """Gait phase at every tick: it grows during runs, by a whole number of steps each."""
    step_length = height_m * np.minimum(0.26 + 0.12 * speed, 0.42)
    rate = np.maximum(speed / step_length, _LEAST_STEPS_S)
    phase = np.zeros(len(speed))
    for first, last in runs:
        grown = np.cumsum((rate[first:last] + rate[first + 1 : last + 1]) / 2 * TICK_S)
        steps = max(1, math.ceil(float(grown[-1]) - 0.2))
        begun = phase[first]
        phase[first + 1 : last + 1] = begun + grown * (steps / grown[-1])
        phase[last:] = begun + steps
    return phase


def _footholds(rows: Points, runs: list[tuple[int, int]], height_m: float) -> tuple[tuple[float, float, float], ...]:
    """Where the steps come down, after where both feet stand at the beginning."""
    start = np.zeros(1)
    holds = [_beside(rows, start, side, height_m)[0] for side in (0, 1)]
    for first, last in runs:
        begun, ended = (round(float(rows[tick, _PHASE])) for tick in (first, last))
        steps = np.arange(begun, ended)
        reached = np.minimum(steps + _LANDING_LEAD, ended)
        ticks = np.interp(reached, rows[first : last + 1, _PHASE], np.arange(first, last + 1))
        sides = steps % 2
        holds += [_beside(rows, ticks[i : i + 1], int(sides[i]), height_m)[0] for i in range(len(steps))]
    # The last phase may be whole: then a step that never happens is looked up as well.
    return (*holds, holds[-2])


def _beside(rows: Points, ticks: Points, side: int, height_m: float) -> list[tuple[float, float, float]]:
    """Footholds of the left (0) or right (1) foot of a body at these ticks; a slow walk is wider than a fast one."""
    places = []
    for tick in ticks:
        x, y, heading, speed = (np.interp(tick, np.arange(len(rows)), rows[:, c]) for c in (_X, _Y, _HEADING, _SPEED))
        apart = height_m * (0.05 - 0.02 * min(1.0, speed / 0.8)) * (1 if side == 0 else -1)
        places.append((float(x - apart * np.sin(heading)), float(y + apart * np.cos(heading)), float(heading)))
    return places


def _spline_weights(part: float) -> Points:
    """Weights of four neighbours in a Catmull-Rom spline."""
    t, t2, t3 = part, part * part, part**3
    return 0.5 * np.array([-t3 + 2 * t2 - t, 3 * t3 - 5 * t2 + 2, -3 * t3 + 4 * t2 + t, t3 - t2])
