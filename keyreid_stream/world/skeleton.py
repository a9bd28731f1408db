"""Where a body's joints are, from what its person does: all bodies of a moment at once.

Lengths are fractions of the standing height (Drillis and Contini, 1966, as in Winter: Biomechanics and Motor Control of
Human Movement). Legs are solved from hip and ankle, knees always forwards, so that a planted foot stays where it is;
the pelvis sinks as far as the legs need to reach. Arms and trunk swing against the legs.

Letters: B bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from keyreid_stream.world.scene import SEAT_TO_FEET_M
from keyreid_stream.world.structures import JOINTS, Points
from keyreid_stream.world.walking import Foot, Moment

THIGH, SHANK, ANKLE_HEIGHT = 0.245, 0.246, 0.039
UPPER_ARM, FOREARM, HAND = 0.172, 0.157, 0.06
HIP_HALF, SHOULDER_HALF = 0.052, 0.108
TRUNK, NECK = 0.29, 0.115
FOOT_LENGTH, TOE_HEIGHT = 0.115, 0.012

_LEG_REACH = 0.996
"""Share of its length to which a leg is stretched at most."""
_SITTING_HIP = 0.055
"""How far above the seat the hips are, by height."""
_HEEL_OFF_RAD, _TOE_UP_RAD = np.radians(52), np.radians(16)
_STRIKE_STEPS = 0.25
"""How long after landing a foot is flat."""
_FULL_SWING_M_S = 1.3
_SWAY_M, _SWAY_S = 0.012, 4.7
_GRAVITY = 9.81
_UP = np.array([0.0, 0.0, 1.0])
_Put: TypeAlias = Callable[[str, Points], None]
_INDEX = {name: index for index, name in enumerate(JOINTS)}


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Three unit directions (B, 3) at right angles: a body part's forward, left and up."""

    forward: Points
    left: Points
    up: Points

    @classmethod
    def of(cls, yaw: Points, forward_lean: Points, left_lean: Points) -> _Frame:
        forward, left = _directions(yaw)
        up = _unit(_UP + np.tan(forward_lean)[:, None] * forward + np.tan(left_lean)[:, None] * left)
        left = _unit(left - (left * up).sum(axis=1, keepdims=True) * up)
        return cls(np.cross(left, up), left, up)


@dataclass(frozen=True, slots=True, eq=False)
class _Feet:
    """One side's foot of B bodies: joints (B, 3), forward directions (B, 3)."""

    ankle: Points
    toe: Points
    forward: Points


def joints_of(moments: Sequence[Moment], time_s: float) -> Points:
    """Joints (B, 24, 3) in world coordinates, metres, in the order of `structures.JOINTS`.

    Args:
        moments: what each of B people does.
        time_s: of the world's clock; moves only the sway of those who stand.
    """
    bodies = _Bodies.of(moments, time_s)
    joints = np.zeros((len(moments), len(JOINTS), 3))

    def put(name: str, places: Points) -> None:
        joints[:, _INDEX[name]] = places

    feet = [_feet([moment.left for moment in moments], bodies), _feet([moment.right for moment in moments], bodies)]
    pelvis, hips = _pelvis(bodies, feet)
    put("pelvis", pelvis)
    for side, hip, foot in zip(("left", "right"), hips, feet, strict=True):
        put(f"{side}_hip", hip)
        put(f"{side}_knee", _knee(hip, foot, bodies))
        put(f"{side}_ankle", foot.ankle)
        put(f"{side}_toe", foot.toe)
    trunk = bodies.trunk
    neck = pelvis + TRUNK * bodies.height * trunk.up
    put("neck", neck)
    _put_head(put, neck, bodies)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _put_arm(put, side, sign, neck, bodies)
    return joints


@dataclass(frozen=True, slots=True, eq=False)
class _Bodies:
    """Columns of B bodies.

    Attributes:
        place: (B, 2) on the floor.
        height, build: (B, 1).
        yaw: (B,) heading.
        vigour: (B,) 0 standing to 1 (and a little above) walking briskly.
        left_ahead: (B,) 1 with the left leg in front to -1 with the right.
        seated: (B,) 0 to 1, eased.
        seat_height: (B,) metres.
        trunk, head: their directions.
        carries: (B,) 1 who holds something up with the right hand.
    """

    place: Points
    height: Points
    build: Points
    yaw: Points
    vigour: Points
    left_ahead: Points
    seated: Points
    seat_height: Points
    trunk: _Frame
    head: _Frame
    carries: Points

    @classmethod
    def of(cls, moments: Sequence[Moment], time_s: float) -> _Bodies:
        table = np.array(
            [(m.x, m.y, m.heading_rad, m.phase, m.speed_m_s, m.turn_rad_s, m.seated, m.seat_height_m) for m in moments]
        )
        people = np.array([(m.person.height_m, m.person.build, m.person.person_id) for m in moments])
        x, y, yaw, phase, speed, turn, seated, seat_height = table.T
        vigour = np.minimum(speed / _FULL_SWING_M_S, 1.2)
        left_ahead = -np.cos(np.pi * phase) * np.minimum(vigour, 1)
        seated = _eased(seated)
        beat = 2 * np.pi * (time_s / _SWAY_S + 0.37 * people[:, 2])
        sway = _SWAY_M * (1 - np.minimum(vigour, 1)) * (1 - seated)
        place = np.stack([x + sway * np.sin(beat), y + sway * np.cos(0.7 * beat)], axis=1)
        forward_lean = 0.02 + 0.05 * vigour + 0.5 * np.sin(np.pi * seated) - 0.06 * seated
        # Into the turn, as far as the centripetal force asks for.
        left_lean = np.clip(np.arctan(speed * turn / _GRAVITY), -0.14, 0.14)
        return cls(
            place=place,
            height=people[:, :1],
            build=people[:, 1:2],
            yaw=yaw,
            vigour=vigour,
            left_ahead=left_ahead,
            seated=seated,
            seat_height=seat_height,
            trunk=_Frame.of(yaw + 0.1 * left_ahead, forward_lean, left_lean),
            head=_Frame.of(yaw + np.clip(0.15 * turn, -0.4, 0.4), 0.4 * forward_lean, 0.3 * left_lean),
            carries=np.array([float(any(kind == "umbrella" for kind, _ in m.person.accessories)) for m in moments]),
        )


def _feet(feet: Sequence[Foot], bodies: _Bodies) -> _Feet:
    """One side's feet: rolled over the toes when left behind, toes up when they land ahead, lifted in between."""
    lifted = np.array([foot.lifted for foot in feet])
    landed = np.array([foot.landed for foot in feet])
    swing, age = np.array([(foot.swing, foot.age) for foot in feet]).T
    height = bodies.height[:, 0]
    part = _eased(swing)
    old_ankle, old_pitch = _planted(lifted, age, bodies)
    new_ankle, new_pitch = _planted(landed, np.where(swing > 0, 0.0, age), bodies)
    pitch = old_pitch + part * (new_pitch - old_pitch)
    ankle = old_ankle + part[:, None] * (new_ankle - old_ankle)
    stride = np.hypot(*(landed - lifted)[:, :2].T)
    ankle[:, 2] += height * 0.035 * np.sin(np.pi * swing) * np.minimum(1, 0.3 + stride / (0.4 * height))
    forward, _ = _directions(lifted[:, 2] + part * (landed[:, 2] - lifted[:, 2]))
    toe = ankle + _foot_vector(forward, pitch, height)
    missing = np.maximum(TOE_HEIGHT * height - toe[:, 2], 0)[:, None] * _UP
    return _Feet(ankle + missing, toe + missing, forward)


def _planted(holds: Points, age: Points, bodies: _Bodies) -> tuple[Points, Points]:
    """Ankles (B, 3) and pitches (B,), heel up positive, of feet that stand in their footholds (B, 3)."""
    height = bodies.height[:, 0]
    forward, _ = _directions(holds[:, 2])
    away = (holds[:, :2] - bodies.place) / bodies.height
    ahead = (away * forward[:, :2]).sum(axis=1)
    # Behind as the body faces, not as the foot points: after a turn on the spot they differ.
    behind = -(away * _directions(bodies.yaw)[0][:, :2]).sum(axis=1)
    heel_off = _HEEL_OFF_RAD * _eased(np.clip((behind - 0.07) / 0.2, 0, 1))
    toe_up = _TOE_UP_RAD * np.clip(ahead / 0.18, 0, 1) * np.clip(1 - age / _STRIKE_STEPS, 0, 1)
    flat = np.concatenate([holds[:, :2], ANKLE_HEIGHT * bodies.height], axis=1)
    # A heel rises about the toes, which stay; a toe rises about the ankle, which stays.
    toe = flat + _foot_vector(forward, np.zeros_like(height), height)
    return toe - _foot_vector(forward, heel_off, height), heel_off - toe_up


def _foot_vector(forward: Points, pitch: Points, height: Points) -> Points:
    """(B, 3) from ankle to toe."""
    long, deep = FOOT_LENGTH * height, (ANKLE_HEIGHT - TOE_HEIGHT) * height
    cos, sin = np.cos(pitch), np.sin(pitch)
    vector: Points = (long * cos - deep * sin)[:, None] * forward - (long * sin + deep * cos)[:, None] * _UP
    return vector


def _pelvis(bodies: _Bodies, feet: Sequence[_Feet]) -> tuple[Points, list[Points]]:
    """Pelvis (B, 3) and left and right hips (B, 3): as high as both legs reach, or on the seat."""
    height = bodies.height[:, 0]
    forward, _ = _directions(bodies.yaw)
    _, hip_left = _directions(bodies.yaw - 0.09 * bodies.left_ahead)
    place = bodies.place - SEAT_TO_FEET_M * bodies.seated[:, None] * forward[:, :2]
    standing = (THIGH + SHANK + ANKLE_HEIGHT) * height
    sitting = bodies.seat_height + _SITTING_HIP * height
    limits = [standing + bodies.seated * (sitting - standing)]
    reach = _LEG_REACH * (THIGH + SHANK) * height
    offsets = [sign * HIP_HALF * bodies.height * hip_left for sign in (1.0, -1.0)]
    for offset, foot in zip(offsets, feet, strict=True):
        away = np.hypot(*(place + offset[:, :2] - foot.ankle[:, :2]).T)
        limits.append(foot.ankle[:, 2] + np.sqrt(np.maximum(reach**2 - away**2, 1e-4)))
    pelvis = np.column_stack([place, _soft_minimum(np.array(limits))])
    return pelvis, [pelvis + offset for offset in offsets]


def _knee(hip: Points, foot: _Feet, bodies: _Bodies) -> Points:
    """(B, 3) the knee between a hip and an ankle, bent forwards."""
    thigh, shank = THIGH * bodies.height, SHANK * bodies.height
    line = foot.ankle - hip
    length = np.linalg.norm(line, axis=1, keepdims=True)
    along = line / length
    forward = foot.forward + _directions(bodies.yaw)[0]
    pole = _unit(forward - (forward * along).sum(axis=1, keepdims=True) * along)
    share = (thigh**2 - shank**2 + length**2) / (2 * length)
    knee: Points = hip + share * along + np.sqrt(np.maximum(thigh**2 - share**2, 0)) * pole
    return knee


def _put_head(put: _Put, neck: Points, bodies: _Bodies) -> None:
    head, height = bodies.head, bodies.height
    centre = neck + NECK * height * head.up
    put("head_centre", centre)
    put("nose", centre + height * (0.057 * head.forward - 0.006 * head.up))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        put(f"{side}_eye", centre + height * (0.047 * head.forward + sign * 0.018 * head.left + 0.012 * head.up))
        put(f"{side}_ear", centre + height * (sign * 0.042 * head.left - 0.002 * head.up))


def _put_arm(put: _Put, side: str, sign: float, neck: Points, bodies: _Bodies) -> None:
    trunk, height = bodies.trunk, bodies.height
    half = SHOULDER_HALF * height * np.sqrt(bodies.build)
    shoulder = neck + sign * half * trunk.left - 0.014 * height * trunk.up
    # Against the leg of the same side.
    ahead = -sign * bodies.left_ahead
    raised = np.radians(24) * ahead + np.radians(22) * bodies.seated
    bent = np.radians(10) + np.radians(14) * bodies.vigour + np.radians(12) * np.maximum(ahead, 0)
    bent = bent + (np.radians(66) - bent) * bodies.seated
    if side == "right":
        raised = raised + bodies.carries * (np.radians(24) - raised)
        bent = bent + bodies.carries * (np.radians(112) - bent)
    spread = sign * np.tan(np.radians(9)) * trunk.left
    upper = _unit(_swung(trunk, raised) + spread)
    fore = _unit(_swung(trunk, raised + bent) + 0.2 * spread)
    elbow = shoulder + UPPER_ARM * height * upper
    wrist = elbow + FOREARM * height * fore
    put(f"{side}_shoulder", shoulder)
    put(f"{side}_elbow", elbow)
    put(f"{side}_wrist", wrist)
    put(f"{side}_hand", wrist + HAND * height * fore)


def _swung(trunk: _Frame, angle: Points) -> Points:
    """(B, 3) straight down the trunk, swung forwards by an angle."""
    return np.sin(angle)[:, None] * trunk.forward - np.cos(angle)[:, None] * trunk.up


def _directions(yaw: Points) -> tuple[Points, Points]:
    """Level unit directions (B, 3), forward and left."""
    cos, sin, none = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)
    return np.stack([cos, sin, none], axis=1), np.stack([-sin, cos, none], axis=1)


def _unit(vectors: Points) -> Points:
    unit: Points = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _eased(part: Points) -> Points:
    """0 to 1 with no speed at either end."""
    return part * part * (3 - 2 * part)


def _soft_minimum(values: Points, softness: float = 0.008) -> Points:
    """Minimum over the first axis, never above it and without a kink."""
    least = values.min(axis=0)
    softened: Points = least - softness * np.log(np.exp((least - values) / softness).sum(axis=0))
    return softened
