from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.sources import open_source, open_sources
from keyreid_stream.world.source import WorldSource
from tests.world.small_worlds import yard_toml


@pytest.fixture
def yard_address(tmp_path: Path) -> str:
    path = tmp_path / "yard.toml"
    path.write_text(yard_toml())
    return f"world://{path}?seconds=1"


def test_one_address_opens_all_cameras_of_a_world(yard_address: str) -> None:
    assert [source.camera_id for source in open_sources([yard_address])] == ["east", "west"]


def test_the_rate_limit_holds_for_worlds(yard_address: str) -> None:
    assert [source.fps for source in open_sources([yard_address], max_fps=4)] == [4, 4]
    with pytest.raises(InputError, match="fps is 0"):
        open_sources([yard_address], max_fps=0)


def test_a_world_keeps_its_own_names(yard_address: str) -> None:
    with pytest.raises(InputError, match=r"names of its scene; write world://.* without lobby="):
        open_sources([f"lobby={yard_address}"])


def test_one_camera_is_not_two(yard_address: str) -> None:
    with pytest.raises(InputError, match="has 2 cameras, one is wanted; write cameras=1"):
        open_source(yard_address)
    assert open_source(f"{yard_address}&cameras=1").camera_id == "east"


def test_the_same_world_twice_has_names_twice(yard_address: str) -> None:
    with pytest.raises(InputError, match="are both named 'east'"):
        open_sources([yard_address, f"{yard_address}&seed=1"])


def test_a_camera_whose_name_no_file_can_have(tmp_path: Path) -> None:
    path = tmp_path / "yard.toml"
    path.write_text(yard_toml().replace('"east"', '"../east"'))
    with pytest.raises(InputError, match=r"'\.\./east' cannot be a file name"):
        open_sources([f"world://{path}"])


@pytest.mark.parametrize("max_fps", [None, 4])
def test_worlds_keep_their_truth_when_asked(yard_address: str, max_fps: float | None) -> None:
    for source in [
        *open_sources([yard_address], max_fps=max_fps, keep_truth=True),
        open_source(f"{yard_address}&cameras=1", max_fps=max_fps, keep_truth=True),
    ]:
        assert isinstance(source, WorldSource)
        frames = list(source.frames())
        assert source.truth_of(frames[-1]).time_s == pytest.approx((len(frames) - 1) / source.fps)


def test_worlds_keep_no_truth_unless_asked(yard_address: str) -> None:
    (source, _) = open_sources([yard_address])
    assert isinstance(source, WorldSource)
    assert not source.keeps_truth
