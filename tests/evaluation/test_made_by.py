from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyreid_stream.evaluation.made_by import made_by, made_by_words
from keyreid_stream.run_folder import SCHEMA

MODEL = {"name": "tiny", "sha256": "cd" * 32, "trained": False}


def test_what_a_run_tells(tmp_path: Path) -> None:
    run = {"schema": SCHEMA, "status": "finished", "model": MODEL, "pose_weights": None, "oracle": [], "wall_s": 3}
    (tmp_path / "run.json").write_text(json.dumps(run))
    told = made_by(tmp_path / "tracks")
    assert told == {"model": MODEL, "pose_weights": None, "oracle": [], "status": "finished"}
    assert made_by_words(told) == "tiny cdcdcdcdcdcd, untrained"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema": "keyreid.ladder/1"}'])
def test_what_is_no_run_tells_nothing(text: str, tmp_path: Path) -> None:
    assert made_by(tmp_path / "tracks") is None
    (tmp_path / "run.json").write_text(text)
    assert made_by(tmp_path / "tracks") is None


def test_other_folders_of_a_run_are_not_its_tracks(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema": SCHEMA, "model": MODEL}))
    assert made_by(tmp_path / "other") is None


def test_words() -> None:
    pose = {"path": "folder/yolo.pt", "sha256": "ab" * 32}
    told = {"model": MODEL | {"trained": True}, "pose_weights": pose, "oracle": ["detections"], "status": "interrupted"}
    assert made_by_words(told) == (
        "tiny cdcdcdcdcdcd, detector yolo.pt abababababab, true detections, the run is interrupted"
    )
    assert made_by_words({}) == ""
