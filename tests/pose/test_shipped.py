from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.evaluation.boxes import iou
from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.pose.shipped import WORLD_POSE_FILE, pose_weights
from keyreid_stream.world.film import Film
from keyreid_stream.world.scene import load_scene
from keyreid_stream.world.world import World


def test_its_name_means_the_shipped_file() -> None:
    assert PoseConfig(weights=Path("world-pose")).weights == WORLD_POSE_FILE
    assert PoseConfig(weights=Path("other/world-pose")).weights == Path("other/world-pose")


def test_it_sees_larger_pictures_than_others_unless_told_otherwise() -> None:
    assert PoseConfig(weights=Path("world-pose")).imgsz == 800
    assert PoseConfig(weights=Path("world-pose"), imgsz=640).imgsz == 640
    assert PoseConfig().imgsz == PoseConfig(weights=Path("other.pt")).imgsz == 640


def test_a_users_own_file_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("world-pose").touch()
    assert pose_weights(Path("world-pose")) == Path("world-pose")


def test_it_is_small_enough_to_ship() -> None:
    assert WORLD_POSE_FILE.stat().st_size <= 7_000_000


def test_it_finds_the_drawn_people_of_an_unseen_world() -> None:
    cv2.setNumThreads(1)
    film = Film(World(load_scene("plaza"), seed=611, seconds=12), 0)
    detector = UltralyticsPose(PoseConfig(weights=Path("world-pose"), device="cpu"))
    found = wanted = 0
    errors_px: list[float] = []
    for index in range(10, 110, 20):
        shot = film.shot(index)
        people = detector.detect([shot.frame])[0]
        clear = np.flatnonzero((shot.truth.occlusion < 0.3) & (shot.truth.visible_pixels > 400))
        overlaps = iou(shot.truth.visible_boxes_xyxy[clear], people.boxes_xyxy)
        wanted += len(clear)
        for row, person in enumerate(clear):
            if not len(people) or overlaps[row].max() < 0.5:
                continue
            found += 1
            assert people.keypoints is not None
            keypoints, truth = people.keypoints[overlaps[row].argmax()], shot.truth.keypoints[person]
            seen = truth[:, 2] == 2
            size = shot.truth.boxes_xyxy[person]
            errors_px += list(np.hypot(*(keypoints[seen, :2] - truth[seen, :2]).T) / (size[3] - size[1]))
    assert wanted >= 10
    assert found >= 0.9 * wanted
    assert np.median(errors_px) < 0.05
