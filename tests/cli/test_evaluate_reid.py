"""`keyreid eval reid` and `compare`, run as users run them, on painted people."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.models.weights import Provenance, save_weights
from tests.models.small_models import small_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three people who look the same in both cameras, in tracklets of three pictures."""
    for person in range(3):
        picture = np.random.default_rng(person).integers(0, 256, (64, 32, 3), np.uint8)
        for camera in ("a", "b"):
            for frame in range(3):
                path = tmp_path / f"folder/{person}/{camera}/1/{frame}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), picture)
    return tmp_path


@pytest.fixture
def weights(tmp_path: Path) -> str:
    model = small_model(frames=2)
    path = tmp_path / "small.safetensors"
    provenance = Provenance(source="test", created=datetime.date(2026, 1, 1), trained=True)
    save_weights(path, model.config, model.state_dict(), provenance)
    return str(path)


def test_a_table_a_record_and_a_card(folder: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "r.json"
    arguments = ["eval", "reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}", "--device", "cpu"]
    assert main([*arguments, "--out", str(out), "--note"]) == 0
    printed = capsys.readouterr().out
    for expected in ("cosine", "global", "visible-0.5", "mean over all clips of 2", "no keypoints"):
        assert expected in printed
    record = json.loads(out.read_text())
    assert record["data"] == "folder"
    assert [row["figures"]["rank1"] for row in record["rows"]] == [1, 1, 1]
    assert [part["name"] for part in record["rows"][0]["splits"][0]["parts"]] == ["a > b", "b > a"]
    assert len(record["embedder"]["sha256"]) == 64
    pairs = record["rows"][2]["similarities"]
    assert (sum(pairs["same"]), sum(pairs["different"])) == (6, 12)
    assert (pairs["equal_error"]["false_matches"], pairs["equal_error"]["misses"]) == (0, 0)
    assert (pairs["association"]["false_merge_rate"], pairs["association"]["candidates"]) == (0.05, 3)
    assert record["versions"]["torch"]
    assert main(["weights", "card", weights]) == 0
    card = capsys.readouterr().out
    assert "tracklet, mean over all clips of 2; cosine; every camera's tracklets looked for" in card
    assert "| 100.0 % | 100.0 % | 100.0 % | 6 |" in card


def test_choices_reach_the_record(folder: Path, weights: str) -> None:
    out = folder / "r.json"
    arguments = ["eval", "reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}", "--out", str(out)]
    chosen = ["--similarity", "euclidean", "--similarity", "visible", "--global-weight", "0.75", "--rerank"]
    assert main([*arguments, *chosen, "--hide", "upper", "--clips", "spaced", "--max-clips", "1", "--frames", "1"]) == 0
    record = json.loads(out.read_text())
    assert [row["similarity"] for row in record["rows"]] == ["euclidean", "visible-0.75"]
    assert (record["hidden"], record["clips"]) == ("upper", "mean over 1 spaced images")
    assert record["reranking"] == {"k1": 20, "k2": 6, "original_share": 0.3}


def test_a_backend_finds_whom_pytorch_finds(
    folder: Path, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    arguments = ["eval", "reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}", "--device", "cpu"]
    torch_out, out = tmp_path / "torch.json", tmp_path / "onnxruntime.json"
    assert main([*arguments, "--out", str(torch_out)]) == 0
    assert main([*arguments, "--out", str(out), "--backend", "onnxruntime", "--precision", "float32"]) == 0
    ours, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (torch_out, out))
    assert theirs["embedder"]["name"] == f"{ours['embedder']['name']} on onnxruntime float32"
    assert [row["figures"]["rank1"] for row in theirs["rows"]] == [row["figures"]["rank1"] for row in ours["rows"]]


def test_evaluations_side_by_side(folder: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["eval", "reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}"]
    files = [str(folder / f"{clips}.json") for clips in ("dense", "first")]
    for file, clips in zip(files, ("dense", "first"), strict=True):
        assert main([*arguments, "--clips", clips, "--out", file]) == 0
    capsys.readouterr()
    written, page = folder / "compared.json", folder / "compared.html"
    assert main(["eval", "compare", *files, "--json", str(written), "--html", str(page)]) == 0
    assert page.read_text().count("<circle") == 2
    assert "+0.0 (+0.0 to +0.0)" in capsys.readouterr().out
    content = json.loads(written.read_text())
    assert content["schema"] == "keyreid.reid-comparison/1"
    assert [one["clips"] for one in content["evaluations"]] == ["mean over all clips of 2", "first image alone"]
    assert content["evaluations"][1]["rank1_difference"] == {"difference": 0, "low": 0, "high": 0}
    assert main(["eval", "compare", files[0]]) == 2
    assert "at least two evaluations" in capsys.readouterr().err
    assert main(["eval", "compare", *files, *(["--similarity", "cosine"] * 3)]) == 2
    assert "3 similarities for 2 files" in capsys.readouterr().err


def test_a_page_with_curves_and_rankings(folder: Path, weights: str) -> None:
    page = folder / "r.html"
    arguments = ["eval", "reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}"]
    assert main([*arguments, "--html", str(page)]) == 0
    text = page.read_text()
    # Six queries, each with three entries of the other camera, the right one first; without keypoints no parts.
    assert text.count('<figure class="asked has-attention">') == 6
    assert text.count('<figure class="right has-attention">') == 6
    assert text.count('<figure class="wrong has-attention">') == 12
    assert 'id="view-parts"' not in text
    assert text.count('<polygon class="area') == 6
    assert text.count("<polyline") == 3
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--hide", "left"], "no 'left' half to hide; choose from: upper, lower"),
        (["--clips", "some"], "unknown clips 'some'"),
        (["--similarity", "manhattan"], "unknown similarity 'manhattan'"),
        (["--frames", "9"], "embeds clips of at most 2, not 9"),
        (["--keypoints", "/none"], "no keypoints /none/folder.npz"),
        (["--embedder", "small"], "unknown embedder 'small'"),
        (["--embedder", "onnx:/none.onnx", "--backend", "onnxruntime"], "--backend is for keyreid weights"),
        (["--backend", "onnxruntime", "--note"], "leave --backend out"),
        (["--backend", "abacus"], "abacus"),
        (["--embedder", "onnx:/none.onnx", "--note"], "no teacher"),
    ],
)
def test_wrong_choices(
    folder: Path, weights: str, wrong: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["eval", "reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}"]
    assert main([*arguments, *wrong]) == 2
    assert message in capsys.readouterr().err
