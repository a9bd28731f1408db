from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.appearance import make_people
from keyreid_stream.world.plan import Visit
from keyreid_stream.world.scene import SEAT_TO_FEET_M, People, Scene
from keyreid_stream.world.skeleton import joints_of
from keyreid_stream.world.structures import JOINTS, Person
from keyreid_stream.world.walker import TICK_S
from keyreid_stream.world.walking import Moment, Walk, walk_of

AT = {name: index for index, name in enumerate(JOINTS)}
PEOPLE = make_people(Scene(name="x", people=People(count=12)), 5)
LIMBS = [
    ("hip", "knee"),
    ("knee", "ankle"),
    ("ankle", "toe"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("wrist", "hand"),
]


def walk(person: Person, speed: float = 1.3, turn_rad_s: float = 0.0) -> Walk:
    """Ten seconds with three of standing at the end, straight on or round in a circle."""
    times = np.minimum(np.arange(0, 13, TICK_S), 10.0)
    heading = turn_rad_s * times
    if turn_rad_s:
        x, y = speed / turn_rad_s * np.sin(heading), speed / turn_rad_s * (1 - np.cos(heading))
    else:
        x, y = speed * times, np.zeros_like(times)
    return walk_of(Visit(person, 0.0, np.column_stack([x, y, heading, 0 * x, 0 * x + 0.45])))


def film(walk: Walk, times: np.ndarray) -> np.ndarray:
    """(frames, J, 3)"""
    return np.concatenate([joints_of([walk.at(float(time))], float(time)) for time in times])


def bend(joints: np.ndarray, side: str) -> np.ndarray:
    """How far, metres, the knee is in front of the line from hip to ankle, as the toes point."""
    hip, knee, ankle, toe = (joints[:, AT[f"{side}_{name}"]] for name in ("hip", "knee", "ankle", "toe"))
    line = (ankle - hip) / np.linalg.norm(ankle - hip, axis=1, keepdims=True)
    off = (knee - hip) - ((knee - hip) * line).sum(axis=1, keepdims=True) * line
    forward = (toe - ankle) * [1, 1, 0]
    return (off * forward).sum(axis=1) / np.linalg.norm(forward, axis=1)


TIMES = np.arange(0.5, 12.5, 0.02)


@pytest.mark.parametrize("person", PEOPLE[:4])
@pytest.mark.parametrize("turn", [0.0, 0.9])
def test_bones_keep_their_lengths(person: Person, turn: float) -> None:
    joints = film(walk(person, turn_rad_s=turn), TIMES)
    pairs = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in LIMBS]
    pairs += [("pelvis", "neck"), ("neck", "head_centre"), ("left_hip", "right_hip"), ("left_shoulder", "neck")]
    pairs += [("nose", "head_centre"), ("left_shoulder", "right_shoulder")]

    for one, other in pairs:
        lengths = np.linalg.norm(joints[:, AT[one]] - joints[:, AT[other]], axis=1)
        assert np.ptp(lengths) < 0.001, (one, other)


@pytest.mark.parametrize("speed", [0.7, 1.1, 1.5])
def test_knees_bend_forwards_and_feet_stay_above_the_floor(speed: float) -> None:
    joints = film(walk(PEOPLE[0], speed), TIMES)

    assert min(bend(joints, "left").min(), bend(joints, "right").min()) > 0
    assert max(bend(joints, "left").max(), bend(joints, "right").max()) > 0.08
    assert joints[:, :, 2].min() > 0


@pytest.mark.parametrize("turn", [0.0, 0.9])
def test_a_foot_on_the_floor_does_not_slide(turn: float) -> None:
    steps = walk(PEOPLE[0], turn_rad_s=turn)
    joints = film(steps, TIMES)
    moments = [steps.at(float(time)) for time in TIMES]
    for side in ("left", "right"):
        feet = [getattr(moment, side) for moment in moments]
        toe, ankle = joints[:, AT[f"{side}_toe"]], joints[:, AT[f"{side}_ankle"]]
        down = np.array([foot.swing == 0 for foot in feet])
        # On landing the ankle stays and the toes come down; then the toes stay and the heel comes up.
        slide = np.minimum(np.linalg.norm(np.diff(toe, axis=0), axis=1), np.linalg.norm(np.diff(ankle, axis=0), axis=1))
        assert slide[down[:-1] & down[1:]].max() < 0.001


def test_arms_swing_against_the_legs() -> None:
    joints = film(walk(PEOPLE[0]), np.arange(2, 9, 0.02))
    leg = joints[:, AT["left_ankle"], 0] - joints[:, AT["right_ankle"], 0]
    arm = joints[:, AT["left_wrist"], 0] - joints[:, AT["right_wrist"], 0]

    assert np.corrcoef(leg, arm)[0, 1] < -0.8
    assert np.ptp(arm) > 0.2


def test_the_body_bobs_a_little_and_leans_into_turns() -> None:
    straight = film(walk(PEOPLE[0]), np.arange(2, 9, 0.02))
    moment = walk(PEOPLE[0], turn_rad_s=0.9).at(5.0)
    curve = joints_of([moment], 5.0)[0]
    left = np.array([-np.sin(moment.heading_rad), np.cos(moment.heading_rad), 0])

    assert 0.01 < np.ptp(straight[:, AT["pelvis"], 2]) < 0.08
    assert (curve[AT["neck"]] - curve[AT["pelvis"]]) @ left > 0.01


@pytest.mark.parametrize("person", PEOPLE)
def test_someone_who_stands_has_the_proportions_of_a_person(person: Person) -> None:
    joints = film(walk(person), np.array([12.5]))[0] / person.height_m
    forward = np.array([1.0, 0.0, 0.0])

    assert joints[AT["head_centre"], 2] == pytest.approx(0.93, abs=0.015)
    assert joints[AT["left_shoulder"], 2] == pytest.approx(0.80, abs=0.02)
    assert joints[AT["left_hip"], 2] == pytest.approx(0.525, abs=0.015)
    assert joints[AT["left_wrist"], 2] == pytest.approx(0.485, abs=0.03)
    assert (joints[AT["nose"]] - joints[AT["head_centre"]]) @ forward > 0.05
    for name in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert joints[AT[f"left_{name}"], 1] > joints[AT[f"right_{name}"], 1]


def test_standing_people_sway_without_moving_their_feet() -> None:
    joints = film(walk(PEOPLE[0]), np.arange(11.5, 12.9, 0.05))

    assert np.ptp(joints[:, AT["left_ankle"]], axis=0).max() < 1e-3
    assert 0.001 < np.ptp(joints[:, AT["nose"]], axis=0).max() < 0.05


def test_who_sits_has_the_hips_over_the_seat_and_the_feet_in_front() -> None:
    rows = np.zeros((80, 5))
    rows[:, 3], rows[:, 4] = np.clip((np.arange(80) - 20) / 14, 0, 1), 0.45
    visit = walk_of(Visit(PEOPLE[0], 0.0, rows))
    frames = film(visit, np.arange(0.0, 7.0, 0.05))
    sitting = frames[-1]
    thigh = sitting[AT["left_knee"]] - sitting[AT["left_hip"]]

    assert sitting[AT["pelvis"], 0] == pytest.approx(-SEAT_TO_FEET_M, abs=0.02)
    assert 0.45 < sitting[AT["pelvis"], 2] < 0.62
    assert abs(thigh[2]) < 0.5 * abs(thigh[0])
    assert np.ptp(frames[:, AT["left_ankle"], :2], axis=0).max() < 0.02
    assert np.abs(np.diff(frames, axis=0)).max() < 0.12


def test_an_umbrella_is_held_up() -> None:
    person = next(
        one for one in make_people(Scene(name="x", people=People(count=200)), 1) if "umbrella" in dict(one.accessories)
    )
    joints = film(walk(person), TIMES)

    assert (joints[:, AT["right_hand"], 2] > joints[:, AT["right_elbow"], 2]).all()


def test_bodies_do_not_depend_on_who_else_is_there() -> None:
    walks = [walk(person) for person in PEOPLE]
    moments: list[Moment] = [each.at(4.0) for each in walks]

    assert np.array_equal(joints_of(moments, 4.0)[3], joints_of(moments[3:4], 4.0)[0])
