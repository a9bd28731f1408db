from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.world.address import WorldAddress
from keyreid_stream.world.filming import film
from keyreid_stream.world.world import World
from keyreid_stream.world.writers import CropWriter
from keyreid_train.data.world import load_worlds


def write_tracklet(world: Path, person: int, camera: str, **changes: Any) -> Path:
    folder = world / "crops" / f"{person:04d}" / camera / "0001"
    folder.mkdir(parents=True)
    frame = {"file": "000001.jpg", "keypoints": [[2.0 * place, 3.0, place % 3] for place in range(17)]}
    record = {"schema": "keyreid.tracklet/1", "person_id": person, "camera_id": camera, "frames": [frame]}
    (folder / "keypoints.json").write_text(json.dumps(record | changes))
    return folder


def test_people_of_two_worlds_are_different_people(tmp_path: Path) -> None:
    for world in ("one", "two"):
        write_tracklet(tmp_path / world, 1, "door")
    loaded = load_worlds(tmp_path)
    assert loaded.person_ids == ("one/1", "two/1")
    assert loaded.camera_ids == ("one/door", "two/door")
    assert len({one.name for one in loaded.tracklets}) == 2
    assert len(load_worlds(tmp_path / "one").tracklets) == 1


def test_keypoints_carry_how_well_they_are_seen(tmp_path: Path) -> None:
    folder = write_tracklet(tmp_path / "one", 1, "door")
    (tracklet,) = load_worlds(tmp_path).tracklets
    assert tracklet.images == (folder / "000001.jpg",)
    assert tracklet.keypoints is not None
    np.testing.assert_array_equal(tracklet.keypoints[0, :4], [[0, 3, 0], [2, 3, 0.5], [4, 3, 1], [6, 3, 0]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "other/2"}, "is of schema 'other/2'"),
        ({"frames": []}, "lists no frames"),
        ({"frames": [{"file": "a.jpg"}]}, "is damaged"),
        ({"frames": [{"file": "a.jpg", "keypoints": [[0, 0, 7]] * 17}]}, "is damaged"),
        ({"frames": [{"file": "a.jpg", "keypoints": [[0, 0, 1]] * 16}]}, "is damaged"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_tracklet(tmp_path / "one", 1, "door", **changes)
    with pytest.raises(InputError, match=message) as caught:
        load_worlds(tmp_path)
    assert "keypoints.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_worlds_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="keyreid world render"):
        load_worlds(tmp_path)


def test_what_the_world_writes_is_read(tmp_path: Path) -> None:
    address = WorldAddress.of(scene="plaza", cameras=1, people=2, seconds=4.0, fps=1.0, width=480, height=270)
    with CropWriter(tmp_path / "plaza/crops") as writer:
        for shot in film(World(address.described(), address.seed, address.seconds)):
            writer.write(shot)
    loaded = load_worlds(tmp_path)
    assert loaded.tracklets
    assert all(path.is_file() for one in loaded.tracklets for path in one.images)


def test_crops_that_show_too_little_are_left_out(tmp_path: Path) -> None:
    frames = [
        {"file": f"{seen}.jpg", "keypoints": [[1, 1, 2]] * seen + [[1, 1, 1]] * (17 - seen)} for seen in (3, 4, 9)
    ]
    write_tracklet(tmp_path / "one", 1, "door", frames=frames)
    write_tracklet(tmp_path / "one", 2, "door", frames=frames[:1])
    (tracklet,) = load_worlds(tmp_path).tracklets
    assert [path.name for path in tracklet.images] == ["4.jpg", "9.jpg"]
    assert tracklet.keypoints is not None
    np.testing.assert_array_equal((tracklet.keypoints[..., 2] == 1).sum(axis=1), [4, 9])
    assert sum(len(one) for one in load_worlds(tmp_path, least_visible=0).tracklets) == 4
    with pytest.raises(InputError, match="no crop shows 10 keypoints"):
        load_worlds(tmp_path, least_visible=10)
