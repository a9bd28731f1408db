from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.scene import check_scene, load_scene, scene_names
from keyreid_train.pose.random_scene import random_world


@pytest.mark.parametrize("seed", [0, 3, 100_000])
def test_a_seed_makes_one_world_that_people_walk_in(seed: int) -> None:
    world = random_world(seed, seconds=4)
    again = random_world(seed, seconds=4)
    assert check_scene(world.scene) == again.scene
    assert len(world.cameras) == 3
    bodies, same = world.state_at(2).bodies, again.state_at(2).bodies
    assert bodies
    assert len(bodies) == len(same)
    for one, other in zip(bodies, same, strict=True):
        np.testing.assert_array_equal(one.joints_m, other.joints_m)


def test_seeds_differ_in_everything_a_detector_could_learn_by_heart() -> None:
    scenes = [random_world(seed, cameras=1, seconds=1).scene for seed in range(4)]
    for values in (
        [scene.floor.size for scene in scenes],
        [scene.floor.colour for scene in scenes],
        [scene.light.azimuth_deg for scene in scenes],
        [scene.cameras[0].at for scene in scenes],
        [scene.cameras[0].sensor for scene in scenes],
    ):
        assert len(set(values)) == len(scenes)


def test_no_ready_scene_is_drawn() -> None:
    ready = {load_scene(name).floor.size for name in scene_names()}
    assert ready.isdisjoint(random_world(seed, cameras=1, seconds=1).scene.floor.size for seed in range(4))
