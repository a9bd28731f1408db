from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.noise import SIDE, noise_tile, sample
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.structures import JOINTS, Garment, Pattern, Rendered, WorldState
from tests.world.render.bodies import plain_person, standing

RED, WHITE = (190, 30, 30), (235, 235, 235)


def chest(near: Renderer, near_camera: Camera, pattern: Pattern, heading: float) -> np.ndarray:
    """How much of the white second colour is on the chest or back, (rows, columns)."""
    body = standing(plain_person(top=Garment("t_shirt", RED, WHITE, pattern)), (2.2, 0.0), heading)
    rendered: Rendered = near.render(WorldState(0.0, (body,)))
    pixels, _ = near_camera.project(body.joints_m)
    at = {name: pixels[JOINTS.index(name)] for name in ("left_shoulder", "right_shoulder", "left_hip")}
    x1, x2 = sorted((at["left_shoulder"][0], at["right_shoulder"][0]))
    y1, y2 = at["left_shoulder"][1], at["left_hip"][1]
    middle, half = (x1 + x2) / 2, (x2 - x1) / 4
    rows, columns = (
        slice(int(y1 + 0.15 * (y2 - y1)), int(y2 - 0.15 * (y2 - y1))),
        slice(int(middle - half), int(middle + half)),
    )
    window = rendered.image[rows, columns].astype(float)
    share: np.ndarray = window[..., 1] / window[..., 0]
    return share


@pytest.mark.parametrize("heading", [np.pi, 0.0])
def test_patterns_run_the_way_their_names_say(near: Renderer, near_camera: Camera, heading: float) -> None:
    stripes, bands, checks = (chest(near, near_camera, name, heading) for name in ("stripes", "bands", "checks"))
    down, across = stripes.mean(axis=0).std(), stripes.mean(axis=1).std()
    assert down > 3 * across
    down, across = bands.mean(axis=0).std(), bands.mean(axis=1).std()
    assert across > 3 * down
    assert min(checks.mean(axis=0).std(), checks.mean(axis=1).std()) > 0.05


def test_a_print_is_on_the_chest_and_not_on_the_back(near: Renderer, near_camera: Camera) -> None:
    front, back = chest(near, near_camera, "print", np.pi), chest(near, near_camera, "print", 0.0)
    assert (front > 0.6).mean() > 0.05
    assert (back > 0.6).mean() == 0


def test_noise_repeats_without_a_seam() -> None:
    tile = noise_tile(5, (4.0, 4.0))
    steps = np.abs(np.diff(tile, axis=0))
    assert np.abs(tile[0] - tile[-1]).max() < 1.5 * steps.max()
    assert tile.std() == pytest.approx(1, abs=1e-5)
    rows, columns = np.array([3.2, 3.2 + SIDE, 3.2 - SIDE], np.float32), np.zeros(3, np.float32)
    first, *others = sample(tile, np.floor(rows), columns)
    assert all(value == first for value in others)
