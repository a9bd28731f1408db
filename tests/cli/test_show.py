from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.cli.main import main
from keyreid_train.data.keypoints import write_keypoints


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("1.png", "2.jpg"):
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (160, 60, 3), np.uint8))
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_attention(pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "sheet.png"
    assert main(["show", "attention", str(pictures), "--out", str(out)]) == 0
    assert str(out) in capfd.readouterr().out.replace("\n", "")
    assert cv2.imread(str(out)).shape[0] > 512
    assert not list(tmp_path.rglob("*.part"))


def test_parts(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["show", "parts", str(pictures / "1.png"), "--pose", "world-pose", "--out", str(out)]) == 0
    height, width = cv2.imread(str(out)).shape[:2]
    assert width > 7 * 128
    assert height < 512


def test_parts_by_stored_keypoints(pictures: Path, tmp_path: Path) -> None:
    """The same keypoints, as a data set's file and as OpenPifPaf's files, give the same sheet; others another one."""
    names = np.array(["p/c/1/1.png", "p/c/1/2.jpg"])
    keypoints = np.random.default_rng(1).uniform(20, 60, (2, 17, 3)).astype(np.float16).round()
    keypoints[..., 2] = 0.5
    write_keypoints(tmp_path / "own.npz", names, keypoints, "by hand")
    write_keypoints(tmp_path / "swapped.npz", names, keypoints[::-1], "by hand")
    (tmp_path / "poses").mkdir()
    for name, own in zip(("1.png", "2.jpg"), keypoints.tolist(), strict=True):
        person = {"keypoints": [number for point in own for number in point], "score": 0.5}
        (tmp_path / f"poses/{name}.predictions.json").write_text(json.dumps([person]))
    sheets = {}
    for source in ("own.npz", "poses", "swapped.npz"):
        out = tmp_path / f"{source}.png"
        assert main(["show", "parts", str(pictures), "--keypoints", str(tmp_path / source), "--out", str(out)]) == 0
        sheets[source] = out.read_bytes()
    assert sheets["own.npz"] == sheets["poses"] != sheets["swapped.npz"]


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ([], "give one of them"),
        (["--pose", "world-pose", "--keypoints", "own.npz"], "give one of them"),
        (["--keypoints", "own.npz"], "no keypoints own.npz; give DATASET.npz"),
        (["--keypoints", "crops"], "crops holds no keypoints; give DATASET.npz"),
    ],
)
def test_keypoints_come_from_one_place(
    pictures: Path,
    sources: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(pictures.parent)
    assert main(["show", "parts", "crops", "--out", "a.png", *sources]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert told in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.png", "--out", "a.png"], "picture nowhere.png cannot be read"),
        (["crops/notes.txt", "--out", "a.png"], "notes.txt is no picture that OpenCV reads"),
        (["crops", "--out", "a.jpg"], "give a file that ends in .png"),
        (["crops", "--out", "crops/1.png"], "crops/1.png is there already"),
        (["empty", "--out", "a.png"], "there are 0 pictures; give 1 to 64"),
        (["crops", "crops", "crops", "crops", "crops", "--out", "a.png"], "of a clip; give fewer"),
    ],
)
def test_bad_input_is_one_line(
    pictures: Path,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (pictures.parent / "empty").mkdir()
    monkeypatch.chdir(pictures.parent)
    assert main(["show", "attention", *arguments]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert told in line
