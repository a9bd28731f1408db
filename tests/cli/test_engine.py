from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from keyreid_engines import build
from keyreid_stream.cli.main import main
from keyreid_stream.models.weights import Provenance, save_weights
from tests.engines.engine_models import engine_model, exported


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(build, "export_graph", lambda model, kind, precision, **_: exported("aligned", kind, precision))
    model = engine_model()
    made = Provenance.model_validate({"source": "a test", "trained": True, "created": "2026-11-01"})
    return save_weights(tmp_path / "small.safetensors", model.config, model.state_dict(), made).path


def test_building_listing_inspecting_validating_and_cleaning(weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "build", "--weights", str(weights), "--backend", "onnxruntime"]) == 0
    folder = Path(capfd.readouterr().out.splitlines()[-1])
    assert (folder / "manifest.json").is_file()
    assert main(["engine", "list"]) == 0
    assert folder.name in capfd.readouterr().out
    assert main(["engine", "inspect", folder.name]) == 0
    manifest = json.loads(capfd.readouterr().out)
    assert manifest["facts"]["backend"] == "onnxruntime"
    assert manifest["check"]["parts"] > 0.99999
    assert main(["engine", "validate", "--weights", str(weights)]) == 0
    assert f"{folder.name}: right" in capfd.readouterr().out
    assert main(["engine", "clean"]) == 0
    assert folder.is_dir()
    assert main(["engine", "clean", "--all"]) == 0
    assert "removed 1 engines" in capfd.readouterr().out.splitlines()[-1]
    assert not folder.exists()


def test_a_damaged_engine_is_listed_fails_validation_and_is_cleaned(
    weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "build", "--weights", str(weights), "--backend", "onnxruntime"]) == 0
    folder = Path(capfd.readouterr().out.splitlines()[-1])
    (folder / "clip_head.onnx").write_bytes(b"short")
    assert main(["engine", "inspect", folder.name]) == 1
    assert "keyreid engine clean" in capfd.readouterr().err
    assert main(["engine", "validate", "--weights", str(weights)]) == 1
    assert "clip_head.onnx is missing or of another size" in capfd.readouterr().out
    assert main(["engine", "clean"]) == 0
    assert not folder.exists()


def test_exporting_one_file(tmp_path: Path, weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "head.onnx"
    command = ["engine", "export", str(out), "--weights", str(weights), "--kind", "clip_head"]
    assert main(command) == 0
    assert {value.name for value in onnx.load(out).graph.input} == {"tokens", "class_rows", "part_weights"}
    content = out.read_bytes()
    assert main(command) == 2
    assert "is there already" in capfd.readouterr().err
    assert out.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["inspect", "nobody"], 1, "no engine 'nobody'"),
        (["clean", "nobody"], 1, "no engine 'nobody'"),
        (["build", "--model", "tiny", "--weights", "x"], 2, "not both"),
        (["build", "--backend", "magic"], 2, "magic"),
        (["export", "/nowhere/at/all.onnx"], 2, "there is no folder"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: list[str], code: int, told: str, weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", *arguments]) == code
    error = capfd.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1


def test_without_engines_validation_says_what_to_do(weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "validate", "--weights", str(weights)]) == 2
    assert "keyreid engine build" in capfd.readouterr().err
