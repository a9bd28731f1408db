"""Films of people in known clothes: truth and pixels are held against each other, and against geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.film import Film
from keyreid_stream.world.scene import CameraView, Entrance, Floor, Furniture, People, Pillar, Scene
from keyreid_stream.world.structures import JOINTS, KEYPOINTS, Body, Colour, Garment, Person
from keyreid_stream.world.truth import OCCLUDED, OUTSIDE, VISIBLE, Shot
from keyreid_stream.world.world import World
from tests.world.render.bodies import SKIN, plain_person

SHIRTS: tuple[Colour, ...] = ((40, 70, 220), (200, 40, 190), (30, 190, 190))
TROUSERS: Colour = (60, 160, 50)
COUNTER: Colour = (225, 215, 30)
HALL = Scene(
    name="hall",
    floor=Floor(size=(9.0, 8.0)),
    entrances=(Entrance(name="gate", at=(0.6, 4.0)), Entrance(name="door", at=(8.4, 4.0))),
    furniture=(Furniture(centre=(4.5, 3.0), size=(2.5, 0.5, 1.0), colour=COUNTER),),
    pillars=(Pillar(centre=(6.5, 5.0), radius=0.3, height=3.0, colour=COUNTER),),
    people=People(count=3, together=3, stay_s=(30.0, 40.0), group_share=0.0),
    cameras=(
        CameraView(
            name="wide", at=(4.5, 0.3, 2.2), look_at=(4.5, 5.0, 0.8), fov_deg=80, distortion=(-0.12, 0.01, 0, 0, 0)
        ),
        CameraView(name="side", at=(0.3, 7.6, 2.6), look_at=(5.0, 3.5, 0.8), fov_deg=70),
    ),
)
PAINTS = (*SHIRTS, TROUSERS, SKIN, COUNTER)
TIMES = range(0, 200, 6)


def dressed(scene: Scene, seed: int) -> tuple[Person, ...]:
    """People who tell by each colour who they are and which part of them it is."""
    shirts = (Garment("t_shirt", shirt, (0, 0, 0)) for shirt in SHIRTS)
    trousers = Garment("trousers", TROUSERS, (0, 0, 0))
    return tuple(plain_person(number, top=shirt, bottom=trousers) for number, shirt in enumerate(shirts, 1))


@pytest.fixture(scope="module")
def world() -> World:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keyreid_stream.world.world.make_people", dressed)
        return World(HALL, 3, 20.0)


@pytest.fixture(scope="module")
def shots(world: World) -> list[tuple[Camera, Shot]]:
    films = [(Camera.of(view), Film(world, place)) for place, view in enumerate(HALL.cameras)]
    return [(camera, film.shot(index)) for camera, film in films for index in TIMES]


def colour_at(shot: Shot, x: float, y: float) -> np.ndarray:
    """Mean of the 3 x 3 pixels around: cloth has grain and the sensor noise."""
    column, row = round(x), round(y)
    mean: np.ndarray = shot.frame.image[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].mean(axis=(0, 1))
    return mean


def nearest(seen: np.ndarray, paints: Sequence[Colour]) -> Colour:
    """The paint whose hue is closest, whatever the light on it."""
    directions = np.array(paints, float)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return paints[int((directions @ seen).argmax())]


def paint_of(person_id: int, joint: str) -> Colour | None:
    """What covers a joint; None where two clothes meet or hair may fall."""
    part = joint.split("_")[-1]
    if part == "shoulder":
        return SHIRTS[person_id - 1]
    return {"elbow": SKIN, "wrist": SKIN, "nose": SKIN, "knee": TROUSERS}.get(part)


def nose(body: Body) -> np.ndarray:
    place: np.ndarray = body.joints_m[JOINTS.index("nose")]
    return place


def is_behind_something(camera: Camera, joint_m: np.ndarray, margin_m: float) -> bool:
    """Whether the straight line from the lens to a joint passes a solid, made larger by a margin: by sampling it."""
    line = camera.position + np.linspace(0, 1, 400)[:, None] * (joint_m - camera.position)
    solids = HALL.solids()
    heights = np.array([solid.height for solid in solids.solids])
    inside = (solids.distances(line[:, :2]) < margin_m) & (line[:, 2:] < heights + margin_m)
    return bool(inside.any())


def is_in_the_open(camera: Camera, body: Body, everyone: Iterable[Body]) -> bool:
    """Whether nothing and nobody is near the line from the lens to someone's nose."""
    line = camera.position + np.linspace(0, 1, 100)[:, None] * (nose(body) - camera.position)
    others = [other for other in everyone if other is not body]
    apart = [np.hypot(*(line[:, :2] - other.floor_xy).T).min() for other in others]
    return min(apart, default=9.0) > 0.6 and not is_behind_something(camera, nose(body), 0.05)


def faces(camera: Camera, body: Body) -> float:
    """Cosine between where someone faces and where the camera is from them, on the floor."""
    to_camera = (camera.position - nose(body))[:2]
    ahead = np.array([np.cos(body.heading_rad), np.sin(body.heading_rad)])
    return float(to_camera @ ahead / np.linalg.norm(to_camera))


def test_visible_joints_show_their_paint(shots: list[tuple[Camera, Shot]]) -> None:
    agrees: dict[str, list[bool]] = {}
    for _, shot in shots:
        for person_id, keypoints in zip(shot.truth.person_ids.tolist(), shot.truth.keypoints, strict=True):
            for joint, (x, y, visibility) in zip(JOINTS[:KEYPOINTS], keypoints, strict=True):
                if visibility == VISIBLE and (paint := paint_of(person_id, joint)) is not None:
                    shown = nearest(colour_at(shot, x, y), PAINTS)
                    agrees.setdefault(joint, []).append(shown == paint)

    assert len(agrees) == 9
    assert all(len(found) > 50 for found in agrees.values())
    # Not all: hair hangs over shoulders, and at an outline the neighbours' colours mix in.
    assert all(np.mean(found) > 0.92 for found in agrees.values()), {name: np.mean(a) for name, a in agrees.items()}


def test_joints_behind_furniture_and_pillars_are_occluded_and_their_pixels_show_what_hides_them(
    world: World, shots: list[tuple[Camera, Shot]]
) -> None:
    shown = []
    for camera, shot in shots:
        bodies = {body.person.person_id: body for body in world.state_at(shot.truth.time_s).bodies}
        for person_id, keypoints in zip(shot.truth.person_ids.tolist(), shot.truth.keypoints, strict=True):
            for joint_m, (x, y, visibility) in zip(bodies[person_id].joints_m, keypoints, strict=False):
                # Well inside what hides it: a joint behind an edge may be seen at the pixel beside its own.
                if visibility != OUTSIDE and is_behind_something(camera, joint_m, -0.08):
                    assert visibility == OCCLUDED
                    shown.append(nearest(colour_at(shot, x, y), PAINTS) == COUNTER)

    assert len(shown) > 30
    # The others are hidden twice: somebody stands in front of the counter.
    assert np.mean(shown) > 0.8


def test_a_nose_is_visible_from_in_front_and_occluded_from_behind(
    world: World, shots: list[tuple[Camera, Shot]]
) -> None:
    seen: dict[str, list[bool]] = {"front": [], "back": []}
    for camera, shot in shots:
        bodies = {body.person.person_id: body for body in world.state_at(shot.truth.time_s).bodies}
        for person_id, keypoints in zip(shot.truth.person_ids.tolist(), shot.truth.keypoints, strict=True):
            body = bodies[person_id]
            towards = faces(camera, body)
            if keypoints[0, 2] != OUTSIDE and abs(towards) > 0.8 and is_in_the_open(camera, body, bodies.values()):
                seen["front" if towards > 0 else "back"].append(bool(keypoints[0, 2] == VISIBLE))

    assert min(len(found) for found in seen.values()) > 10
    assert all(seen["front"])
    assert not any(seen["back"])
