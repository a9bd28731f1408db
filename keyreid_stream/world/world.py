"""A world in motion: who is where, and how they hold themselves, at any time."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from keyreid_stream.errors import ConfigError
from keyreid_stream.world.appearance import make_people
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.plan import make_plan
from keyreid_stream.world.scene import Scene, check_scene
from keyreid_stream.world.skeleton import joints_of
from keyreid_stream.world.structures import Body, Person, WorldState
from keyreid_stream.world.walking import Moment, walk_of

MAX_SECONDS = 7200.0
"""The longest world: its plan takes a minute or two to make."""

_WALKING_M_S = 0.2


class World:
    """People, cameras and all that happens between 0 and `seconds`.

    Everything follows from (scene, seed, seconds) and is settled when the world is made: `state_at` may be asked in any
    order and from any number of processes, and always says the same.

    Attributes:
        scene, seed, seconds: what it was made from.
        people: everyone who may come, by person id; not all need to come within the time.
        cameras: in the scene's order.
    """

    def __init__(self, scene: Scene, seed: int = 0, seconds: float = 60.0) -> None:
        """Make the plan: about a second for a minute of ten people.

        Raises:
            ConfigError: the scene cannot be, or seed or seconds are out of range.
        """
        if not 0 <= seed < 2**63:
            raise ConfigError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed}")
        if not (math.isfinite(seconds) and 0 < seconds <= MAX_SECONDS):
            raise ConfigError(f"seconds must be above 0 and at most {MAX_SECONDS:g}, got {seconds:g}")
        self.scene = check_scene(scene)
        self.seed = seed
        self.seconds = seconds
        self.people: tuple[Person, ...] = make_people(scene, seed)
        self.cameras: tuple[Camera, ...] = tuple(Camera.of(view) for view in scene.cameras)
        self._walks = tuple(walk_of(visit) for visit in make_plan(scene, self.people, seed, seconds))

    def state_at(self, time_s: float) -> WorldState:
        """Everyone who is in the world at a time, by person id.

        Raises:
            ValueError: the time is not between 0 and `seconds`.
        """
        if not 0 <= time_s <= self.seconds:
            raise ValueError(f"time must be between 0 and {self.seconds:g} s, got {time_s:g}")
        moments = [walk.at(time_s) for walk in self._walks if walk.start_s <= time_s <= walk.end_s]
        moments.sort(key=lambda moment: moment.person.person_id)
        if not moments:
            return WorldState(time_s, ())
        joints = joints_of(moments, time_s)
        return WorldState(time_s, tuple(_body(*pair) for pair in zip(moments, joints, strict=True)))


def _body(moment: Moment, joints: np.ndarray) -> Body:
    action: Literal["walking", "standing", "sitting"]
    if moment.seated > 0:
        action = "sitting"
    elif moment.speed_m_s > _WALKING_M_S:
        action = "walking"
    else:
        action = "standing"
    return Body(moment.person, joints, moment.heading_rad, np.array([moment.x, moment.y]), action)
