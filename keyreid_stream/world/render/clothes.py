"""What a person wears: each garment as tubes around the body, a little wider than what is under them.

Lengths are metres for a person of 1.75 m; `s` scales them with height, `w` also with build.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyreid_stream.world.render.anatomy import (
    FRONT,
    HIPS,
    HIPS_FRONT,
    LEFT,
    SHOULDERS,
    UP,
    between,
    joint,
)
from keyreid_stream.world.render.shapes import FLAT, Paint, Shape, Tube, Weave
from keyreid_stream.world.structures import Garment, Person

_SIDES = ("left", "right")
_WEAVES = {
    "plain": Weave.PLAIN,
    "stripes": Weave.STRIPES,
    "bands": Weave.BANDS,
    "checks": Weave.CHECKS,
    "print": Weave.PRINT,
}


def clothes_shapes(person: Person, s: float) -> Iterator[Shape]:
    """The top and the bottom that a person wears."""
    w = s * person.build**0.7
    yield from _bottom(person.bottom, s, w)
    yield from _top(person.top, s, w)


def _top(garment: Garment, s: float, w: float) -> Iterator[Shape]:
    jacket = garment.kind == "jacket"
    ease = 0.014 * s if jacket else 0.0
    paint = _paint(garment, roughness=0.9 if jacket else 0.75, opening=jacket)
    hem = HIPS - (0.06 if jacket else 0.0) * s * UP
    yield Tube(
        hem,
        SHOULDERS - 0.035 * s * UP,
        (0.166 * w + ease, 0.128 * w + ease),
        (0.166 * w + ease, 0.1 * w + ease),
        FRONT,
        paint,
        bulge=-0.008 * s if jacket else -0.014 * s,
        caps=(FLAT, 2.4),
    )
    yield from _shoulders(paint, s, w, ease)
    yield from _sleeves(garment, paint, s, w, ease)
    if jacket:
        yield Tube(
            SHOULDERS - 0.01 * s * UP,
            SHOULDERS + 0.055 * s * UP,
            (0.082 * s, 0.08 * s),
            (0.07 * s, 0.07 * s),
            FRONT,
            _without_print(paint),
            caps=(2.0, FLAT),
        )


def _shoulders(paint: Paint, s: float, w: float, ease: float) -> Iterator[Shape]:
    """From the neck to the shoulders, so that they slope."""
    sleeve = _without_print(paint)
    for side, sign in (("left", 1), ("right", -1)):
        yield Tube(
            SHOULDERS + 0.022 * s * UP + sign * 0.035 * s * LEFT,
            joint(f"{side}_shoulder") - 0.014 * s * UP,
            (0.042 * s + ease / 2, 0.055 * w + ease / 2),
            (0.046 * w + ease, 0.056 * w + ease),
            FRONT,
            sleeve,
            caps=(1.5, 1.0),
        )


def _sleeves(garment: Garment, paint: Paint, s: float, w: float, ease: float) -> Iterator[Shape]:
    paint = _without_print(paint)
    upper, lower = 0.054 * w + ease, 0.05 * w + ease
    for side in _SIDES:
        shoulder, elbow = between(f"{side}_shoulder", f"{side}_elbow", 0.06), joint(f"{side}_elbow")
        if garment.kind == "t_shirt":
            hem = between(f"{side}_shoulder", f"{side}_elbow", 0.68)
            yield Tube(
                shoulder, hem, (upper, upper), (lower + 0.008 * s, lower + 0.01 * s), FRONT, paint, caps=(1.0, FLAT)
            )
        else:
            cuff = between(f"{side}_elbow", f"{side}_wrist", 0.94)
            yield Tube(shoulder, elbow, (upper, upper), (lower, lower), FRONT, paint)
            yield Tube(
                elbow,
                cuff,
                (lower, lower),
                (0.034 * s + ease, 0.037 * s + ease),
                FRONT,
                paint,
                bulge=0.003 * s,
                caps=(1.0, FLAT),
            )


def _bottom(garment: Garment, s: float, w: float) -> Iterator[Shape]:
    paint = _paint(garment, roughness=0.75)
    yield Tube(
        HIPS - 0.05 * s * UP,
        HIPS + 0.06 * s * UP,
        (0.15 * w, 0.115 * w),
        (0.145 * w, 0.108 * w),
        HIPS_FRONT,
        paint,
        caps=(1.6, FLAT),
    )
    if garment.kind == "skirt":
        yield from _skirt(paint, s, w)
        return
    for side in _SIDES:
        hip, knee = between(f"{side}_hip", f"{side}_knee", 0.1), joint(f"{side}_knee")
        thigh = (0.086 * w, 0.096 * w)
        if garment.kind == "shorts":
            end = between(f"{side}_hip", f"{side}_knee", 0.9)
            yield Tube(hip, end, thigh, (0.086 * w, 0.09 * w), HIPS_FRONT, paint, caps=(1.5, FLAT))
            continue
        yield Tube(hip, knee, thigh, (0.068 * w, 0.071 * w), HIPS_FRONT, paint, caps=(1.5, 1.0))
        hem = between(f"{side}_knee", f"{side}_ankle", 0.97)
        calf = (0.067 * w, 0.07 * w)
        yield Tube(knee, hem, calf, (0.054 * s, 0.06 * s), HIPS_FRONT, paint, bulge=0.004 * s, caps=(1.0, FLAT))


def _skirt(paint: Paint, s: float, w: float) -> Iterator[Shape]:
    """A cone from the waist to just above the knees; two more around the thighs, so that no stride leaves it."""
    waist = HIPS + 0.05 * s * UP
    hem = 0.1 * HIPS + 0.9 * between("left_knee", "right_knee", 0.5)
    top = (0.156 * w, 0.12 * w)
    yield Tube(waist, hem, top, (0.19 * w, 0.15 * w), HIPS_FRONT, paint, bulge=0.006 * w, caps=(FLAT, FLAT))
    for side in _SIDES:
        start, end = between(f"{side}_hip", f"{side}_knee", 0.1), between(f"{side}_hip", f"{side}_knee", 0.9)
        yield Tube(start, end, (0.1 * w, 0.11 * w), (0.115 * w, 0.13 * w), HIPS_FRONT, paint, caps=(1.5, FLAT))


def _paint(garment: Garment, *, roughness: float, opening: bool = False) -> Paint:
    return Paint(garment.colour, garment.second_colour, _WEAVES[garment.pattern], roughness=roughness, opening=opening)


def _without_print(paint: Paint) -> Paint:
    """The same cloth where it has neither the print nor, off the trunk, an opening."""
    weave = Weave.PLAIN if paint.weave is Weave.PRINT else paint.weave
    return Paint(paint.colour, paint.second_colour, weave, paint.roughness, paint.shine)
