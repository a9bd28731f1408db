"""`keyreid train`, run as users run it, on painted people."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.cli.train_data import data_folders
from keyreid_stream.errors import ConfigError
from keyreid_stream.models.load import load_model
from keyreid_stream.models.weights import Provenance, save_weights
from keyreid_train import assembly
from keyreid_train.feeding import TrainingData
from keyreid_train.settings import TrainConfig
from keyreid_train.trainer import Trainer
from tests.models.small_models import small_config, small_model
from tests.train.painted_people import painted_data

SETTINGS = [
    *(f"model.{name}={json.dumps(value)}" for name, value in small_config(stem="patch").model_dump().items()),
    "batch.identities=3",
    "batch.clips=2",
    "loop.epochs=2",
    "loop.steps=2",
    "loop.precision=no",
    "device=cpu",
    "loss.distillation=0",
]


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path | None, Mapping[str, Path]]]:
    """Painted people whatever is asked for; what was asked for."""
    asked: list[tuple[Path | None, Mapping[str, Path]]] = []

    def assemble(_config: TrainConfig, root: Path | None, folders: Mapping[str, Path]) -> TrainingData:
        asked.append((root, folders))
        return painted_data()[1]

    monkeypatch.setattr(assembly, "assemble", assemble)
    return asked


def arguments(out: Path, *more: str) -> list[str]:
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    return ["train", "cuhk_tiny", "--data", "/sets", "--out", str(out), *settings, *more]


def test_a_recipe_leaves_weights_that_can_be_loaded(
    tmp_path: Path, painted: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path / "run", "--data", "worlds=/worlds")) == 0
    output = capsys.readouterr()
    assert "step 4/4" in output.err
    weights = output.out.splitlines()[-1]
    assert load_model(weights=weights).card.trained
    assert painted == [(Path("/sets"), {"worlds": Path("/worlds")})]
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert (report["people"], report["seed"], report["settings"]["recipe"]) == (6, 0, "cuhk_tiny")
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"log.csv", "training.png", "checkpoint.pt"}


def test_an_interrupted_training_says_how_to_go_on(
    tmp_path: Path, painted: list[object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Trainer._finish_epoch

    def interrupted(self: Trainer, epoch: int) -> None:
        finish(self, epoch)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_finish_epoch", interrupted)
        assert main(arguments(tmp_path)) == 130
    assert f"--out {tmp_path} --resume" in capsys.readouterr().err
    assert main(arguments(tmp_path)) == 2
    assert "holds a training already; add --resume" in capsys.readouterr().err
    assert main(arguments(tmp_path, "--resume")) == 0
    assert "from epoch 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["train", "huge"], "unknown recipe 'huge'; choose one of: world_tiny, cuhk_tiny"),
        (["train", "cuhk_tiny", "--set", "loop.epoch=3"], "unknown setting 'loop.epoch'"),
        (["train", "cuhk_tiny", "--data", "/a", "--data", "/b"], "there is a root already"),
        (["train", "cuhk_tiny", "--data", "/no/such/root"], "/no/such/root"),
        (["train", "cuhk_tiny"], "--data"),
    ],
)
def test_bad_input_is_told_in_one_line(
    command: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_recipes_and_settings_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "recipes"]) == 0
    assert "keyreid_tiny" in capsys.readouterr().out
    assert main(["train", "keyreid_tiny", "--set", "seed=5", "--show-settings"]) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 5


def test_data_folders() -> None:
    assert data_folders(None) == (None, {})
    assert data_folders(["/a", "x=/b=c"]) == (Path("/a"), {"x": Path("/b=c")})
    with pytest.raises(ConfigError, match="already"):
        data_folders(["/a", "/b"])


@pytest.fixture
def own_people(tmp_path: Path) -> Path:
    """Three people in two cameras, in the plain folder layout."""
    for person in range(3):
        picture = np.random.default_rng(person).integers(0, 256, (64, 32, 3), np.uint8)
        for camera in ("a", "b"):
            path = tmp_path / f"data/folder/{person}/{camera}/one/1.png"
            path.parent.mkdir(parents=True)
            cv2.imwrite(str(path), picture)
    return tmp_path / "data"


@pytest.fixture
def small_weights(tmp_path: Path) -> str:
    model = small_model()
    origin = Provenance(source="a test", trained=True, created=datetime.date(2026, 1, 1))
    return str(save_weights(tmp_path / "small.safetensors", model.config, model.state_dict(), origin).path)


def test_openpifpafs_files_become_keypoints_that_scores_use(
    own_people: Path, small_weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for image in (own_people / "folder").rglob("*.png"):
        people = [{"keypoints": [16.0, 5.0, 0.9] * 17, "bbox": [0, 0, 32, 64], "score": 0.7, "category_id": 1}]
        image.with_name(f"{image.name}.predictions.json").write_text(json.dumps(people))
    data = ["--data", str(own_people)]
    pose, keypoints = str(own_people / "folder"), str(tmp_path / "keypoints")
    assert main(["train", "prepare", "folder", *data, "--pose", pose, "--out", keypoints]) == 0
    assert capsys.readouterr().out.strip() == f"{keypoints}/folder.npz"
    out = tmp_path / "ablation"
    named = ["--set-name", "folder", "--keypoints", keypoints]
    assert main(["train", "ablate", small_weights, small_weights, *data, *named, "--out", str(out)]) == 0
    assert "lower half" in capsys.readouterr().out
    record = json.loads((out / "ablation.json").read_text())
    assert [len(one["rows"]) for one in record["ablations"]] == [18, 18]
    assert record["keypoints"]
    assert (out / "ablation.md").read_text().count(f"## {small_weights}") == 2


def test_ablations_of_nothing_are_refused_before_the_work(
    own_people: Path, small_weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(own_people), "--set-name", "folder"]
    assert main(["train", "ablate", small_weights, "none-such", *data]) == 2
    assert "unknown weights 'none-such'" in capsys.readouterr().err
    assert main(["train", "ablate", small_weights, *data, "--out", small_weights]) == 2
    assert "is not a folder" in capsys.readouterr().err
