from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.world.scene import MAX_SCENE_BYTES, load_scene, scene_names, with_overrides

GOOD = """
[floor]
size = [10.0, 8.0]
[[entrances]]
name = "door"
at = [0.5, 4.0]
[[cameras]]
name = "a"
at = [1.0, 1.0, 3.0]
look_at = [5.0, 4.0, 1.0]
"""
CAMERA_A = '[[cameras]]\nname = "a"\nat = [1.0, 1.0, 3.0]\nlook_at = [5.0, 4.0, 1.0]\n'
ENTRANCE = '[[entrances]]\nname = "door"\nat = [0.5, 4.0]\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "hall.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scene_file_is_named_after_its_file(tmp_path: Path) -> None:
    scene = load_scene(write(tmp_path, GOOD))

    assert scene.name == "hall"
    assert [camera.name for camera in scene.cameras] == ["a"]


def test_ready_scenes_load_by_name_with_four_cameras() -> None:
    assert scene_names() == ("mall", "office", "plaza")
    assert {name: len(load_scene(name).cameras) for name in scene_names()} == {"mall": 4, "office": 4, "plaza": 4}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "[weather]\nrain = 1\n", "unknown setting 'weather'"),
        (GOOD + "fog = 1\n", "unknown setting 'cameras.0.fog'"),
        (GOOD.replace(ENTRANCE, ""), "no entrance"),
        (GOOD.replace(CAMERA_A, ""), "no camera"),
        (GOOD + CAMERA_A, "two cameras are called 'a'"),
        (GOOD + ENTRANCE, "two entrances are called 'door'"),
        (GOOD + "fps = -5\n", "'cameras.0.fps' is -5"),
        (GOOD + "[people]\ncount = 0\n", "'people.count' is 0"),
        (GOOD + "[people]\nstay_s = [30.0, 20.0]\n", "'people.stay_s'"),
        (GOOD + "[people]\nspeed_m_s = [0.1, 1.0]\n", "speed_m_s must lie between"),
        (GOOD.replace("[0.5, 4.0]", "[0.5, 9.0]"), "entrance 'door' at [0.5, 9.0] is outside the floor"),
        (GOOD.replace("[5.0, 4.0, 1.0]", "[1.0, 1.0, 3.0]"), "looks at its own position"),
        (GOOD.replace("[1.0, 1.0, 3.0]", "[1.0, 1.0, -3.0]"), "not above the floor"),
        (GOOD.replace("[1.0, 1.0, 3.0]", "[nan, 1.0, 3.0]"), "'cameras.0.at.0' is nan"),
        (GOOD + "[[walls]]\nstart = [0.0, 1.0]\nend = [9.0, 1.0]\nheight = 4.0\n", "is inside wall 1"),
        (GOOD + "[[pillars]]\ncentre = [1.1, 1.0]\nheight = 4.0\n", "is inside pillar 1"),
        (GOOD + "[[furniture]]\ncentre = [1.0, 1.0]\nsize = [1.0, 1.0, 3.5]\n", "is inside furniture 1"),
        (GOOD + "[[furniture]]\ncentre = [0.5, 4.0]\nsize = [1.0, 1.0, 1.0]\n", "is inside or against furniture 1"),
        (GOOD + "[[seats]]\nat = [9.9, 4.0]\n", "feet of seat 1, at [10.32, 4.0], are where it is outside the floor"),
        (GOOD + "distortion = [-0.9, 0.0, 0.0, 0.0, 0.0]\n", "folds inside its picture"),
        (GOOD + "[cameras.sensor]\noutages = [[5.0, 2.0]]\n", "'cameras.0.sensor.outages.0'"),
        ("floor = [", "is not a TOML file"),
        (GOOD.replace('name = "a"\n', ""), "'cameras.0.name' is missing"),
    ],
)
def test_a_bad_scene_gets_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_scene(write(tmp_path, text))

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_low_wall_may_stand_under_a_camera(tmp_path: Path) -> None:
    load_scene(write(tmp_path, GOOD + "[[walls]]\nstart = [0.0, 1.0]\nend = [9.0, 1.0]\nheight = 2.0\n"))


@pytest.mark.parametrize("name", ["attic", "../plaza", "", "/nowhere/x.toml"])
def test_an_unknown_scene_lists_the_ready_ones(name: str) -> None:
    with pytest.raises(ConfigError, match="mall, office, plaza"):
        load_scene(name)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="larger than"):
        load_scene(write(tmp_path, GOOD + "#" * MAX_SCENE_BYTES))


def test_overrides_change_what_they_name_and_nothing_else() -> None:
    plaza = load_scene("plaza")
    changed = with_overrides(plaza, cameras=2, people=5, looks="uniform", fps=15, width=320, height=180)

    assert [camera.name for camera in changed.cameras] == [camera.name for camera in plaza.cameras[:2]]
    assert {(camera.fps, camera.width, camera.height) for camera in changed.cameras} == {(15.0, 320, 180)}
    assert (changed.people.count, changed.people.looks) == (5, "uniform")
    assert changed.people.together == plaza.people.together
    assert changed.walls == plaza.walls
    assert with_overrides(plaza) == plaza


@pytest.mark.parametrize(
    "override", [{"cameras": 0}, {"cameras": 5}, {"people": 0}, {"together": 0}, {"fps": -1.0}, {"width": 10}]
)
def test_overrides_out_of_range_are_refused(override: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as caught:
        with_overrides(load_scene("plaza"), **override)  # type: ignore[arg-type]

    assert "\n" not in str(caught.value)
