"""What a person's body is drawn with: skin, hair and face; clothes and things carried come from their own files."""

from __future__ import annotations

from collections.abc import Iterator

from keyreid_stream.world.render.anatomy import (
    FRONT,
    HEAD_FRONT,
    HEAD_LEFT,
    HEAD_UP,
    HIPS_FRONT,
    SHOULDERS,
    UP,
    WORLD_UP,
    between,
    joint,
)
from keyreid_stream.world.render.carried import carried_shapes
from keyreid_stream.world.render.clothes import clothes_shapes
from keyreid_stream.world.render.shapes import Ball, Paint, Shape, ShapeTable, Tube, Weave, tinted
from keyreid_stream.world.structures import Colour, Person

REFERENCE_HEIGHT_M = 1.75
"""The height that all sizes below are given for."""

_SIDES = ("left", "right")


def figure(person: Person) -> ShapeTable:
    """Everything that this person is drawn with, in any pose."""
    shapes = [*_head(person), *_hair(person), *_limbs(person), *_shoes(person)]
    scale = person.height_m / REFERENCE_HEIGHT_M
    return ShapeTable.of([*shapes, *clothes_shapes(person, scale), *carried_shapes(person, scale)])


def _head(person: Person) -> Iterator[Shape]:
    s = person.height_m / REFERENCE_HEIGHT_M
    skin = Paint(person.skin, roughness=0.15, shine=0.1)
    centre = joint("head_centre")
    yield Ball(centre, (0.074 * s, 0.094 * s, 0.118 * s), HEAD_FRONT, HEAD_UP, skin)
    jaw = centre - 0.055 * s * HEAD_UP + 0.022 * s * HEAD_FRONT
    yield Ball(jaw, (0.056 * s, 0.066 * s, 0.062 * s), HEAD_FRONT, HEAD_UP, skin)
    yield Tube(
        SHOULDERS - 0.04 * s * UP,
        centre - 0.04 * s * HEAD_UP,
        (0.062 * s, 0.06 * s),
        (0.052 * s, 0.052 * s),
        FRONT,
        Paint(tinted(person.skin, 0.9), roughness=0.15),
    )
    yield Ball(
        joint("nose") - 0.006 * s * HEAD_FRONT,
        (0.015 * s, 0.02 * s, 0.024 * s),
        HEAD_FRONT,
        HEAD_UP,
        Paint(tinted(person.skin, 0.93), shine=0.1),
    )
    for side in _SIDES:
        yield Ball(joint(f"{side}_ear"), (0.012 * s, 0.022 * s, 0.034 * s), HEAD_FRONT, HEAD_UP, skin)
        eye = joint(f"{side}_eye")
        yield Ball(eye, (0.016 * s, 0.013 * s, 0.012 * s), HEAD_FRONT, HEAD_UP, Paint((52, 40, 36)))
        brow = eye + 0.024 * s * HEAD_UP
        yield Ball(brow, (0.022 * s, 0.012 * s, 0.006 * s), HEAD_FRONT, HEAD_UP, Paint(tinted(person.hair, 0.8)))
    lips = Paint(tinted((person.skin[0], round(person.skin[1] * 0.75), round(person.skin[2] * 0.75)), 0.85))
    mouth = joint("nose") - 0.045 * s * HEAD_UP - 0.016 * s * HEAD_FRONT
    yield Ball(mouth, (0.024 * s, 0.012 * s, 0.008 * s), HEAD_FRONT, HEAD_UP, lips)


def _hair(person: Person) -> Iterator[Shape]:
    """A second, larger head behind and above the first: where it comes out is the hairline."""
    if person.hair_style == "bald":
        return
    s = person.height_m / REFERENCE_HEIGHT_M
    paint = Paint(person.hair, roughness=0.5, shine=0.25)
    centre = joint("head_centre")
    crown = centre + 0.032 * s * HEAD_UP - 0.024 * s * HEAD_FRONT
    yield Ball(crown, (0.084 * s, 0.096 * s, 0.108 * s), HEAD_FRONT, HEAD_UP, paint)
    yield Ball(
        centre - 0.03 * s * HEAD_UP - 0.04 * s * HEAD_FRONT,
        (0.078 * s, 0.068 * s, 0.09 * s),
        HEAD_FRONT,
        HEAD_UP,
        paint,
    )
    if person.hair_style == "long":
        for side in (-1, 0, 1):
            top = centre + side * 0.055 * s * HEAD_LEFT - (0.03 if side else 0.055) * s * HEAD_FRONT
            tips = SHOULDERS - 0.10 * s * UP + side * 0.075 * s * HEAD_LEFT - 0.105 * s * FRONT
            yield Tube(top, tips, (0.045 * s, 0.042 * s), (0.045 * s, 0.022 * s), FRONT, paint, caps=(1.0, 2.0))


def _limbs(person: Person) -> Iterator[Shape]:
    s = person.height_m / REFERENCE_HEIGHT_M
    w = s * person.build**0.7
    skin = Paint(person.skin, roughness=0.15, shine=0.05)
    for side in _SIDES:
        elbow, wrist = joint(f"{side}_elbow"), joint(f"{side}_wrist")
        # What a sleeve, shirt or trousers always cover is left out: nothing of it may show through.
        arm = between(f"{side}_shoulder", f"{side}_elbow", 0.5)
        yield Tube(arm, elbow, (0.044 * w, 0.047 * w), (0.038 * w, 0.04 * w), FRONT, skin)
        yield Tube(elbow, wrist, (0.04 * w, 0.042 * w), (0.026 * s, 0.03 * s), FRONT, skin, bulge=0.004 * w)
        palm = between(f"{side}_wrist", f"{side}_hand", 1.1)
        yield Tube(wrist, palm, (0.026 * s, 0.032 * s), (0.026 * s, 0.042 * s), FRONT, skin)
        thumb = between(f"{side}_wrist", f"{side}_hand", 0.9) + 0.04 * s * FRONT
        yield Tube(wrist, thumb, (0.014 * s, 0.014 * s), (0.011 * s, 0.011 * s), FRONT, skin)
        knee, ankle = joint(f"{side}_knee"), joint(f"{side}_ankle")
        thigh = between(f"{side}_hip", f"{side}_knee", 0.5)
        yield Tube(thigh, knee, (0.07 * w, 0.074 * w), (0.054 * w, 0.057 * w), HIPS_FRONT, skin)
        yield Tube(knee, ankle, (0.053 * w, 0.055 * w), (0.036 * s, 0.038 * s), HIPS_FRONT, skin, bulge=0.012 * w)


def _shoes(person: Person) -> Iterator[Shape]:
    s = person.height_m / REFERENCE_HEIGHT_M
    pale = sum(person.shoes) > 380
    sole: Colour = (70, 68, 66) if pale else (206, 202, 196)
    paint = Paint(person.shoes, sole, Weave.SOLE, roughness=0.25, shine=0.25)
    upper = Paint(person.shoes, roughness=0.25, shine=0.1)
    for side in _SIDES:
        ankle, toe, ahead = joint(f"{side}_ankle"), joint(f"{side}_toe"), joint(f"{side}_foot")
        heel = 0.75 * ankle + 0.25 * toe - 0.07 * s * ahead - 0.025 * s * WORLD_UP
        tip = toe + 0.012 * s * WORLD_UP - 0.03 * s * ahead
        yield Tube(heel, tip, (0.042 * s, 0.042 * s), (0.042 * s, 0.03 * s), WORLD_UP, paint, bulge=0.004 * s)
        yield Ball(toe - 0.025 * s * ahead, (0.043 * s, 0.05 * s, 0.028 * s), ahead, WORLD_UP, paint)
        yield Tube(ankle + 0.02 * s * WORLD_UP, heel, (0.044 * s, 0.046 * s), (0.04 * s, 0.042 * s), ahead, upper)
