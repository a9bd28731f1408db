"""Who is where and when: the whole of a world's comings and goings, made in advance from (scene, seed, seconds).

People come alone or in pairs, through any entrance, as soon as there is room for them. They walk to places and seats,
stay there, and walk on, until their visit is over; then they leave by an entrance, and some come back later. The plan
is made in steps of `TICK_S` with people who make way for each other (see `steering`), and starts before time 0, so that
a world is not empty at its beginning.

In a minute of each ready scene nobody came nearer to anybody than 0.4 m, nor nearer to a solid than 0.15 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.errors import ConfigError
from keyreid_stream.world.navigation import FloorMap
from keyreid_stream.world.randomness import stream
from keyreid_stream.world.scene import FOOTROOM_M, Scene
from keyreid_stream.world.steering import best_velocities, kept_apart
from keyreid_stream.world.structures import Person, Points
from keyreid_stream.world.walker import TICK_S, Stop, Walker

WARM_UP_S = 30.0
"""How long before time 0 the first people come."""
TAIL_S = 2.0
"""How much longer than asked for a plan is: the last steps are looked up ahead of time."""

_PLACES = 40
_PLACE_CLEARANCE_M = 0.55
_GAP_BETWEEN_ARRIVALS_S = 1.5
_FREE_ENTRANCE_M = 0.9
_ACCELERATION_M_S2 = 3.0
_STAND_S = (2.0, 9.0)
_WALK_ON_SHARE = 0.35
_SEATED_SHARE_OF_STAY = (0.3, 0.6)


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One stay of one person in the world.

    Attributes:
        person: who.
        start_s: when they come in; the first row's time, the others follow every `TICK_S`.
        rows: (n, 5) x and y in metres, heading in radians (not wrapped), how far they sit (0 to 1), and their seat's
            height in metres.
    """

    person: Person
    start_s: float
    rows: Points

    @property
    def end_s(self) -> float:
        """When they are gone."""
        return self.start_s + (len(self.rows) - 1) * TICK_S


@dataclass(slots=True)
class _Party:
    """One person or two who come, walk and leave together."""

    members: tuple[Person, ...]
    returns: bool
    may_come_s: float
    inside: int = 0


def make_plan(scene: Scene, people: Sequence[Person], seed: int, seconds: float) -> tuple[Visit, ...]:
    """All visits that touch the time from 0 to `seconds`, by their beginning.

    Raises:
        ConfigError: an entrance or a seat cannot be reached.
    """
    return _Planner(scene, people, seed).run(seconds)


class _Planner:
    """The state of the plan while it is made."""

    def __init__(self, scene: Scene, people: Sequence[Person], seed: int) -> None:
        self.scene = scene
        self.floor_map = FloorMap(scene.floor.size, scene.solids())
        self.rng = stream(seed, "plan")
        self.entrances = [np.array(entrance.at) for entrance in scene.entrances]
        _check_ways(scene, self.floor_map)
        self.places = self.floor_map.places(
            stream(seed, "places"), _PLACES, start=self.entrances[0], clearance_m=_PLACE_CLEARANCE_M
        )
        self.parties = _parties(scene, people, stream(seed, "parties"))
        self.walkers: list[Walker] = []
        self.party_of: dict[int, _Party] = {one.person_id: party for party in self.parties for one in party.members}
        self.visits: list[Visit] = []
        self.next_arrival_s = -WARM_UP_S

    def run(self, seconds: float) -> tuple[Visit, ...]:
        for tick in range(round((WARM_UP_S + seconds + TAIL_S) / TICK_S)):
            now_s = round(tick * TICK_S - WARM_UP_S, 6)
            self._arrivals(now_s)
            self._give_stops(now_s)
            self._move(now_s)
            self._departures(now_s)
        for walker in self.walkers:
            self._finish(walker)
        kept = [visit for visit in self.visits if visit.end_s > 0 and len(visit.rows) > 3]
        return tuple(sorted(kept, key=lambda visit: (visit.start_s, visit.person.person_id)))

    def _arrivals(self, now_s: float) -> None:
        if now_s < self.next_arrival_s:
            return
        room = self.scene.people.together - len(self.walkers)
        waiting = [
            party
            for party in self.parties
            if not party.inside and party.may_come_s <= now_s and len(party.members) <= room
        ]
        free = [place for place in self.entrances if not self._is_crowded(place)]
        if not waiting or not free:
            return
        party = waiting[int(self.rng.integers(len(waiting)))]
        self._come_in(party, free[int(self.rng.integers(len(free)))], now_s)
        self.next_arrival_s = now_s + float(self.rng.exponential(_GAP_BETWEEN_ARRIVALS_S))

    def _come_in(self, party: _Party, entrance: Points, now_s: float) -> None:
        rules = self.scene.people
        leave_s = now_s + float(self.rng.uniform(*rules.stay_s))
        way_out = self.entrances[int(self.rng.integers(len(self.entrances)))]
        inwards = np.array(self.scene.floor.size) / 2 - entrance
        heading = float(np.arctan2(inwards[1], inwards[0]))
        pace = float(self.rng.uniform(*rules.speed_m_s))
        leader: Walker | None = None
        for index, person in enumerate(party.members):
            # Two at the very same place could not tell which way to make room.
            place = entrance + 0.1 * index * np.array([np.sin(heading), -np.cos(heading)])
            walker = Walker(person, now_s, leave_s, place, heading, pace, way_out, leader=leader)
            self.walkers.append(walker)
            leader = leader or walker
        party.inside = len(party.members)

    def _give_stops(self, now_s: float) -> None:
        for walker in self.walkers:
            leader = walker.leader
            is_left_alone = leader is not None and (leader.is_leaving or leader.is_gone)
            if is_left_alone or (walker.needs_a_stop and now_s >= walker.leave_s):
                walker.leave(self.floor_map)
            elif walker.needs_a_stop:
                walker.go(self._next_stop(walker), self.floor_map)

    def _next_stop(self, walker: Walker) -> Stop:
        rules = self.scene.people
        taken = [other.stop.place for other in self.walkers if other.stop is not None]
        alone = len(self.party_of[walker.person.person_id].members) == 1
        has_sat = any(row[3] > 0 for row in walker.rows)
        # Two chances a visit, so that the share of visits with a seat comes out as asked.
        if alone and not has_sat and self.rng.random() < 1 - np.sqrt(1 - rules.sit_share):
            seats = [seat for seat in self.scene.seats if not _is_near(np.array(seat.feet), taken, 0.3)]
            if seats:
                seat = seats[int(self.rng.integers(len(seats)))]
                stay = float(self.rng.uniform(*_SEATED_SHARE_OF_STAY)) * (walker.leave_s - walker.start_s)
                return Stop(np.array(seat.feet), stay, float(np.radians(seat.heading_deg)), seat)
        free = [place for place in self.places if not _is_near(place, [*taken, walker.position], 1.1)]
        # The farther of two: people cross the world rather than mill about.
        draws = [free[index] for index in self.rng.integers(len(free), size=2)] if free else [walker.exit_place]
        place = max(draws, key=lambda draw: float(np.hypot(*(draw - walker.position))))
        if self.rng.random() < _WALK_ON_SHARE:
            return Stop(place)
        facing = float(self.rng.uniform(-np.pi, np.pi)) if self.rng.random() < 0.5 else None
        return Stop(place, float(self.rng.uniform(*_STAND_S)), facing)

    def _move(self, now_s: float) -> None:
        if not self.walkers:
            return
        positions = np.array([walker.position for walker in self.walkers])
        velocities = np.array([walker.velocity for walker in self.walkers])
        wanted = np.array([walker.wanted_velocity(self.floor_map) for walker in self.walkers])
        shyness = np.array([walker.shyness for walker in self.walkers])
        solids = self.floor_map.solids
        change = best_velocities(positions, velocities, wanted, shyness, solids) - velocities
        change *= np.minimum(1, _ACCELERATION_M_S2 * TICK_S / np.maximum(np.hypot(*change.T), 1e-9))[:, None]
        is_free = np.array([0.0 if walker.is_paused else 1.0 for walker in self.walkers])
        ahead = positions + (velocities + change) * TICK_S * is_free[:, None]
        ahead = kept_apart(ahead, is_free, solids, FOOTROOM_M)
        ahead = np.clip(ahead, 0.05, np.array(self.scene.floor.size) - 0.05)
        for walker, position in zip(self.walkers, ahead, strict=True):
            walker.move(position, now_s)
            walker.record()

    def _departures(self, now_s: float) -> None:
        for walker in [walker for walker in self.walkers if walker.is_gone]:
            self.walkers.remove(walker)
            self._finish(walker)
            party = self.party_of[walker.person.person_id]
            party.inside -= 1
            if not party.inside:
                away = float(self.rng.uniform(*self.scene.people.away_s))
                party.may_come_s = now_s + away if party.returns else np.inf

    def _finish(self, walker: Walker) -> None:
        self.visits.append(Visit(walker.person, walker.start_s, np.array(walker.rows).reshape(-1, 5)))

    def _is_crowded(self, place: Points) -> bool:
        return _is_near(place, [walker.position for walker in self.walkers], _FREE_ENTRANCE_M)


def _parties(scene: Scene, people: Sequence[Person], rng: np.random.Generator) -> list[_Party]:
    """People in random order, the first of them in pairs; returns are spread over parties of both kinds."""
    order = [people[index] for index in rng.permutation(len(people))]
    pairs = min(round(len(people) * scene.people.group_share / 2), len(people) // 2) if scene.people.together > 1 else 0
    members = [(order[2 * index], order[2 * index + 1]) for index in range(pairs)]
    groups: list[tuple[Person, ...]] = [*members, *((person,) for person in order[2 * pairs :])]
    coming_back = set(rng.permutation(len(groups))[: round(len(groups) * scene.people.return_share)].tolist())
    return [_Party(group, index in coming_back, -np.inf) for index, group in enumerate(groups)]


def _is_near(place: Points, others: Sequence[Points], distance_m: float) -> bool:
    return any(float(np.hypot(*(place - other))) < distance_m for other in others)


def _check_ways(scene: Scene, floor_map: FloorMap) -> None:
    first = scene.entrances[0]
    goals = [(f"entrance {entrance.name!r}", entrance.at) for entrance in scene.entrances[1:]]
    goals += [(f"seat {number}", seat.feet) for number, seat in enumerate(scene.seats, 1)]
    for label, place in goals:
        if not floor_map.is_reachable(np.array(first.at), np.array(place)):
            raise ConfigError(f"scene {scene.name!r}: no way leads from entrance {first.name!r} to {label}; make room")
