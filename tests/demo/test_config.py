from __future__ import annotations

import shlex

import pytest

from keyreid_stream.cli.main import COMMANDS
from keyreid_stream.demo import DemoConfig, demo_config
from keyreid_stream.errors import ConfigError
from keyreid_stream.world.address import WorldAddress


def test_the_address_is_the_world_that_was_asked_for() -> None:
    config = demo_config(scene="plaza", people=9, seconds=12.5, seed=4)
    assert WorldAddress.parse(config.address) == WorldAddress(scene="plaza", people=9, seconds=12.5, seed=4)


def test_scenes_with_odd_paths_are_found_again() -> None:
    config = demo_config(scene="my scenes/50%?#.toml")
    assert WorldAddress.parse(config.address).scene == "my scenes/50%?#.toml"


def test_the_command_repeats_the_settings() -> None:
    config = demo_config(scene="my scenes/yard.toml", people=3, seconds=4, seed=0, pose="a b.pt")
    words = shlex.split(config.command)
    assert words[:2] == ["keyreid", "demo"]
    given = dict(zip(words[2::2], words[3::2], strict=True))
    assert given == {
        "--scene": "my scenes/yard.toml",
        "--people": "3",
        "--seconds": "4",
        "--seed": "0",
        "--pose": "a b.pt",
    }
    known = {f"--{name}" for name in COMMANDS["demo"].load().__annotations__}
    assert set(given) <= known


def test_none_means_not_given() -> None:
    assert demo_config(scene=None, people=None, seconds=None, seed=None) == DemoConfig()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seconds": 0}, ["seconds", "0", "greater"]),
        ({"seconds": 4000}, ["seconds", "300"]),
        ({"seconds": float("nan")}, ["seconds"]),
        ({"people": 0}, ["people", "0"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"scene": ""}, ["scene"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_bad_settings_are_told_in_one_line(values: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        demo_config(**values)
    message = str(raised.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
