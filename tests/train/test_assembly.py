from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from keyreid_stream.errors import ConfigError, InputError
from keyreid_train import assembly
from keyreid_train.assembly import assemble, load_set
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.losses.config import LossConfig
from keyreid_train.sampler import Appearance, ClipRequest
from keyreid_train.settings import DataConfig, TrainConfig
from tests.train.data.miniature import touch
from tests.train.painted_people import painted_config


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sets of eight people, in two cameras each, whose names are the same in both."""

    def load(folder: Path) -> TrackletSet:
        if not folder.is_dir():
            raise InputError(f"no folder {folder}")
        paths = {(str(person), camera): folder / f"{person}{camera}.png" for person in range(8) for camera in "ab"}
        return TrackletSet("x", tuple(Tracklet(*who, path.stem, (path,)) for who, path in paths.items()))

    for place, name in enumerate(("here", "there")):
        (tmp_path / name).mkdir()
        for person in range(8):
            for camera in "ab":
                picture = np.full((8, 4, 3), 100 * place + 10 * person, np.uint8)
                cv2.imwrite(str(tmp_path / name / f"{person}{camera}.png"), picture)
    monkeypatch.setattr(assembly, "_LOADERS", {"here": load, "there": load, "cuhk03-val": load})
    return tmp_path


def config(**data: object) -> TrainConfig:
    settings = {"sets": ("here", "there"), "validation_share": 0.25} | data
    return painted_config(data=DataConfig.model_validate(settings))


def test_sets_are_joined_without_confusing_their_people(root: Path) -> None:
    data = assemble(config(), root, {})
    assert len(data.people) == 2 * 6
    assert data.validation is not None
    held = data.validation.tracklets
    assert len(held.person_ids) == 4
    assert not set(held.person_ids) & set(data.people)
    assert {person.split("/")[0] for person in data.people} == {"here", "there"}
    assert len({one.camera for one in data.appearances}) == 4
    for tracklet, (label, camera) in enumerate(data.appearances):
        row = data.clips[ClipRequest(0, tracklet, 0, 1)]
        assert Appearance(int(row.labels), int(row.cameras)) == (label, camera)


def test_validation_may_come_from_one_set(root: Path) -> None:
    data = assemble(config(validate_on=("there",)), root, {})
    assert data.validation is not None
    assert {person.split("/")[0] for person in data.validation.tracklets.person_ids} == {"there"}
    assert len(data.people) == 8 + 6


def test_single_folders_go_before_the_root(root: Path) -> None:
    with pytest.raises(InputError, match="no folder /else"):
        assemble(config(), root, {"there": Path("/else")})
    with pytest.raises(InputError, match="no folder /written"):
        assemble(config(folders={"here": "/written"}), root, {})
    assert load_set("here", None, {"here": root / "there"}).name == "here"


@pytest.mark.parametrize(
    ("data", "loss", "message"),
    [
        ({"sets": ("nowhere",)}, {}, "unknown data set 'nowhere'; choose from: here, there"),
        ({"sets": ("here", "here")}, {}, "names a set twice"),
        ({"sets": ("cuhk03-val",)}, {}, "'cuhk03-val', which is for scores alone"),
        ({"validate_on": ("other",)}, {}, "'other', which is not in data.sets"),
        ({}, {"distillation": 1.0}, "there is no teacher"),
        ({"teacher": "/taught"}, {}, "loss.distillation is 0"),
    ],
)
def test_contradictions_are_told(root: Path, data: dict[str, object], loss: dict[str, float], message: str) -> None:
    settings = config(**data).model_copy(update={"loss": LossConfig.model_validate(loss)})
    with pytest.raises(ConfigError, match=message) as caught:
        assemble(settings, root, {})
    assert "\n" not in str(caught.value)


def test_a_set_without_a_place_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="where is cuhk01\\? give --data ROOT"):
        load_set("cuhk01", None, {})


@pytest.mark.parametrize(("name", "half", "split"), [("ilids", 1, 1), ("ilids-test", 0, 1), ("ilids-3-test", 0, 3)])
def test_sets_with_splits_share_a_folder(tmp_path: Path, name: str, half: int, split: int) -> None:
    people = [f"person{number:03d}" for number in range(1, 301)]
    touch(tmp_path, *(f"ilids/i-LIDS-VID/sequences/cam{cam}/{one}/1.png" for one in people for cam in (1, 2)))
    orders = np.stack([np.roll(np.arange(1, 301), 7 * number) for number in range(10)])
    (tmp_path / "ilids/train-test people splits").mkdir()
    savemat(tmp_path / "ilids/train-test people splits/train_test_splits_ilidsvid.mat", {"ls_set": orders})
    chosen = orders[split - 1].reshape(2, 150)[half]
    loaded = load_set(name, tmp_path, {})
    assert loaded.name == name
    assert loaded.person_ids == tuple(sorted(people[place - 1] for place in chosen))


def test_nobody_trains_on_test_people() -> None:
    with pytest.raises(ConfigError, match=r"data\.sets has 'prid2011-4-test', which is for scores alone"):
        assemble(config(sets=("prid2011-4-test",)), None, {})
