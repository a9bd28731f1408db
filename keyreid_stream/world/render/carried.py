"""What a person carries or wears besides clothes: backpack, shoulder bag, hat, umbrella."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from keyreid_stream.world.render.anatomy import (
    FRONT,
    HEAD_FRONT,
    HEAD_UP,
    HIPS,
    LEFT,
    SHOULDERS,
    UP,
    WORLD_UP,
    Place,
    joint,
)
from keyreid_stream.world.render.shapes import FLAT, Ball, Paint, Shape, Tube, Weave, tinted
from keyreid_stream.world.structures import Accessory, Colour, Person

_TRIM = 0.62
"""Straps, pockets and bands are this much darker."""


def carried_shapes(person: Person, s: float) -> Iterator[Shape]:
    """All of a person's accessories; `s` scales lengths given for 1.75 m."""
    thickness = person.build**0.7
    for accessory, colour in person.accessories:
        yield from _MAKERS[accessory](colour, s, thickness)


def _backpack(colour: Colour, s: float, thickness: float) -> Iterator[Shape]:
    behind = (0.1 * thickness + 0.075) * s
    paint = Paint(colour, roughness=0.6, shine=0.1)
    low = SHOULDERS - 0.40 * s * UP - behind * FRONT
    high = SHOULDERS - 0.06 * s * UP - behind * FRONT
    yield Tube(low, high, (0.15 * s, 0.09 * s), (0.125 * s, 0.07 * s), FRONT, paint, bulge=0.01 * s, caps=(3.0, 2.5))
    pocket = low + 0.1 * s * UP - 0.075 * s * FRONT
    dark = tinted(colour, _TRIM)
    yield Ball(pocket, (0.105 * s, 0.045 * s, 0.09 * s), FRONT, UP, Paint(dark, roughness=0.6))
    for sign in (1, -1):
        over = SHOULDERS + 0.045 * s * UP + sign * 0.1 * s * LEFT
        chest = SHOULDERS - 0.06 * s * UP + sign * 0.115 * s * LEFT + 0.098 * thickness * s * FRONT
        side = SHOULDERS - 0.3 * s * UP + sign * 0.145 * thickness * s * LEFT + 0.03 * s * FRONT
        yield from _strap([high + sign * 0.08 * s * LEFT, over, chest, side], dark, 0.02 * s)


def _shoulder_bag(colour: Colour, s: float, thickness: float) -> Iterator[Shape]:
    """Hangs at the left hip from a strap over the right shoulder."""
    beside = (0.2 * thickness + 0.03) * s
    middle = HIPS + 0.02 * s * UP + beside * LEFT
    paint = Paint(colour, tinted(colour, _TRIM), Weave.BANDS, roughness=0.4, shine=0.3)
    yield Tube(
        middle - 0.11 * s * UP,
        middle + 0.09 * s * UP,
        (0.05 * s, 0.15 * s),
        (0.04 * s, 0.135 * s),
        FRONT,
        paint,
        caps=(4.0, 4.0),
    )
    over = SHOULDERS + 0.05 * s * UP - 0.09 * s * LEFT
    top = middle + 0.1 * s * UP
    for face in (1, -1):
        chest = SHOULDERS - 0.15 * s * UP + 0.01 * s * LEFT + face * 0.118 * thickness * s * FRONT
        waist = SHOULDERS - 0.36 * s * UP + 0.12 * thickness * s * LEFT + face * 0.085 * thickness * s * FRONT
        yield from _strap([over, chest, waist, top], tinted(colour, _TRIM), 0.016 * s)


def _hat(colour: Colour, s: float, thickness: float) -> Iterator[Shape]:
    del thickness
    paint = Paint(colour, roughness=0.6)
    brow = joint("head_centre") + 0.055 * s * HEAD_UP - 0.008 * s * HEAD_FRONT
    crown = brow + 0.095 * s * HEAD_UP
    yield Ball(brow, (0.135 * s, 0.155 * s, 0.016 * s), HEAD_FRONT, HEAD_UP, paint)
    yield Tube(
        brow, crown, (0.094 * s, 0.108 * s), (0.078 * s, 0.09 * s), HEAD_FRONT, paint, bulge=0.004 * s, caps=(FLAT, 2.5)
    )
    band = Paint(tinted(colour, _TRIM), roughness=0.3)
    ring = brow + 0.03 * s * HEAD_UP
    yield Tube(brow, ring, (0.098 * s, 0.112 * s), (0.096 * s, 0.11 * s), HEAD_FRONT, band, caps=(FLAT, FLAT))


def _umbrella(colour: Colour, s: float, thickness: float) -> Iterator[Shape]:
    """Held up in the right hand."""
    del thickness
    hand = joint("right_hand")
    yield Tube(
        hand - 0.06 * s * WORLD_UP, hand + 0.75 * s * WORLD_UP, (0.012,) * 2, (0.01,) * 2, FRONT, Paint((60, 56, 52))
    )
    paint = Paint(colour, tinted(colour, _TRIM), Weave.SEGMENTS, roughness=0.2, shine=0.25)
    yield Ball(hand + 0.68 * s * WORLD_UP, (0.5 * s, 0.5 * s, 0.17 * s), FRONT, WORLD_UP, paint)


def _strap(places: Sequence[Place], colour: Colour, radius: float) -> Iterator[Shape]:
    for start, end in pairwise(places):
        yield Tube(start, end, (radius, radius), (radius, radius), FRONT, Paint(colour, roughness=0.3))


_MAKERS: dict[Accessory, Callable[[Colour, float, float], Iterator[Shape]]] = {
    "backpack": _backpack,
    "shoulder_bag": _shoulder_bag,
    "hat": _hat,
    "umbrella": _umbrella,
}
