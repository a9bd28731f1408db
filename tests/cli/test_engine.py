from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from keyreid_engines import bench, build
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_stream.cli.engine_bench import rank1_of
from keyreid_stream.cli.main import main
from keyreid_stream.encoders import TorchClipHead, TorchFrameEncoder
from keyreid_stream.models.load import load_model
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


def test_building_for_gpus_that_are_not_here(weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TENSORRT-RTX IS NOT INSTALLED: nothing is built for GPUs")
    command = ["engine", "build", "--weights", str(weights), "--backend", "tensorrt-rtx", "--precision", "float16"]
    assert main([*command, "--capabilities", "7.5,8.9"]) == 0
    said, folder = capfd.readouterr().out.splitlines()[-2:]
    assert said.endswith("float16: checked when it runs first")
    assert (Path(folder) / "clip_head.plan").is_file()
    assert main(["engine", "list"]) == 0
    assert main([*command, "--capabilities", "9.0"]) == 1
    assert "choose of: 7.5" in capfd.readouterr().err
    assert main(["engine", "build", "--weights", str(weights), "--capabilities", "8.9"]) == 2
    assert "--capabilities goes with --backend tensorrt-rtx alone, got auto" in capfd.readouterr().err


def test_measuring_prints_a_table_and_writes_the_same_figures(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(bench.PRODUCT_LENGTH, "cpu", 64)
    monkeypatch.setattr(bench, "LOADERS", {"onnxruntime": OnnxRuntimeBackend})
    out = tmp_path / "bench.json"
    command = ["engine", "bench", "--weights", str(weights), "--device", "cpu", "--batches", "1,2", "--rounds", "1"]
    assert main([*command, "--json", str(out)]) == 0
    printed = capfd.readouterr().out
    assert "medians of 1" in printed
    assert "one large matrix product of PyTorch in float32" in printed
    figures = json.loads(out.read_text())["figures"]
    assert {(one["backend"], one["batch"]) for one in figures} == {
        (backend, batch) for backend in ("onnxruntime", "torch") for batch in (1, 2)
    }


@pytest.mark.parametrize("batches", ["", "few", "1,,2"])
def test_batches_that_are_no_numbers_are_told(batches: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "bench", "--batches", batches]) == 2
    assert "--batches takes numbers" in capfd.readouterr().err


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
        (["build", "--precision", "int8"], 2, "int8 runs on openvino and onnxruntime, not on auto"),
        (["build", "--backend", "openvino", "--precision", "int8"], 2, "name a folder of them as `calibration`"),
        (["build", "--backend", "openvino", "--precision", "int8", "--calibration", "/no"], 2, "there is no folder"),
        (["build", "--calibration", "x"], 2, "calibration is for precision int8, not auto"),
        (["build", "--provider", "cuda"], 2, "provider cuda is for onnxruntime, not for auto"),
        (
            ["build", "--backend", "onnxruntime", "--provider", "cuda", "--device", "cpu"],
            2,
            "provider cuda of onnxruntime does not compute on cpu",
        ),
        (["bench", "--model", "tiny", "--data", "x"], 2, "an untrained network finds nobody"),
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


@pytest.mark.data
@pytest.mark.slow
def test_who_is_found_again_is_what_the_evaluation_finds(data: Path) -> None:
    """`keyreid eval reid cuhk03-val --similarity visible` says 67.5 of the shipped weights without keypoints."""
    found = rank1_of(None, None, [f"cuhk03-val={data / 'reid' / 'cuhk03'}"], None)
    model = load_model().model
    assert found(TorchFrameEncoder(model), TorchClipHead(model)) == pytest.approx(0.675)
