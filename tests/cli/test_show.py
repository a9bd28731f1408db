from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.cli.main import main


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
