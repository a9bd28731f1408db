from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from keyreid_stream.world.scene import load_scene, scene_names
from keyreid_train.pose.frames import FramesConfig, render_frames

SMALL = FramesConfig(worlds=2, frames_per_camera=2, validation_seeds=(501,), validation_frames_per_camera=1)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    worlds = Counter[str]()
    data = render_frames(SMALL, folder, on_world=lambda: worlds.update(["done"]))
    assert data == folder / "data.yaml"
    assert worlds["done"] == SMALL.worlds + len(scene_names())
    return folder


def test_random_worlds_train_and_ready_scenes_validate(rendered: Path) -> None:
    training = [path.stem for path in (rendered / "images" / "train").iterdir()]
    assert len(training) == SMALL.worlds * 3 * SMALL.frames_per_camera
    assert all(name.startswith(("random_100000_", "random_100001_")) for name in training)
    validation = [path.stem for path in (rendered / "images" / "val").iterdir()]
    cameras = sum(len(load_scene(name).cameras) for name in scene_names())
    assert len(validation) == cameras
    assert {name.partition("_501_")[0] for name in validation} == set(scene_names())


def test_every_image_has_its_label_and_some_show_people(rendered: Path) -> None:
    for split in ("train", "val"):
        images = {path.stem for path in (rendered / "images" / split).iterdir()}
        labels = {path.stem: path.read_text().splitlines() for path in (rendered / "labels" / split).iterdir()}
        assert images == set(labels)
        assert any(labels.values())


def test_two_workers_render_the_same(rendered: Path, tmp_path: Path) -> None:
    render_frames(SMALL, tmp_path, workers=2)
    for path in sorted(rendered.rglob("*.*")):
        assert (tmp_path / path.relative_to(rendered)).read_bytes() == path.read_bytes()
