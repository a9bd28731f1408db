"""How people who walk make way for each other: every tick, each takes the best of a fan of velocities.

A velocity is good if it is near the wanted one, does not lead close to where others will be in the next seconds (they
are taken to keep their velocity), and does not brush along walls. This is the sampling form of velocity obstacles
(van den Berg, Lin, Manocha: Reciprocal velocity obstacles, ICRA 2008), with soft costs.

Letters: A people, C candidate velocities, B neighbours.
"""

from __future__ import annotations

import numpy as np

from keyreid_stream.world.solids import Solids
from keyreid_stream.world.structures import Points

PERSONAL_SPACE_M = 0.8
"""Nearer than this, people would rather make a detour."""
BODY_SPACE_M = 0.46
"""People do not come nearer to each other than this, except where there is no room at all."""

_TURNS_RAD = np.radians([0, 15, -15, 30, -30, 50, -50, 75, -75, 105, -105])
_PACES = np.array([1.0, 0.65, 0.3])
_FORESIGHT_S = 3.0
_NEIGHBOURS = 8
_WALL_ROOM_M = 0.28
_LEFT_PRICE = 0.06


def best_velocities(positions: Points, velocities: Points, wanted: Points, shyness: Points, solids: Solids) -> Points:
    """The velocity that everyone would choose.

    Args:
        positions: (A, 2) metres.
        velocities: (A, 2) metres a second, as they walk now.
        wanted: (A, 2) the velocity each would have if nobody else were there.
        shyness: (A,) 1 for keeping out of others' way as usual, towards 0 for pushing through.
        solids: what stands on the floor.

    Returns:
        (A, 2) metres a second.
    """
    candidates = _fan(wanted)
    deviation = np.linalg.norm(candidates - wanted[:, None], axis=2) / np.maximum(np.hypot(*wanted.T), 0.3)[:, None]
    cost = deviation + shyness[:, None] * _crowding(positions, velocities, candidates)
    cost += _brushing(positions, candidates, solids)
    # People pass each other on the right; without a rule two who meet would mirror each other for ever.
    cost[:, :-1] += np.repeat(np.where(_TURNS_RAD > 0, _LEFT_PRICE, 0.0), len(_PACES))
    best = cost.argmin(axis=1)
    chosen: Points = candidates[np.arange(len(best)), best]
    return chosen


def kept_apart(positions: Points, is_free: Points, solids: Solids, footroom_m: float) -> Points:
    """Positions (A, 2) with everyone moved out of each other and out of solids, as little as need be.

    Args:
        positions: (A, 2) metres.
        is_free: (A,) 1 for who may be moved, 0 for who stays.
        solids: what stands on the floor.
        footroom_m: smallest distance to a solid.
    """
    moved = positions
    if len(positions) > 1:
        away = positions[:, None] - positions[None]
        distance = np.hypot(away[..., 0], away[..., 1]) + 10 * np.eye(len(positions))
        overlap = np.maximum(BODY_SPACE_M - distance, 0)
        share = is_free[:, None] / np.maximum(is_free[:, None] + is_free[None], 1)
        moved = positions + (away / np.maximum(distance, 1e-6)[..., None] * (overlap * share)[..., None]).sum(axis=1)
    missing = np.maximum(footroom_m - solids.clearance(moved), 0) * is_free
    return moved + solids.outwards(moved) * missing[:, None] if missing.any() else moved


def _fan(wanted: Points) -> Points:
    """(A, C, 2): the wanted velocity turned and slowed down, and standing still; the wanted one first."""
    cos, sin = np.cos(_TURNS_RAD), np.sin(_TURNS_RAD)
    turned = np.stack([wanted[:, :1] * cos - wanted[:, 1:] * sin, wanted[:, :1] * sin + wanted[:, 1:] * cos], axis=2)
    fan = (turned[:, :, None] * _PACES[:, None]).reshape(len(wanted), -1, 2)
    return np.concatenate([fan, np.zeros((len(wanted), 1, 2))], axis=1)


def _crowding(positions: Points, velocities: Points, candidates: Points) -> Points:
    """(A, C): how close, and how soon, each candidate leads to somebody else."""
    people = len(positions)
    if people < 2:
        return np.zeros(candidates.shape[:2])
    distances = np.hypot(*(positions[:, None] - positions[None]).transpose(2, 0, 1)) + 1e6 * np.eye(people)
    near = np.argsort(distances, axis=1, kind="stable")[:, : min(_NEIGHBOURS, people - 1)]
    gap = (positions[near] - positions[:, None])[:, None]  # (A, 1, B, 2)
    closing = candidates[:, :, None] - velocities[near][:, None]  # (A, C, B, 2)
    speed2 = np.maximum((closing**2).sum(axis=3), 1e-6)
    moment = np.clip((gap * closing).sum(axis=3) / speed2, 0, _FORESIGHT_S)
    miss = np.linalg.norm(gap - closing * moment[..., None], axis=3)
    soon = 1 - moment / (_FORESIGHT_S + 0.5)
    touching = 4 * np.clip((BODY_SPACE_M - miss) / BODY_SPACE_M, 0, 1)
    crowding: Points = (soon * (1.2 * np.clip(1 - miss / PERSONAL_SPACE_M, 0, 1) + touching)).sum(axis=2)
    return crowding


def _brushing(positions: Points, candidates: Points, solids: Solids) -> Points:
    """(A, C): how much each candidate leads along or into a solid within the next second."""
    if not solids.solids:
        return np.zeros(candidates.shape[:2])
    ahead = positions[:, None, None] + candidates[:, :, None] * np.array([[0.35], [0.8]])  # (A, C, 2 moments, 2)
    clearance = solids.clearance(ahead.reshape(-1, 2)).reshape(*candidates.shape[:2], 2)
    brushing: Points = 3 * np.clip(1 - clearance / _WALL_ROOM_M, 0, 2).max(axis=2)
    return brushing
