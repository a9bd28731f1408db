from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.world.writers import YoloPoseWriter
from tests.world.staged import shot


def test_a_label_by_hand(tmp_path: Path) -> None:
    with YoloPoseWriter(tmp_path) as writer:
        writer.write(shot(4, {7: (-10, 6, 30, 42)}))
    words = (tmp_path / "labels" / "train" / "door_000004.txt").read_text().split()
    # The picture is 80 x 60; of the box, 0..30 x 6..42 can be seen. Keypoints are at (10, 24), the middle of the whole.
    assert words[0] == "0"
    assert [float(word) for word in words[1:5]] == pytest.approx([15 / 80, 24 / 60, 30 / 80, 36 / 60], abs=1e-6)
    keypoints = np.array(words[5:], float).reshape(17, 3)
    assert keypoints[0].tolist() == pytest.approx([10.5 / 80, 24.5 / 60, 1], abs=1e-6)
    assert keypoints[5].tolist() == pytest.approx([10.5 / 80, 24.5 / 60, 2], abs=1e-6)
    assert keypoints[16].tolist() == [0, 0, 0]


def test_the_image_is_the_frame(tmp_path: Path) -> None:
    taken = shot(0, {7: (20, 6, 60, 42)})
    with YoloPoseWriter(tmp_path) as writer:
        writer.write(taken)
    image = cv2.imread(str(tmp_path / "images" / "train" / "door_000000.jpg"))[..., ::-1].astype(int)
    assert image.shape == taken.frame.image.shape
    assert np.abs(image - taken.frame.image)[10:40, 24:56].max() < 12


def test_people_who_hardly_show_get_no_label(tmp_path: Path) -> None:
    with YoloPoseWriter(tmp_path, min_visible_pixels=100) as writer:
        writer.write(shot(0, {1: (0, 0, 9, 11), 2: (20, 0, 30, 10)}))
        writer.write(shot(1, {2: (20, 0, 30, 20)}, occlusion=0.9))
    assert len((tmp_path / "labels" / "train" / "door_000000.txt").read_text().splitlines()) == 1
    assert (tmp_path / "labels" / "train" / "door_000001.txt").read_text() == ""
    assert (tmp_path / "images" / "train" / "door_000001.jpg").exists()


def test_shots_are_split(tmp_path: Path) -> None:
    with YoloPoseWriter(tmp_path, split=lambda one: "val" if one.truth.time_s >= 0.2 else "train") as writer:
        for index in range(4):
            writer.write(shot(index))
    for kind in ("images", "labels"):
        assert [len(list((tmp_path / kind / split).iterdir())) for split in ("train", "val")] == [2, 2]


def test_left_and_right_change_places_in_a_mirror(tmp_path: Path) -> None:
    from keyreid_stream.world.structures import JOINTS, KEYPOINTS

    with YoloPoseWriter(tmp_path):
        pass
    line = next(line for line in (tmp_path / "data.yaml").read_text().splitlines() if line.startswith("flip_idx"))
    order = [int(number) for number in line.partition(": ")[2].strip("[]").split(",")]
    mirrored = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in JOINTS[:KEYPOINTS]]
    assert [JOINTS[index] for index in order] == mirrored


def test_ultralytics_reads_it_without_a_complaint(tmp_path: Path) -> None:
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset
    from ultralytics.data.utils import check_det_dataset

    with YoloPoseWriter(tmp_path) as writer:
        writer.write(shot(0, {7: (-10, 6, 30, 42), 8: (40, 10, 60, 55)}))
        writer.write(shot(1))
        writer.write(shot(2, {7: (60, 20, 90, 70)}))
    (tmp_path / "images" / "val" / "x.jpg").write_bytes((tmp_path / "images/train/door_000001.jpg").read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = check_det_dataset(str(tmp_path / "data.yaml"), autodownload=False)
        data = build_yolo_dataset(
            get_cfg(overrides={"task": "pose", "imgsz": 96}), settings["train"], 1, settings, mode="val"
        )
    assert Path(settings["path"]) == tmp_path
    assert [len(label["cls"]) for label in data.labels] == [2, 0, 1]
    assert data.labels[0]["keypoints"].shape == (2, 17, 3)
