"""Bodies made by hand: people who stand or stride, with every joint where it is easy to say where."""

from __future__ import annotations

import numpy as np

from keyreid_stream.world.scene import CameraView
from keyreid_stream.world.structures import JOINTS, Body, Garment, Person

SKIN, SHIRT, TROUSERS, HAIR, SHOES = (224, 172, 140), (40, 90, 200), (70, 120, 60), (50, 34, 26), (30, 30, 34)


NEAR_VIEW = CameraView(name="near", at=(0, 0, 1.4), look_at=(4, 0, 1.0), fov_deg=50, width=480, height=360)
"""Looks along x from head height: someone 3 m away is some 300 pixels tall."""


def plain_person(person_id: int = 1, **changes: object) -> Person:
    """A bare-armed person in a blue shirt and green trousers."""
    fields = {
        "height_m": 1.75,
        "build": 1.0,
        "skin": SKIN,
        "hair": HAIR,
        "hair_style": "short",
        "shoes": SHOES,
        "top": Garment("t_shirt", SHIRT, (230, 230, 235)),
        "bottom": Garment("trousers", TROUSERS, (0, 0, 0)),
    }
    return Person(person_id=person_id, **{**fields, **changes})  # type: ignore[arg-type]


def varied_people() -> tuple[Person, ...]:
    """Eight people with every garment, pattern, hair style and accessory among them."""
    return (
        plain_person(1),
        plain_person(
            2,
            top=Garment("jacket", (120, 60, 50), (0, 0, 0)),
            hair_style="long",
            accessories=(("backpack", (40, 90, 70)),),
        ),
        plain_person(
            3,
            top=Garment("t_shirt", (210, 205, 190), (180, 50, 50), "bands"),
            bottom=Garment("shorts", (150, 130, 95), (0, 0, 0)),
            hair_style="bald",
            height_m=1.9,
            build=1.3,
        ),
        plain_person(
            4,
            top=Garment("long_sleeves", (200, 200, 205), (50, 70, 120), "checks"),
            bottom=Garment("skirt", (110, 40, 60), (0, 0, 0)),
            hair_style="long",
            height_m=1.55,
            build=0.8,
            accessories=(("shoulder_bag", (120, 70, 40)),),
        ),
        plain_person(
            5, top=Garment("t_shirt", (50, 60, 60), (240, 200, 80), "print"), accessories=(("hat", (190, 180, 150)),)
        ),
        plain_person(
            6,
            top=Garment("long_sleeves", (230, 220, 210), (70, 90, 80), "stripes"),
            accessories=(("umbrella", (170, 40, 50)),),
        ),
        plain_person(7, top=Garment("jacket", (90, 94, 60), (60, 60, 44), "checks"), height_m=1.98),
        plain_person(8, bottom=Garment("skirt", (60, 60, 90), (160, 160, 180), "bands")),
    )


def standing(
    person: Person, floor_xy: tuple[float, float] = (0.0, 0.0), heading_rad: float = 0.0, stride_rad: float = 0.0
) -> Body:
    """A body upright on the floor; `stride_rad` swings legs and arms, one forward, one back."""
    height = person.height_m
    front = np.array([np.cos(heading_rad), np.sin(heading_rad), 0.0])
    left, up = np.array([-front[1], front[0], 0.0]), np.array([0.0, 0.0, 1.0])
    foot = np.array([*floor_xy, 0.0])
    head = foot + height * 0.93 * up
    joints = {
        "head_centre": head,
        "nose": head + height * (0.057 * front - 0.006 * up),
        "neck": foot + height * 0.82 * up,
        "pelvis": foot + height * 0.53 * up,
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        leg = np.cos(stride_rad) * -up + sign * np.sin(stride_rad) * front
        arm = np.cos(stride_rad) * -up - sign * np.sin(stride_rad) * front + sign * 0.15 * left
        joints[f"{side}_eye"] = head + height * (0.047 * front + sign * 0.018 * left + 0.012 * up)
        joints[f"{side}_ear"] = head + height * sign * 0.042 * left
        joints[f"{side}_shoulder"] = foot + height * (0.806 * up + sign * 0.108 * left)
        joints[f"{side}_elbow"] = joints[f"{side}_shoulder"] + height * 0.17 * arm
        joints[f"{side}_wrist"] = joints[f"{side}_elbow"] + height * 0.155 * (arm + 0.2 * front)
        joints[f"{side}_hand"] = joints[f"{side}_wrist"] + height * 0.06 * (arm + 0.2 * front)
        joints[f"{side}_hip"] = foot + height * (0.53 * up + sign * 0.052 * left)
        joints[f"{side}_knee"] = joints[f"{side}_hip"] + height * 0.245 * leg
        joints[f"{side}_ankle"] = joints[f"{side}_knee"] + height * 0.245 * leg
        joints[f"{side}_toe"] = joints[f"{side}_ankle"] + height * (0.11 * front - 0.025 * up)
    rows = np.array([joints[name] for name in JOINTS])
    return Body(person, rows, heading_rad, np.array(floor_xy), "walking" if stride_rad else "standing")
