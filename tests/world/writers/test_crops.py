from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from keyreid_stream.world.writers import CropWriter
from tests.world.staged import shot


def tracklet(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "keypoints.json").read_text())
    return content


def test_a_crop_and_its_keypoints(tmp_path: Path) -> None:
    with CropWriter(tmp_path) as writer:
        writer.write(shot(3, {7: (-10, 5.5, 30.2, 45)}, clock_offset_s=2.0))
    folder = tmp_path / "0007" / "door" / "0001"
    crop = cv2.imread(str(folder / "000003.jpg"))[..., ::-1].astype(int)
    assert crop.shape == (40, 31, 3)  # cut at the left edge, widened to whole pixels
    assert np.abs(crop[8:32, 8:22] - (200, 140, 0)).max() < 12
    content = tracklet(folder)
    assert content["schema"] == "keyreid.tracklet/1"
    assert (content["person_id"], content["camera_id"], content["tracklet"]) == (7, "door", 1)
    (frame,) = content["frames"]
    assert frame["file"] == "000003.jpg"
    assert (frame["frame_index"], frame["timestamp_s"], frame["occlusion"]) == (3, 2.3, 0)
    assert frame["box_xyxy"] == [0, 5, 31, 45]
    assert frame["keypoints"][5] == pytest.approx([10.1, 25.25 - 5, 2], abs=0.01)
    assert frame["keypoints"][16] == [-5, 65, 0]


def test_a_gap_starts_a_new_tracklet(tmp_path: Path) -> None:
    with CropWriter(tmp_path, max_gap_s=0.5) as writer:
        for index in (0, 1, 6, 12):  # gaps of 0.1, 0.5 and 0.6 s
            writer.write(shot(index, {7: (10, 5, 30, 45)}))
    folder = tmp_path / "0007" / "door"
    assert [path.name for path in sorted(folder.iterdir())] == ["0001", "0002"]
    assert [frame["frame_index"] for frame in tracklet(folder / "0001")["frames"]] == [0, 1, 6]
    assert [frame["frame_index"] for frame in tracklet(folder / "0002")["frames"]] == [12]


def test_people_and_cameras_have_tracklets_of_their_own(tmp_path: Path) -> None:
    with CropWriter(tmp_path) as writer:
        writer.write(shot(0, {7: (10, 5, 30, 45), 8: (40, 5, 60, 45)}))
        writer.write(shot(0, {7: (10, 5, 30, 45)}, camera_id="hall"))
    assert sorted(str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("keypoints.json")) == [
        "0007/door/0001",
        "0007/hall/0001",
        "0008/door/0001",
    ]


@pytest.mark.parametrize(
    ("box", "occlusion"),
    [((10, 5, 30, 45), 0.71), ((10, 5, 30, 45), 1.0), ((10, 5, 30, 28), 0.0), ((10, 50, 30, 90), 0.0)],
)
def test_what_shows_too_little_gives_no_crop(
    tmp_path: Path, box: tuple[float, float, float, float], occlusion: float
) -> None:
    with CropWriter(tmp_path, max_occlusion=0.7, min_height=24) as writer:
        writer.write(shot(0, {7: box}, occlusion=occlusion))
    assert list(tmp_path.iterdir()) == []


def test_every_image_has_its_keypoints_after_an_error(tmp_path: Path) -> None:
    def stopped() -> None:
        with CropWriter(tmp_path) as writer:
            writer.write(shot(0, {7: (10, 5, 30, 45)}))
            writer.write(shot(1, {7: (10, 5, 30, 45)}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    folder = tmp_path / "0007" / "door" / "0001"
    assert [frame["file"] for frame in tracklet(folder)["frames"]] == sorted(path.name for path in folder.glob("*.jpg"))
    assert not list(tmp_path.rglob("*.part"))
