"""Worlds small enough to be rendered in tests."""

from __future__ import annotations

from keyreid_stream.world.scene import CameraView, Entrance, Floor, People, Scene, Sensor
from keyreid_stream.world.world import World

YARD = Scene(
    name="yard",
    floor=Floor(size=(10.0, 8.0)),
    entrances=(Entrance(name="gate", at=(0.6, 4.0)), Entrance(name="door", at=(9.4, 4.0))),
    people=People(count=3, together=3, stay_s=(20.0, 40.0)),
    cameras=(
        CameraView(name="east", at=(9.8, 4.0, 3.0), look_at=(3.0, 4.0, 0.5), width=128, height=96),
        CameraView(
            name="west",
            at=(0.2, 4.0, 3.0),
            look_at=(7.0, 4.0, 0.5),
            width=96,
            height=72,
            fps=5,
            sensor=Sensor(clock_offset_s=2.5),
        ),
    ),
)


def yard(seconds: float = 2.0, seed: int = 3) -> World:
    return World(YARD, seed, seconds)


def yard_toml() -> str:
    """The yard as a scene file."""
    return """
name = "yard"
floor = { size = [10.0, 8.0] }
entrances = [{ name = "gate", at = [0.6, 4.0] }, { name = "door", at = [9.4, 4.0] }]
people = { count = 3, together = 3 }

[[cameras]]
name = "east"
at = [9.8, 4.0, 3.0]
look_at = [3.0, 4.0, 0.5]
width = 128
height = 96

[[cameras]]
name = "west"
at = [0.2, 4.0, 3.0]
look_at = [7.0, 4.0, 0.5]
width = 96
height = 72
fps = 5
sensor = { clock_offset_s = 2.5 }
"""
