"""What the parts of the world hand each other.

World coordinates are metres: x to the right and y up on the floor plan, z upwards, the floor at z = 0. Headings are
radians, counter-clockwise from the x axis. Times are seconds of the world's clock, from 0. Camera coordinates are
OpenCV's: x to the right, y down, z into the picture. Colours are RGB, 0 to 255.

Letters: J joints of a body, H×W pixels, N points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import ImageArray

Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

JOINTS: tuple[str, ...] = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "neck",
    "pelvis",
    "head_centre",
    "left_hand",
    "right_hand",
    "left_toe",
    "right_toe",
)
"""A body's joints: the 17 COCO keypoints in COCO order, then what drawing a body needs besides."""

KEYPOINTS = 17
"""How many of the joints are keypoints."""

Pattern: TypeAlias = Literal["plain", "stripes", "bands", "checks", "print"]
Accessory: TypeAlias = Literal["backpack", "shoulder_bag", "hat", "umbrella"]


@dataclass(frozen=True, slots=True)
class Garment:
    """A piece of clothing.

    Attributes:
        kind: what it is.
        colour: its ground.
        second_colour: its pattern's other colour.
        pattern: vertical stripes, horizontal bands, checks, a print on the chest, or none.
    """

    kind: Literal["t_shirt", "long_sleeves", "jacket", "trousers", "shorts", "skirt"]
    colour: Colour
    second_colour: Colour
    pattern: Pattern = "plain"


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is: everything that stays the same while they are in the world.

    Attributes:
        person_id: 1, 2, 3, … in a world.
        height_m: standing.
        build: 0.8 slender to 1.3 broad; multiplies widths.
        skin, hair, shoes: colours.
        hair_style: how it is worn.
        top, bottom: clothes.
        accessories: worn or carried all the time, each with its colour.
    """

    person_id: int
    height_m: float
    build: float
    skin: Colour
    hair: Colour
    hair_style: Literal["bald", "short", "long"]
    shoes: Colour
    top: Garment
    bottom: Garment
    accessories: tuple[tuple[Accessory, Colour], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A person at one moment.

    Attributes:
        person: who.
        joints_m: (J, 3) in world coordinates, in the order of `JOINTS`.
        heading_rad: where the body faces.
        floor_xy: (2,) where it stands, metres.
        action: what it does.
    """

    person: Person
    joints_m: Points
    heading_rad: float
    floor_xy: Points
    action: Literal["walking", "standing", "sitting"]


@dataclass(frozen=True, slots=True, eq=False)
class WorldState:
    """Everyone who is in the world at one moment, by person id."""

    time_s: float
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Silhouette:
    """Where a person would be seen by a camera if nothing and nobody were in front.

    Attributes:
        box_xyxy: pixels, not cut at the picture's edge.
        pixels: how many of the picture's pixels it covers.
    """

    box_xyxy: tuple[float, float, float, float]
    pixels: int


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """One camera's view of a moment, before anything a sensor does to it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        person_ids: (H, W) int32, who is seen at each pixel; 0 for nobody.
        depth_m: (H, W) float32, z in camera coordinates of what is seen at each pixel; infinite for the sky.
        silhouettes: by person id, of everyone who covers a pixel at all.
    """

    image: ImageArray
    person_ids: NDArray[np.int32]
    depth_m: NDArray[np.float32]
    silhouettes: dict[int, Silhouette]
