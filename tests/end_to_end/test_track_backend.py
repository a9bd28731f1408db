"""`keyreid track --backend` on a synthetic world: which backend ran is said and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from tests.world.small_worlds import yard_toml

OPTIONS = ["--oracle", "detections,keypoints,tracks", "--no-video", "--device", "cpu"]


def world_address(folder: Path) -> str:
    scene = folder / "yard.toml"
    scene.write_text(yard_toml(), encoding="utf-8")
    return f"world://{scene}?seconds=1"


def test_a_compiled_backend_runs_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path / "home"))
    counts = {}
    for backend in ("torch", "onnxruntime"):
        out = tmp_path / backend
        command = ["track", world_address(tmp_path), "--out", str(out), "--backend", backend]
        assert main([*command, *OPTIONS]) == 0
        report = json.loads((out / "run.json").read_text(encoding="utf-8"))
        assert report["backend"]["name"] == report["settings"]["model"]["backend"] == backend
        counts[backend] = report["counts"]
    assert "building engine keyreid-tiny-onnxruntime-float32-" in capfd.readouterr().err
    assert report["backend"]["minimum_cosine"] > 0.99999
    assert report["stage_classes"]["encoder"].endswith("EngineFrameEncoder")
    assert counts["onnxruntime"] == counts["torch"]


def test_a_backend_that_is_not_known_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["track", world_address(tmp_path), "--backend", "magic", "--out", str(tmp_path / "out")]) == 2
    error = capfd.readouterr().err
    assert "model.backend" in error
    assert "openvino" in error
