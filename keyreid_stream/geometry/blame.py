"""Of cameras that contradict each other, which to believe: those that most others agree with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Blame:
    """Cameras of which some contradict others.

    Attributes:
        cameras: all that have a part in it.
        blamed: those not to believe; all of them where no side has a majority.
    """

    cameras: frozenset[str]
    blamed: frozenset[str]


def blame(agreeing: Sequence[Pair], contradicting: Sequence[Pair]) -> list[Blame]:
    """Sort cameras that contradict each other into sides, and blame all sides but the largest.

    A side are cameras that agree, directly or through others. Two cameras of one side that contradict each other
    count as agreeing: somebody vouches for both. Sides that do not touch are judged apart.

    Returns:
        One for every knot of sides that contradict each other.
    """
    side_of = _parts(agreeing, [camera for pair in [*agreeing, *contradicting] for camera in pair])
    quarrels = [(side_of[one], side_of[other]) for one, other in contradicting if side_of[one] != side_of[other]]
    knot_of = _parts(quarrels, [side for pair in quarrels for side in pair])
    result = []
    for knot in sorted(set(knot_of.values())):
        sides = [
            frozenset(camera for camera in side_of if side_of[camera] == side)
            for side in knot_of
            if knot_of[side] == knot
        ]
        sides.sort(key=len, reverse=True)
        cameras = frozenset().union(*sides)
        has_majority = len(sides[0]) > len(sides[1])
        result.append(Blame(cameras, cameras - sides[0] if has_majority else cameras))
    return result


def _parts(links: Sequence[Pair], nodes: Sequence[str]) -> dict[str, str]:
    """The first node of the connected part that each node is in."""
    part = {node: node for node in nodes}
    for one, other in links:
        kept, dropped = sorted((part[one], part[other]))
        for node, name in part.items():
            if name == dropped:
                part[node] = kept
    return part
