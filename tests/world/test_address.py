from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.world.address import WorldAddress, open_world
from keyreid_stream.world.world import World
from tests.world.small_worlds import yard_toml


@pytest.fixture
def yard_file(tmp_path: Path) -> Path:
    path = tmp_path / "my yard.toml"
    path.write_text(yard_toml())
    return path


def test_all_that_an_address_may_say() -> None:
    address = "world://plaza?cameras=4&people=12&seconds=30&seed=7&fps=12.5&width=640&height=360&live=0&looks=uniform"
    assert WorldAddress.parse(f"{address}&together=9") == WorldAddress(
        scene="plaza",
        cameras=4,
        people=12,
        together=9,
        seconds=30,
        seed=7,
        fps=12.5,
        width=640,
        height=360,
        looks="uniform",
    )


def test_what_is_not_said_is_as_the_scene_says(yard_file: Path) -> None:
    assert WorldAddress.parse("world://plaza") == WorldAddress(scene="plaza")
    scene = WorldAddress(scene=str(yard_file)).described()
    assert [(view.name, view.width, view.fps) for view in scene.cameras] == [("east", 128, 10), ("west", 96, 5)]
    assert (scene.people.count, scene.people.together, scene.people.looks) == (3, 3, "varied")


def test_what_is_said_changes_the_scene(yard_file: Path) -> None:
    wanted = WorldAddress(
        scene=str(yard_file), cameras=1, people=5, together=4, fps=4, width=80, height=64, looks="uniform"
    )
    scene = wanted.described()
    (view,) = scene.cameras
    assert (view.name, view.fps, view.width, view.height) == ("east", 4, 80, 64)
    assert (scene.people.count, scene.people.together, scene.people.looks) == (5, 4, "uniform")


def test_more_people_at_one_time_make_a_crowd() -> None:
    def most(address: str) -> int:
        wanted = WorldAddress.parse(address)
        world = World(wanted.described(), wanted.seed, wanted.seconds)
        return max(len(world.state_at(time_s).bodies) for time_s in (0.0, 4.0, 8.0))

    assert most("world://plaza?people=40&seconds=8&seed=7") == 8
    assert 20 < most("world://plaza?people=40&together=40&seconds=8&seed=7") <= 40


@pytest.mark.parametrize(("word", "live"), [("0", False), ("1", True), ("true", True), ("false", False)])
def test_live(word: str, live: bool) -> None:
    assert WorldAddress.parse(f"world://plaza?live={word}").live is live


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("world://plaza?poeple=3", "unknown setting 'poeple'; choose from: cameras, .*people, scene, seconds, seed"),
        ("world://plaza?people=-1", "'people' is '-1'"),
        ("world://plaza?people=0", "'people' is '0'"),
        ("world://plaza?people=many", "'people' is 'many'"),
        ("world://plaza?people=", "'people' is ''"),
        ("world://plaza?people=2.5", "'people' is '2.5'"),
        ("world://plaza?together=0", "'together' is '0'"),
        ("world://plaza?cameras=0", "'cameras' is '0'"),
        ("world://plaza?seconds=-3", "'seconds' is '-3'"),
        ("world://plaza?seconds=nan", "'seconds' is 'nan'"),
        ("world://plaza?seconds=inf", "'seconds' is 'inf'"),
        ("world://plaza?seconds=1e9", "'seconds' is '1e9'"),
        ("world://plaza?seed=-1", "'seed' is '-1'"),
        ("world://plaza?fps=0", "'fps' is '0'"),
        ("world://plaza?width=1", "'width' is '1'"),
        ("world://plaza?height=100000", "'height' is '100000'"),
        ("world://plaza?live=perhaps", "'live' is 'perhaps'"),
        ("world://plaza?looks=neon", "'looks' is 'neon'"),
        ("world://plaza?people=3&people=4", "'people' twice"),
        ("world://plaza?scene=mall", "scene twice"),
        ("world://plaza?people", "not readable after the '\\?'"),
        ("world://plaza#people=3", "not the address of a world"),
        ("world:/plaza", "write world://SCENE"),
        ("world:plaza", "write world://SCENE"),
        ("rtsp://plaza", "write world://SCENE"),
        ("world://", "'scene' is ''"),
        ("world://atlantis", "no scene 'atlantis'; choose from: .*plaza"),
        ("world://plaza?cameras=400", "has . cameras"),
    ],
)
def test_bad_addresses_are_refused_in_one_line(address: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        open_world(address)
    assert "\n" not in str(caught.value)


def test_a_world_opens_all_its_cameras(yard_file: Path) -> None:
    sources = open_world(f"world://{str(yard_file).replace(' ', '%20')}?seconds=1")
    assert [(source.camera_id, source.fps) for source in sources] == [("east", 10), ("west", 5)]
    assert [len(list(source.frames())) for source in sources] == [10, 5]


def test_a_lower_rate_slows_only_faster_cameras(yard_file: Path) -> None:
    assert [source.fps for source in open_world(f"world://{yard_file}?seconds=1", max_fps=8)] == [8, 5]


def test_a_seed_makes_the_world(yard_file: Path) -> None:
    def pictures(seed: int) -> list[bytes]:
        source = open_world(f"world://{yard_file}?seconds=1&cameras=1&seed={seed}")[0]
        return [frame.image.tobytes() for frame in source.frames()]

    assert pictures(1) == pictures(1)
    assert pictures(1) != pictures(2)
