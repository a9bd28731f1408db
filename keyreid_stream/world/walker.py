"""One person on a visit, while the plan is made: where they want to go next, and what they do when they are there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from keyreid_stream.world.navigation import FloorMap
from keyreid_stream.world.scene import Seat
from keyreid_stream.world.structures import Person, Points

TICK_S = 0.1
"""The plan's step."""

_ARRIVED_M = 0.15
_CORNER_M = 0.35
_PARTY_GAP_M = 0.75
_SIT_DOWN_S = 1.4
_TURN_LIMIT_RAD_S = 3.0
_TURN_GAIN = 4.5
_TURNING_PACE = 0.12
_PATIENCE_S = 2.0
_TRAIL_TICKS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Stop:
    """Somewhere to go on a visit.

    Attributes:
        place: (2,) where the feet end up, metres.
        seconds: how long to stay; 0 to walk on at once.
        facing_rad: where to look meanwhile; None to stay turned as one comes.
        seat: to sit on.
    """

    place: Points
    seconds: float = 0.0
    facing_rad: float | None = None
    seat: Seat | None = None


@dataclass(slots=True, eq=False)
class Walker:
    """The changing half of a visit.

    Attributes:
        person: who.
        start_s: when the visit began.
        leave_s: when to head for the exit.
        position, velocity: (2,) metres, metres a second.
        heading_rad: not wrapped: it counts full turns.
        pace_m_s: usual speed.
        stop: where to now; None once the way leads out.
        exit_place: (2,) the entrance to leave by.
        leader: whom they walk beside.
        seated: 0 standing to 1 sitting.
        seat_height_m: of the last seat.
        is_leaving: whether their way leads out.
        is_gone: whether they went through the exit.
        rows: what was recorded: x, y, heading, seated, seat height.
    """

    person: Person
    start_s: float
    leave_s: float
    position: Points
    heading_rad: float
    pace_m_s: float
    exit_place: Points
    stop: Stop | None = None
    leader: Walker | None = None
    velocity: Points = field(default_factory=lambda: np.zeros(2))
    seated: float = 0.0
    seat_height_m: float = 0.45
    is_leaving: bool = False
    is_gone: bool = False
    rows: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    _route: deque[Points] = field(default_factory=deque)
    _settled_s: float | None = None
    _nearest_m: float = np.inf
    _stuck_s: float = 0.0
    _aim: Points = field(default_factory=lambda: np.zeros(2))

    @property
    def is_paused(self) -> bool:
        """Whether they have reached their stop and stay there for now."""
        return self._settled_s is not None

    @property
    def needs_a_stop(self) -> bool:
        """Whether they have nothing to do."""
        return self.stop is None and not self.is_leaving and self.leader is None

    @property
    def shyness(self) -> float:
        """1 for making way as usual; falls while there is no getting on."""
        return float(np.clip(1.3 - self._stuck_s / _PATIENCE_S, 0.1, 1.0))

    def go(self, stop: Stop, floor_map: FloorMap) -> None:
        """Set out for a stop."""
        self.stop, self._settled_s = stop, None
        self._plan_way(stop.place, floor_map)

    def leave(self, floor_map: FloorMap) -> None:
        """Set out for the exit."""
        self.stop, self._settled_s, self.is_leaving, self.leader = None, None, True, None
        self._plan_way(self.exit_place, floor_map)

    def wanted_velocity(self, floor_map: FloorMap) -> Points:
        """(2,) how they would walk if nobody else were there: slowly while they have to turn round first."""
        wanted = self._way_onwards(floor_map)
        self._aim = wanted
        facing = np.array([np.cos(self.heading_rad), np.sin(self.heading_rad)])
        along = float(facing @ wanted) / max(float(np.hypot(*wanted)), 1e-6)
        return wanted * max(_TURNING_PACE, min(1.0, 0.35 + along))

    def _way_onwards(self, floor_map: FloorMap) -> Points:
        if self.leader is not None:
            return self._beside(self.leader, floor_map)
        if not self._route:
            return np.zeros(2)
        if self._stuck_s > _PATIENCE_S:
            self._stuck_s = _PATIENCE_S / 2
            self._plan_way(self._route[-1], floor_map)
        while len(self._route) > 1 and (
            np.hypot(*(self._route[0] - self.position)) < _CORNER_M or floor_map.is_clear(self.position, self._route[1])
        ):
            self._route.popleft()
            self._nearest_m = np.inf
        away = self._route[0] - self.position
        distance = float(np.hypot(*away))
        self._notice_progress(distance)
        halts = len(self._route) == 1 and self.stop is not None and self.stop.seconds > 0
        speed = min(self.pace_m_s, 1.5 * distance + 0.1) if halts else self.pace_m_s
        return away / max(distance, 1e-6) * speed

    def move(self, position: Points, now_s: float) -> None:
        """Take the position that the crowd left them, turn, and do what there is to do at the stop."""
        self.velocity = (position - self.position) / TICK_S
        self.position = position
        self._turn()
        if self.stop is not None and self.leader is None:
            self._stay(self.stop, now_s)
        elif self.is_leaving and np.hypot(*(self.exit_place - position)) < 2 * _ARRIVED_M:
            self.is_gone = True

    def record(self) -> None:
        """Write down this tick."""
        x, y = self.position.tolist()
        self.rows.append((x, y, self.heading_rad, self.seated, self.seat_height_m))

    def _plan_way(self, goal: Points, floor_map: FloorMap) -> None:
        self._route = deque(floor_map.route(self.position, goal))
        self._nearest_m = np.inf

    def _notice_progress(self, distance: float) -> None:
        if distance < self._nearest_m - 0.02:
            self._nearest_m, self._stuck_s = distance, max(0.0, self._stuck_s - 2 * TICK_S)
        else:
            self._stuck_s += TICK_S

    def _beside(self, leader: Walker, floor_map: FloorMap) -> Points:
        """Keep to the leader's right, or behind where the way is narrow."""
        forward = np.array([np.cos(leader.heading_rad), np.sin(leader.heading_rad)])
        slot = leader.position + _PARTY_GAP_M * np.array([forward[1], -forward[0]])
        if not floor_map.is_clear(leader.position, slot, 0.25) or not floor_map.is_clear(self.position, slot, 0.2):
            trail = [np.array(row[:2]) for row in leader.rows[-_TRAIL_TICKS:-8]]
            slot = next((place for place in reversed(trail) if floor_map.is_clear(self.position, place, 0.15)), slot)
        away = slot - self.position
        distance = float(np.hypot(*away))
        if leader.is_paused and distance < _ARRIVED_M:
            return np.zeros(2)
        wanted = (np.zeros(2) if leader.is_paused else leader.velocity) + 1.2 * away
        return wanted * min(1.0, 1.2 * self.pace_m_s / max(float(np.hypot(*wanted)), 1e-6))

    def _turn(self) -> None:
        if np.hypot(*self.velocity) > 0.3:
            towards = float(np.arctan2(self.velocity[1], self.velocity[0]))
        elif self.leader is not None and self.leader.is_paused:
            away = self.leader.position - self.position
            towards = float(np.arctan2(away[1], away[0]))
        elif self.is_paused and self.stop is not None and self.stop.facing_rad is not None:
            towards = self.stop.facing_rad
        elif np.hypot(*self._aim) > 0.1:
            towards = float(np.arctan2(self._aim[1], self._aim[0]))
        else:
            return
        missing = (towards - self.heading_rad + np.pi) % (2 * np.pi) - np.pi
        self.heading_rad += TICK_S * float(np.clip(_TURN_GAIN * missing, -_TURN_LIMIT_RAD_S, _TURN_LIMIT_RAD_S))

    def _stay(self, stop: Stop, now_s: float) -> None:
        distance = float(np.hypot(*(stop.place - self.position)))
        if self._settled_s is None:
            # Somebody may stand just there: after some waiting, near is near enough, but not for a seat.
            reach = _CORNER_M if stop.seconds == 0 else _ARRIVED_M + (0.0 if stop.seat else 0.5 * self._stuck_s)
            if distance < reach:
                self._settled_s = now_s
                self._route.clear()
            return
        stayed = now_s - self._settled_s
        if stop.seat is None:
            if stayed >= stop.seconds:
                self.stop, self._settled_s = None, None
            return
        self.position = self.position + 0.15 * (stop.place - self.position)
        self._sit(stop.seat, stayed, stop.seconds)

    def _sit(self, seat: Seat, stayed: float, seconds: float) -> None:
        """Turn, settle down, stay, get up, and only then go on."""
        turning_s = 1.6
        self.seat_height_m = seat.height
        down = (stayed - turning_s) / _SIT_DOWN_S
        up = (turning_s + 2 * _SIT_DOWN_S + seconds - stayed) / _SIT_DOWN_S
        self.seated = float(np.clip(min(down, up), 0, 1))
        if up < -0.2:
            self.seated, self.stop, self._settled_s = 0.0, None, None
